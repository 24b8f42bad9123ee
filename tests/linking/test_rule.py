from __future__ import annotations

import json
from typing import Any

import pytest

from conflict_events.errors import CheckpointError
from conflict_events.linking.rule import TypeModel, assemble
from conflict_events.schema import Document, Event, EventType, Span

ONE_TYPE = TypeModel({"armed_attack": 1}, {})


def mark(text: str, role: str, words: str, occurrence: int = 1, score: float | None = None) -> Span:
    """The span of ``words`` in ``text``."""
    start = -1
    for _ in range(occurrence):
        start = text.index(words, start + 1)
    return Span.of(text, role, start, start + len(words), score)


def told(events: list[Event]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Events as (trigger, [(role, words), ...])."""
    return [(event.trigger.text, [(span.role, span.text) for span in event.arguments]) for event in events]


def test_every_trigger_makes_an_event_in_the_order_of_the_text() -> None:
    text = "Shelling in Arna. Clashes in Bor. Calm in Cova."
    spans = [mark(text, "trigger", "Clashes"), mark(text, "trigger", "Shelling")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("Shelling", []), ("Clashes", [])]


def test_a_role_span_belongs_to_the_nearest_trigger_of_its_sentence() -> None:
    text = "Rebels bombed a bridge, and the army later shelled a farm with mortars."
    spans = [
        mark(text, "trigger", "bombed"), mark(text, "trigger", "shelled"), mark(text, "attacker", "Rebels"),
        mark(text, "attacker", "the army"), mark(text, "target", "a bridge"), mark(text, "target", "a farm"),
        mark(text, "weapon", "mortars"),
    ]  # fmt: skip
    assert told(assemble(text, spans, ONE_TYPE)) == [
        ("bombed", [("attacker", "Rebels"), ("target", "a bridge")]),
        ("shelled", [("attacker", "the army"), ("target", "a farm"), ("weapon", "mortars")]),
    ]


def test_of_two_triggers_equally_near_the_earlier_one_takes_the_span() -> None:
    text = "bombed guns burned"
    spans = [mark(text, "trigger", "burned"), mark(text, "trigger", "bombed"), mark(text, "weapon", "guns")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("bombed", [("weapon", "guns")]), ("burned", [])]


def test_distance_is_counted_between_the_spans_not_between_their_middles() -> None:
    # 2 characters to "hit", 4 to "burned", though the middle of the long span is nearer to "burned"
    text = "hit, the very old and very long wooden bridge, x, burned"
    bridge = mark(text, "weapon", "the very old and very long wooden bridge")
    spans = [mark(text, "trigger", "hit"), mark(text, "trigger", "burned"), bridge]
    assert told(assemble(text, spans, ONE_TYPE)) == [("hit", [("weapon", bridge.text)]), ("burned", [])]


def test_a_nearer_trigger_of_another_sentence_does_not_take_the_span() -> None:
    text = "They fired at dawn near Arna. Bombs fell."
    spans = [mark(text, "trigger", "fired"), mark(text, "trigger", "Bombs"), mark(text, "location", "Arna")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("fired", [("location", "Arna")]), ("Bombs", [])]


def test_a_role_span_in_a_sentence_without_a_trigger_stays_out() -> None:
    text = "Rebels hold Arna. Shells fell on Bor."
    spans = [
        mark(text, "attacker", "Rebels"), mark(text, "location", "Arna"), mark(text, "trigger", "Shells"),
        mark(text, "location", "Bor"),
    ]  # fmt: skip
    assert told(assemble(text, spans, ONE_TYPE)) == [("Shells", [("location", "Bor")])]


def test_acts_of_one_sentence_share_attacker_target_and_location() -> None:
    text = "In Arna rebels ambushed a convoy and torched it."
    spans = [
        mark(text, "location", "Arna"), mark(text, "attacker", "rebels"), mark(text, "trigger", "ambushed"),
        mark(text, "target", "a convoy"), mark(text, "trigger", "torched"),
    ]  # fmt: skip
    shared = [("location", "Arna"), ("attacker", "rebels"), ("target", "a convoy")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("ambushed", shared), ("torched", shared)]


def test_weapons_are_not_shared() -> None:
    text = "Rebels raided a camp and, with mortars, shelled it."
    spans = [mark(text, "trigger", "raided"), mark(text, "weapon", "mortars"), mark(text, "trigger", "shelled")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("raided", []), ("shelled", [("weapon", "mortars")])]


def test_only_the_nearest_of_several_is_shared_and_none_where_the_trigger_has_its_own() -> None:
    text = "Rebels and bandits raided a camp, then burned a mill."
    spans = [
        mark(text, "attacker", "Rebels"), mark(text, "attacker", "bandits"), mark(text, "trigger", "raided"),
        mark(text, "target", "a camp"), mark(text, "trigger", "burned"), mark(text, "target", "a mill"),
    ]  # fmt: skip
    assert told(assemble(text, spans, ONE_TYPE)) == [
        ("raided", [("attacker", "Rebels"), ("attacker", "bandits"), ("target", "a camp")]),
        ("burned", [("attacker", "bandits"), ("target", "a mill")]),
    ]


def test_nothing_is_shared_across_sentences() -> None:
    text = "Rebels raided a camp. Two mills burned."
    spans = [mark(text, "attacker", "Rebels"), mark(text, "trigger", "raided"), mark(text, "trigger", "burned")]
    assert told(assemble(text, spans, ONE_TYPE)) == [("raided", [("attacker", "Rebels")]), ("burned", [])]


@pytest.mark.parametrize("text", ["", "Rebels hold Arna."])
def test_without_triggers_there_are_no_events(text: str) -> None:
    spans = [mark(text, "attacker", "Rebels")] if text else []
    assert assemble(text, spans, ONE_TYPE) == []


def test_the_score_is_that_of_the_trigger_times_that_of_the_type() -> None:
    text = "Rebels fired."
    types = TypeModel({"shelling": 3, "armed_attack": 1}, {})  # knows no word, so the prior decides: 3 of 4
    scored, plain = (assemble(text, [mark(text, "trigger", "fired", score=score)], types)[0] for score in (0.8, None))
    assert scored.type == EventType.SHELLING
    assert scored.score == pytest.approx(0.8 * 0.75)
    assert plain.score is None


def event(kind: str, words: str, role: str = "attacker", argument: str = "") -> Document:
    """A document that is one event: its trigger, and an argument in ``role`` if there is one."""
    text = f"{words} {argument}".strip()
    arguments = (Span.of(text, role, len(words) + 1, len(text)),) if argument else ()
    return Document(kind, text, events=(Event(kind, Span.of(text, "trigger", 0, len(words)), arguments),))  # type: ignore[arg-type]


def test_fitting_counts_types_and_the_events_that_hold_a_word() -> None:
    model = TypeModel.fit(
        [
            event("shelling", "Fired fired", "weapon", "122-mm rockets"),
            event("shelling", "shelled", "target", "rockets"),  # only trigger and weapon count
            event("armed_attack", "fired", "attacker", "Gunmen"),
        ]
    )
    assert model is not None
    assert model.types == {"shelling": 2, "armed_attack": 1}
    assert model.words == {
        "trigger:fired": {"shelling": 1, "armed_attack": 1},
        "weapon:122": {"shelling": 1},
        "weapon:mm": {"shelling": 1},
        "weapon:rockets": {"shelling": 1},
        "trigger:shelled": {"shelling": 1},
        "stem:fire": {"shelling": 1, "armed_attack": 1},
        "stem:shel": {"shelling": 1},
    }


def test_without_events_there_is_no_model() -> None:
    assert TypeModel.fit([]) is None
    assert TypeModel.fit([Document("a", "Quiet.")]) is None


def test_a_probability_worked_by_hand() -> None:
    # Of 4 events, 3 are shelling. A word that n of N events of a type have counts (n + 1) / (N + 2) there:
    #   shelling      3/4 * (1 + 1) / (3 + 2) * (2 + 1) / (3 + 2) = 18/100
    #   armed_attack  1/4 * (1 + 1) / (1 + 2) * (0 + 1) / (1 + 2) =  1/18
    # "at" is unknown and counts nothing. 0.18 / (0.18 + 1/18) = 81/106.
    model = TypeModel(
        {"shelling": 3, "armed_attack": 1},
        {"trigger:fired": {"shelling": 1, "armed_attack": 1}, "weapon:rockets": {"shelling": 2}},
    )
    text = "Fired at with rockets"
    kind, probability = model.predict(mark(text, "trigger", "Fired at"), [mark(text, "weapon", "rockets")])
    assert kind is EventType.SHELLING
    assert probability == pytest.approx(81 / 106)


def test_a_word_counts_in_the_role_it_was_seen_in() -> None:
    model = TypeModel({"shelling": 1, "bombing": 1}, {"weapon:mine": {"bombing": 1}, "target:mine": {"shelling": 1}})
    text = "hit mine"
    trigger = mark(text, "trigger", "hit")
    assert model.predict(trigger, [mark(text, "weapon", "mine")]) == (EventType.BOMBING, pytest.approx(2 / 3))
    for role in ("attacker", "target", "location"):  # they say nothing about the type
        assert model.predict(trigger, [mark(text, role, "mine")])[1] == pytest.approx(1 / 2)


def test_another_form_of_a_seen_trigger_is_recognised_by_its_stem() -> None:
    model = TypeModel.fit([event("shelling", "shelled"), event("abduction", "abducted")])
    assert model is not None
    text = "Shellings"
    assert model.predict(mark(text, "trigger", text), []) == (EventType.SHELLING, pytest.approx(2 / 3))


def test_many_words_do_not_underflow() -> None:
    words = [f"w{number}" for number in range(2000)]
    text = " ".join(words)
    model = TypeModel({"shelling": 50, "bombing": 50}, {f"trigger:{word}": {"shelling": 1} for word in words})
    assert model.predict(mark(text, "trigger", text), []) == (EventType.SHELLING, pytest.approx(1.0))


def test_a_model_comes_back_from_json_as_it_was() -> None:
    model = TypeModel.fit(
        [event("shelling", "обстрел", "weapon", "«Град»"), event("abduction", "seized", "attacker", "Gunmen")]
    )
    assert model is not None
    assert TypeModel.from_record(json.loads(json.dumps(model.to_record()))) == model


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {"types": {"shelling": 1}},
        {"types": [], "words": {}},
        {"types": {"shelling": "many"}, "words": {}},
        {"types": {"party": 1}, "words": {}},
        {"types": {"shelling": 1}, "words": {"trigger:fired": 1}},
        {"types": {"shelling": 1}, "words": {"trigger:fired": {"party": 1}}},
        {"types": {}, "words": {}},
        {"types": {"shelling": 0}, "words": {}},
        {"types": {"shelling": float("inf")}, "words": {}},
        {"types": {"shelling": 5}, "words": {"trigger:fired": {"shelling": -1}}},
    ],
)
def test_a_malformed_record_is_refused(record: Any) -> None:
    with pytest.raises(CheckpointError, match="event type model"):
        TypeModel.from_record(record)

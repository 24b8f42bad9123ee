"""Texts to events: which spans the linker is asked about, and what becomes of its answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
import torch
from conftest import ROLES, tiny_bert, tiny_linker, wordpiece_tokenizer

from conflict_events.confidence import Confidence, Kind
from conflict_events.config import DecodingConfig, WindowConfig
from conflict_events.engines.torch import TorchEngine
from conflict_events.labels import LabelScheme
from conflict_events.linking.decoding import ROLES as LINKED
from conflict_events.linking.decoding import TYPES
from conflict_events.linking.rule import TypeModel
from conflict_events.metrics.calibration import Scaling
from conflict_events.schema import Event, EventType, Role
from conflict_events.scores import Link, LinkScores, Scored
from conflict_events.screening import Screen
from conflict_events.tagging import Reading, Tagger
from conflict_events.windows import TextTokenizer

TOKENIZER = TextTokenizer(wordpiece_tokenizer())
VOCABULARY = wordpiece_tokenizer().get_vocab()
WORDS = {
    "rebels": "ATTACKER", "troops": "TARGET", "village": "LOCATION",
    "attacked": "TRIGGER", "bombed": "TRIGGER", "shelled": "TRIGGER",
}  # fmt: skip
KINDS = {"attacked": EventType.ARMED_ATTACK, "bombed": EventType.AIR_STRIKE, "shelled": EventType.SHELLING}
NAMES = {number: word for word, number in VOCABULARY.items()}
SMALL, LARGE = WindowConfig(16, 6), WindowConfig(100_000, 48)
ONE_TYPE = TypeModel({"bombing": 1}, {})
RoleOf = Callable[[str, str], str | None]


def as_tagged(trigger: str, word: str) -> str | None:
    """Every span within reach takes part in the role that the tagger gave it."""
    return WORDS[word].lower()


class Keywords:
    """An engine that is nine tenths sure of every label, role and type; its states are the tokens themselves.

    Args:
        role_of: the role of a word in the event of a trigger's word, or None.
        labels: what its columns mean.
        words: the label of each word.
    """

    def __init__(
        self, role_of: RoleOf = as_tagged, labels: LabelScheme | None = None, words: Mapping[str, str] = WORDS
    ) -> None:
        self.role_of = role_of
        self.links: list[Link] = []
        numbers = (labels or LabelScheme(ROLES)).label2id
        self._width = len(numbers)
        self._column = {
            VOCABULARY[word]: numbers[f"B-{role}"] for word, role in words.items() if f"B-{role}" in numbers
        }

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        scored = []
        for window in windows:
            logits = sure([self._column.get(token, 0) for token in window], self._width)
            scored.append(Scored(logits, np.array(window, dtype=np.float32)[:, None]))
        return scored

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        self.links.extend(links)
        scored = []
        for link in links:
            words = [NAMES[int(token)] for token in link.states[:, 0]]
            trigger = words[link.first]
            roles = [self.role_of(trigger, words[first]) for first, _ in link.spans]
            chosen = [0 if role is None else LINKED.index(Role(role)) + 1 for role in roles]
            kind = sure([TYPES.index(KINDS[trigger])], len(TYPES))[0]
            scored.append(LinkScores(sure(chosen, len(LINKED) + 1), kind))
        return scored


def sure(columns: Sequence[int], width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Logits under which each of these columns has probability 0.9."""
    rows = np.full((len(columns), width), 0.1 / (width - 1))
    rows[np.arange(len(columns)), columns] = 0.9
    return np.log(rows).astype(np.float32)


def tagger(
    engine: Keywords, reach: int | None = 30, window: WindowConfig = LARGE, types: TypeModel | None = None,
    confidence: Confidence | None = None, labels: LabelScheme | None = None,
) -> Tagger:  # fmt: skip
    scheme = labels or LabelScheme(ROLES)
    return Tagger(
        TOKENIZER, engine, scheme, scheme.columns, window, DecodingConfig(), reach, types,
        confidence=confidence or Confidence(),
    )  # fmt: skip


def told(events: Sequence[Event]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Events as (trigger, [(role, words), ...])."""
    return [(event.trigger.text, [(span.role, span.text) for span in event.arguments]) for event in events]


def read(text: str, engine: Keywords | None = None, **options: object) -> Reading:
    (reading,) = tagger(engine or Keywords(), **options).read([text])  # type: ignore[arg-type]
    return reading


# Events


def test_every_trigger_makes_an_event_in_the_order_of_the_text() -> None:
    text = "the village . rebels shelled troops . rebels bombed troops near the village"
    reading = read(text)
    everything = [("location", "village"), ("attacker", "rebels"), ("target", "troops")]
    everything += [*everything[1:], everything[0]]
    assert told(reading.events) == [("shelled", everything), ("bombed", everything)]
    assert [event.type for event in reading.events] == [EventType.SHELLING, EventType.AIR_STRIKE]
    assert [span.text for span in reading.spans if span.role == "trigger"] == ["shelled", "bombed"]


def test_one_span_serves_several_events_in_different_roles() -> None:
    roles = {
        ("shelled", "rebels"): "attacker", ("shelled", "troops"): "target", ("attacked", "troops"): "attacker",
    }  # fmt: skip
    reading = read("rebels shelled troops . then these attacked", Keywords(lambda t, word: roles.get((t, word))))
    assert told(reading.events) == [
        ("shelled", [("attacker", "rebels"), ("target", "troops")]),
        ("attacked", [("attacker", "troops")]),
    ]


def test_an_event_may_lack_any_role() -> None:
    reading = read("rebels shelled troops", Keywords(lambda trigger, word: None))
    assert told(reading.events) == [("shelled", [])]
    assert [span.text for span in reading.spans] == ["rebels", "shelled", "troops"]


def test_scores_worked_by_hand() -> None:
    (event,) = read("rebels shelled").events
    # Trigger and span 0.9 each, type and role 0.9 each.
    assert event.trigger.score == pytest.approx(0.9)
    assert event.type_score == pytest.approx(0.9)
    assert event.score == pytest.approx(0.81)
    assert event.arguments[0].score == pytest.approx(0.81)


# Reach


@pytest.mark.parametrize(("reach", "found"), [(3, []), (4, ["rebels"]), (5, ["rebels"])])
def test_spans_within_reach_of_the_trigger_are_asked_about(reach: int, found: list[str]) -> None:
    engine = Keywords()
    reading = read("rebels near the the shelled", engine, reach=reach)  # four tokens away
    assert [span.text for event in reading.events for span in event.arguments] == found
    assert [len(link.spans) for link in engine.links] == [len(found)]
    assert [len(link.states) for link in engine.links] == [min(reach, 4) + 1]


@pytest.mark.parametrize("text", ["rebels killed the shelled", "shelled the rebels killed"])
def test_a_span_that_is_only_in_part_within_reach_is_not_asked_about(text: str) -> None:
    class Pair(Keywords):
        """ "rebels killed" is one span."""

        def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
            scored = super().run(windows)
            inside = LabelScheme(ROLES).inside("attacker")
            for window, of in zip(windows, scored, strict=True):
                of.logits[list(window).index(VOCABULARY["killed"])] = sure([inside], 11)[0]
            return scored

    (event,) = read(text, Pair(), reach=2).events  # its tokens are two and three away
    assert event.arguments == ()
    (event,) = read(text, Pair(), reach=3).events
    assert told([event]) == [("shelled", [("attacker", "rebels killed")])]


def test_positions_count_from_the_first_token_that_the_linker_sees() -> None:
    engine = Keywords()
    reading = read("the the the rebels the shelled troops the the", engine, reach=2)
    assert told(reading.events) == [("shelled", [("attacker", "rebels"), ("target", "troops")])]
    (link,) = engine.links
    assert [NAMES[int(token)] for token in link.states[:, 0]] == ["rebels", "the", "shelled", "troops", "the"]
    assert (link.first, link.last, link.spans.tolist()) == (2, 2, [[0, 0], [3, 3]])


def test_an_argument_may_stand_in_a_neighbouring_sentence_and_in_another_window_than_its_trigger() -> None:
    text = "rebels " + "near the " * 9 + ". troops shelled. " + "the " * 20
    engine = Keywords()
    windowed, whole = read(text, engine, window=SMALL), read(text, window=LARGE)
    assert told(windowed.events) == [("shelled", [("attacker", "rebels"), ("target", "troops")])]
    assert windowed == whole
    (link,) = engine.links
    (tokens,) = TOKENIZER([text])
    at = tokens.ids.tolist().index(VOCABULARY["shelled"])
    assert link.states[:, 0].tolist() == tokens.ids[: at + 31].tolist(), "states of windows are joined"
    assert (link.first, link.last) == (at, at)
    assert len(set(link.sentence.tolist())) > 1


def test_triggers_are_no_arguments_and_count_as_standing_between() -> None:
    engine = Keywords()
    read("rebels bombed the attacked shelled troops", engine)
    assert [link.spans.tolist() for link in engine.links] == [[[0, 0], [5, 5]]] * 3
    assert [link.first for link in engine.links] == [1, 3, 4]
    assert engine.links[2].between.tolist() == [2, 1, 1, 0, 0, 0]


# Many and none


def test_texts_without_trigger_have_no_events_and_the_linker_is_asked_nothing() -> None:
    engine = Keywords()
    texts = ["", "the village slept", " \r\n", "rebels near the village " * 30]
    readings = tagger(engine, window=SMALL).read(texts)
    assert [reading.events for reading in readings] == [[], [], [], []]
    assert [len(reading.spans) for reading in readings] == [0, 1, 0, 60]
    assert engine.links == []


def test_texts_read_together_get_what_each_gets_alone() -> None:
    texts = ["", "rebels shelled troops", "the village", "troops bombed . rebels attacked", "shelled"]
    together = tagger(Keywords(), window=SMALL).read(texts)
    assert together == [read(text, window=SMALL) for text in texts]
    assert [len(reading.events) for reading in together] == [0, 1, 0, 2, 1]


@pytest.mark.parametrize("batch_tokens", [64, 1024])
def test_a_hundred_triggers_take_no_more_memory_at_a_time_than_a_batch(batch_tokens: int) -> None:
    torch.manual_seed(0)
    linker, reach = tiny_linker(), 8
    shapes: list[tuple[int, ...]] = []
    linker.register_forward_pre_hook(
        lambda module, args, kwargs: shapes.append(tuple(kwargs["states"].shape)), with_kwargs=True
    )
    engine = TorchEngine(tiny_bert(LabelScheme(ROLES), len(VOCABULARY)), linker, batch_tokens)

    class Triggers(TorchEngine):
        """The tagger's part by keywords, the linker's by the network."""

        def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
            return [
                Scored(by_word.logits, by_model.states)
                for by_word, by_model in zip(Keywords().run(windows), super().run(windows), strict=True)
            ]

    at_work = Tagger(
        TOKENIZER, Triggers(engine.model, linker, batch_tokens), LabelScheme(ROLES), LabelScheme(ROLES).columns,
        WindowConfig(128, 48), DecodingConfig(), reach,
    )  # fmt: skip
    (reading,) = at_work.read(["rebels shelled troops . " * 100])
    assert len(reading.events) == 100
    assert [event.trigger.start for event in reading.events] == [24 * n + 7 for n in range(100)]
    assert sum(rows for rows, _, _ in shapes) == 100
    assert max(rows * tokens for rows, tokens, _ in shapes) <= batch_tokens
    assert max(tokens for _, tokens, _ in shapes) == 2 * reach + 1
    assert all(len(event.arguments) <= 2 * reach for event in reading.events)


# Checkpoints without linker, and taggers with other roles


def test_a_checkpoint_without_linker_uses_the_sentence_rule() -> None:
    engine = Keywords()
    reading = read("rebels shelled troops. the village slept.", engine, reach=None, types=ONE_TYPE)
    assert told(reading.events) == [("shelled", [("attacker", "rebels"), ("target", "troops")])]
    assert reading.events[0].type is EventType.BOMBING
    assert reading.events[0].type_score == 1.0
    assert engine.links == []


def test_a_linker_goes_before_the_sentence_rule() -> None:
    (event,) = read("rebels shelled troops", types=ONE_TYPE).events
    assert event.type is EventType.SHELLING


def test_with_neither_there_are_spans_only() -> None:
    reading = read("rebels shelled troops", reach=None)
    assert reading.events == []
    assert [span.text for span in reading.spans] == ["rebels", "shelled", "troops"]


@pytest.mark.parametrize(
    ("roles", "events"),
    [
        (("perp_ind", "perp_org", "target", "victim", "weapon"), []),
        (("victim", "target", "trigger"), [("shelled", [("target", "troops")])]),
    ],
)
def test_a_tagger_with_other_roles_gives_events_what_they_can_hold(
    roles: tuple[str, ...], events: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    labels = LabelScheme(roles)
    reading = read("rebels shelled troops", Keywords(labels=labels), labels=labels)
    assert told(reading.events) == events
    assert "troops" in [span.text for span in reading.spans]


def test_spans_in_roles_that_events_do_not_have_are_not_asked_about() -> None:
    labels = LabelScheme(("victim", "trigger"))
    engine = Keywords(labels=labels, words={"troops": "VICTIM", "shelled": "TRIGGER"})
    reading = read("rebels shelled troops", engine, labels=labels)
    assert [span.role for span in reading.spans] == ["trigger", "victim"]
    assert told(reading.events) == [("shelled", [])]
    assert [link.spans.shape for link in engine.links] == [(0, 2)]


# Confidence


def scaled(thresholds: Mapping[Kind, float]) -> Confidence:
    """Every kind of thing is surer than its raw score says: the odds are e times as high."""
    return Confidence({kind: Scaling(1.0, 1.0) for kind in Kind}, thresholds)


def test_what_is_left_out_before_linking_is_not_asked_about() -> None:
    engine = Keywords()
    reading = read("rebels shelled troops", engine, confidence=Confidence({}, {Kind.TRIGGER: 0.95}))
    assert (reading.events, engine.links) == ([], [])
    assert [span.text for span in reading.spans] == ["rebels", "troops"]
    reading = read("rebels shelled troops", engine, confidence=Confidence({}, {Kind.SPAN: 0.95}))
    assert told(reading.events) == [("shelled", [])]
    assert [span.text for span in reading.spans] == ["shelled"]
    assert [len(link.spans) for link in engine.links] == [0]


def test_unsure_arguments_and_events_are_left_out() -> None:
    # The score of argument and event is 0.81.
    without_arguments = read("rebels shelled", confidence=Confidence({}, {Kind.ARGUMENT: 0.85}))
    assert told(without_arguments.events) == [("shelled", [])]
    assert [span.text for span in without_arguments.spans] == ["rebels", "shelled"]
    without_events = read("rebels shelled", confidence=Confidence({}, {Kind.EVENT: 0.85}))
    assert without_events.events == []


def test_reported_scores_are_calibrated_and_thresholds_are_on_those() -> None:
    # logit(0.9) + 1 = log(9e): 9e / (1 + 9e) = 0.9607; logit(0.81) + 1: 0.81e / (0.19 + 0.81e) = 0.9206
    reading = read("rebels shelled", confidence=scaled({Kind.SPAN: 0.95, Kind.TRIGGER: 0.95, Kind.ARGUMENT: 0.92}))
    (event,) = reading.events
    assert [span.score for span in reading.spans] == pytest.approx([0.9607, 0.9607], abs=1e-4)
    assert event.trigger.score == pytest.approx(0.9607, abs=1e-4)
    assert event.type_score == pytest.approx(0.9607, abs=1e-4)
    assert event.score == pytest.approx(0.9206, abs=1e-4)
    assert [span.score for span in event.arguments] == pytest.approx([0.9206], abs=1e-4)


# Texts that are longer than what is worked on together


@pytest.mark.parametrize("types", [None, ONE_TYPE])
def test_a_long_text_is_read_in_parts_as_if_whole(monkeypatch: pytest.MonkeyPatch, types: TypeModel | None) -> None:
    paragraph = "the village . rebels shelled troops near the village .\n\n"
    text = "\u00e9 " + paragraph * 50
    engine = Keywords()
    reach = 4 if types is None else None
    whole = read(text, engine, reach=reach, types=types)
    monkeypatch.setattr("conflict_events.tagging._GROUP_CHARACTERS", 700)
    in_parts = read(text, reach=reach, types=types)
    assert in_parts == whole
    assert len(in_parts.events) == 50
    assert all(text[span.start : span.end] == span.text for span in in_parts.spans)


def test_a_long_text_is_never_held_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conflict_events.tagging._GROUP_CHARACTERS", 700)
    held: list[int] = []
    engine = Keywords()
    run = engine.run
    monkeypatch.setattr(engine, "run", lambda windows: (held.append(sum(map(len, windows))), run(windows))[1])
    short, long = "rebels shelled troops", "rebels shelled the village . " * 400
    readings = [reading for _, reading in tagger(engine, window=SMALL).read_many([short, long, short])]
    assert [len(reading.events) for reading in readings] == [1, 400, 1]
    assert readings[0] == readings[2]
    assert max(held) < 400, "tokens: a part has 700 characters"


def test_the_first_pass_judges_the_parts_of_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conflict_events.tagging._GROUP_CHARACTERS", 100)
    screen = Screen({VOCABULARY["shelled"]: 1.0}, [(0.5, 0.0)]).at(0.0)
    quiet = "the village . " * 50
    at_work = dataclasses.replace(tagger(Keywords()), screen=screen)
    violent, peaceful = at_work.read([quiet + "rebels shelled troops", quiet])
    assert peaceful == Reading([], [], skipped=True)
    assert not violent.skipped
    assert told(violent.events)[0][0] == "shelled"
    assert len(violent.spans) < 20, "the parts without violence are not read"

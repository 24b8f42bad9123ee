"""Predictions of any system: read as they were written, aligned with the gold, and refused where they do not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import ATTACKER, EVENT, FULL, ROLES, TEXT, document, event, gold_of, run_of, span, write_lines

from conflict_events.errors import ConflictEventsError, DataError, InputError
from conflict_events.evaluation.measures import measures
from conflict_events.evaluation.predictions import read_predictions, write_predictions
from conflict_events.evaluation.results import Gold, Run
from conflict_events.schema import Event, Layer, Span

GOLD = gold_of(document("a", FULL), document("b"))


def record(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": name, "spans": [], "events": [], **more}


def read(folder: Path, *records: Any, gold: Gold = GOLD) -> Run:
    return read_predictions(write_lines(folder / "p.jsonl", *records), gold)


# What is read


def test_spans_and_events_are_aligned_with_the_documents_whatever_their_order(tmp_path: Path) -> None:
    run = read(tmp_path, record("b"), record(spans=[ATTACKER], events=[EVENT], model="m@1", meta={"x": 1}))
    first, second = run.results
    assert (first.document, second.document) == (GOLD.documents[0], GOLD.documents[1])
    assert [s.key for s in first.spans] == [("attacker", 0, 6), ("trigger", 7, 13)]
    assert [s.score for s in first.spans] == [0.9, None]
    assert [(e.type, e.trigger.text, [a.text for a in e.arguments], e.score) for e in first.events] == [
        ("bombing", "bombed", ["rebels"], 0.8)
    ]
    assert (second.spans, second.events) == ((), ())
    assert (run.roles, run.finds_events) == (ROLES, True)


def test_the_run_is_called_after_the_model_or_else_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, record(model="m@1"), record("b", model="m@1")).name == "m@1"
    assert read(tmp_path, record(), record("b")).name == "p"


def test_arguments_of_events_are_spans_even_if_the_record_lists_none(tmp_path: Path) -> None:
    events_only = [{"id": "a", "events": [EVENT]}, {"id": "b", "events": []}]
    assert {s.key for s in read(tmp_path, *events_only).results[0].spans} == {("attacker", 0, 6), ("trigger", 7, 13)}


def test_records_without_the_key_events_are_of_a_system_that_finds_none(tmp_path: Path) -> None:
    run = read(tmp_path, {"id": "a", "spans": [ATTACKER]}, {"id": "b", "spans": []})
    assert not run.finds_events
    assert run.with_events == []


def test_arguments_in_roles_that_are_not_scored_are_left_out_on_both_sides(tmp_path: Path) -> None:
    armed = EVENT | {"weapon": [{"start": 43, "end": 50, "text": "mortars"}]}
    path = write_lines(tmp_path / "p.jsonl", record(events=[armed]), record("b"))
    run = read_predictions(path, GOLD, ("attacker", "target", "location", "trigger"))
    (annotated,), (found,) = run.results[0].document.events, run.results[0].events
    assert [a.role for a in annotated.arguments] == ["attacker", "target", "location"]
    assert [a.role for a in found.arguments] == ["attacker"]
    linked = measures([run], GOLD)["events"]["exact"]["linked"]
    assert (linked["precision"], linked["recall"], linked["support"]) == pytest.approx((1.0, 1 / 3, 3))


def test_triggers_are_not_wrong_where_nobody_looked_for_events(tmp_path: Path) -> None:
    unread = document("b", spans=[span("attacker", "rebels")], layers=[Layer.ROLES])
    found = [record(spans=[ATTACKER], events=[EVENT]), record("b", spans=[ATTACKER], events=[EVENT])]
    run = read(tmp_path, *found, gold=gold_of(document("a", FULL), unread))
    assert [len(r.events) for r in run.results] == [1, 0]
    assert [[s.role for s in r.spans] for r in run.results] == [["attacker", "trigger"], ["attacker"]]
    alone = read(tmp_path, found[1], gold=gold_of(unread))  # whoever annotates triggers as spans has no events at all
    assert [s.role for s in alone.results[0].spans] == ["attacker", "trigger"]


def test_of_repeated_spans_the_most_confident_is_kept(tmp_path: Path) -> None:
    spans = [ATTACKER | {"score": 0.3}, ATTACKER | {"score": 0.7}, ATTACKER | {"score": None}]
    assert [s.score for s in read(tmp_path, record(spans=spans), record("b")).results[0].spans] == [0.7]


def test_text_and_score_may_be_left_out(tmp_path: Path) -> None:
    bare = {"role": "target", "start": 18, "end": 25}
    (found,) = read(tmp_path, record(spans=[bare]), record("b")).results[0].spans
    assert (found.text, found.score) == ("village", None)


@st.composite
def findings(draw: st.DrawFn) -> tuple[list[Span], list[Any]]:
    def any_span(role: str) -> Span:
        start = draw(st.integers(0, len(TEXT) - 1))
        score = draw(st.none() | st.integers(0, 10_000).map(lambda n: n / 10_000))  # what a record holds
        return Span.of(TEXT, role, start, draw(st.integers(start + 1, len(TEXT))), score)

    role = st.sampled_from(ROLES)
    spans = [any_span(draw(role)) for _ in range(draw(st.integers(0, 4)))]
    events = []
    for _ in range(draw(st.integers(0, 3))):
        roles = draw(st.lists(st.sampled_from(ROLES[:-1]), max_size=3))
        made = event("bombed", kind=draw(st.sampled_from(["bombing", "shelling"])))
        scores = draw(st.tuples(*[st.none() | st.just(0.5)] * 2))
        events.append(Event(made.type, any_span("trigger"), tuple(map(any_span, roles)), *scores))
    return spans, events


@given(findings(), st.booleans())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[list[Span], list[Any]], finds_events: bool
) -> None:
    spans, events = found
    events = events if finds_events else []
    path = tmp_path_factory.mktemp("written") / "predictions.jsonl"
    write_predictions(path, GOLD.documents, [(spans, events), ([], [])], "m", finds_events)
    run = read_predictions(path, GOLD)
    expected = run_of(GOLD, events, [], spans=[spans], name="m", events=finds_events)
    assert run == expected
    write_predictions(path, GOLD.documents, [(r.spans, r.events) for r in run.results], "m", finds_events)
    assert read_predictions(path, GOLD) == expected


def test_written_records_are_those_of_predict_with_the_triggers_that_no_event_has(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    gold = gold_of(document("a", region="north"))
    events = [event("bombed", ("attacker", "rebels"))]
    spans = [span("attacker", "rebels"), span("trigger", "bombed"), span("trigger", "fled", 0.4)]
    write_predictions(path, gold.documents, [(spans, events)], "m", True)
    written = json.loads(path.read_text("utf-8"))
    assert list(written) == ["id", "events", "spans", "meta", "model"]
    assert [s["text"] for s in written["spans"]] == ["rebels", "fled"]
    assert (written["meta"], written["model"]) == ({"region": "north"}, "m")


def test_roles_that_are_settled_leave_others_alone(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", record(spans=[ATTACKER | {"role": "crowd"}]), record("b"))
    assert read_predictions(path, GOLD, ["attacker"]).roles == ("attacker",)


# What is refused: file, line, document, and what to do about it


def refused(folder: Path, *records: Any, gold: Gold = GOLD) -> str:
    with pytest.raises(ConflictEventsError) as caught:
        read(folder, *records, gold=gold)
    assert isinstance(caught.value, DataError)
    assert caught.value.remedy or "object" in str(caught.value)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_document_that_is_not_scored(tmp_path: Path) -> None:
    told = refused(tmp_path, record(), record("b"), record("c"))
    assert told.startswith("p.jsonl:3: document 'c' is not among the 2 that are scored. Predict split 'dev'")


def test_a_document_with_two_records(tmp_path: Path) -> None:
    told = refused(tmp_path, record(), "", record("b"), record(spans=[ATTACKER]))
    assert told.startswith(f"p.jsonl:4: document 'a' has a second record, the first is {tmp_path}/p.jsonl:1.")


def test_documents_without_a_record_are_counted_and_named(tmp_path: Path) -> None:
    assert refused(tmp_path, record("b")).startswith(
        "p.jsonl: 1 of 2 documents of split 'dev' have no prediction: 'a'. "
    )
    many = gold_of(*(document(str(n)) for n in range(9)))
    told = refused(tmp_path, record("3"), gold=many)
    assert "8 of 9 documents of split 'dev' have no prediction: '0', '1', '2', '4', '5', ..." in told


def test_an_empty_file(tmp_path: Path) -> None:
    assert "2 of 2 documents of split 'dev' have no prediction" in refused(tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.jsonl: there is no such file of predictions"):
        read_predictions(tmp_path / "no.jsonl", GOLD)


@pytest.mark.parametrize(
    ("span_record", "words"),
    [
        (ATTACKER | {"end": 7}, "'rebels', but 'rebels ' stands there. Count Unicode characters"),
        (ATTACKER | {"start": 60, "end": 99}, "attacker span [60, 99) leaves the text of 66 characters"),
        (ATTACKER | {"start": -1}, "[-1, 6)"),
        (ATTACKER | {"start": 6}, "span [6, 6) is empty"),
        (ATTACKER | {"start": 0.0}, "offsets that are no integers"),
        (ATTACKER | {"start": None}, "offsets that are no integers"),
        (
            ATTACKER | {"role": "perpetrator"},
            "role 'perpetrator' of [0, 6) is not one of corpus 'made'. Rename it to one",
        ),
        (ATTACKER | {"role": "ATTACKER"}, "role 'ATTACKER' is not a name"),
        (ATTACKER | {"role": None}, "has no 'role'"),
        (ATTACKER | {"score": 1.5}, "score 1.5 is not a number in [0, 1]"),
        (ATTACKER | {"score": "high"}, "score 'high' is not a number"),
        (ATTACKER | {"score": True}, "score True is not a number"),
        ({"role": "attacker", "text": "rebels"}, "is malformed"),
        (["attacker", 0, 6], "has no 'role'"),
    ],
)
def test_a_span_that_does_not_fit(tmp_path: Path, span_record: Any, words: str) -> None:
    told = refused(tmp_path, record("b"), record(spans=[span_record]))
    assert told.startswith("p.jsonl:2: document 'a': ")
    assert words in told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"type": "war"}, "event type 'war' is unknown"),
        ({"type": None}, "event type None is unknown"),
        (
            {"trigger": {"start": 8, "end": 13, "text": "bombed"}},
            "trigger span [8, 13) is 'bombed', but 'ombed' stands",
        ),
        ({"trigger": [7, 13]}, "trigger [7, 13] is malformed"),
        ({"attacker": {"start": 0, "end": 6}}, "'attacker' must be a list, not dict"),
        ({"perpetrator": []}, "unknown keys ['perpetrator']. Roles are attacker"),
        ({"type_score": -0.1}, "score -0.1 is not a number in [0, 1]"),
        ({"score": 2}, "score 2 is not a number in [0, 1]"),
        ({"target": [{"start": 60, "end": 99}]}, "leaves the text"),
    ],
)
def test_an_event_that_does_not_fit(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    told = refused(tmp_path, record("b"), record(events=[EVENT | changed]))
    assert told.startswith("p.jsonl:2: document 'a': ")
    assert words in told


@pytest.mark.parametrize("broken", [{"type": "bombing"}, {"trigger": EVENT["trigger"]}, "bombing", None])
def test_an_event_without_type_or_trigger(tmp_path: Path, broken: Any) -> None:
    assert "needs a 'type' and a 'trigger'" in refused(tmp_path, record("b"), record(events=[broken]))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{broken", "p.jsonl:1: not JSON"),
        ("[]", "p.jsonl:1: the line is a JSON list"),
        ({"spans": [], "events": []}, "p.jsonl:1: the record has no 'id'"),
        ({"id": 7, "spans": []}, "p.jsonl:1: the record has no 'id'"),
        ({"id": "a"}, "p.jsonl:1: document 'a': the record has neither spans nor events"),
        ({"id": "a", "spans": [], "entities": []}, "p.jsonl:1: document 'a': there are unknown keys ['entities']"),
        ({"id": "a", "spans": {}}, "'spans' must be a list, not dict"),
        ({"id": "a", "spans": [], "text": TEXT + " "}, "'text' is not that of the document"),
    ],
)
def test_a_malformed_record(tmp_path: Path, line: Any, words: str) -> None:
    assert words in refused(tmp_path, line)


def test_a_record_with_other_keys_than_those_before_it(tmp_path: Path) -> None:
    told = refused(tmp_path, record(), {"id": "b", "spans": []})
    assert told.startswith(
        "p.jsonl:2: document 'b': the record has 'spans', those before it have 'spans' and 'events'."
    )


# The gold


def test_a_split_without_documents_is_no_task() -> None:
    from conflict_events.config import CorpusConfig
    from conflict_events.corpora import Corpus

    config = CorpusConfig("made", "jsonl", "x")
    with pytest.raises(DataError, match="no documents to score in split 'dev' of corpus 'made'"):
        Gold.of(Corpus(config, {"dev": []}), "dev")
    with pytest.raises(DataError, match="no documents to score"):
        Gold.of(Corpus(config, {"dev": [document("a")]}), "dev", limit=0)
    with pytest.raises(DataError, match=r"two documents of split 'dev' have the id 'a'"):
        Gold.of(Corpus(config, {"dev": [document("a"), document("a", FULL)]}), "dev")


def test_the_digest_is_of_texts_and_annotation_and_not_of_order_or_meta() -> None:
    same = gold_of(document("b", region="north"), document("a", FULL))
    assert same.sha256 == GOLD.sha256
    others = [
        gold_of(document("a", FULL)),
        gold_of(document("a", FULL), document("c")),
        gold_of(document("a"), document("b")),
        gold_of(document("a", FULL), document("b", text=TEXT + " ")),
        gold_of(document("a", FULL), document("b", layers=[Layer.ROLES])),
    ]
    assert len({GOLD.sha256, *(gold.sha256 for gold in others)}) == 6

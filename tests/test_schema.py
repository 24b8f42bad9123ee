"""Spans, events and documents refuse what does not fit, and survive the way through JSON."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.errors import DataError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span, lone_surrogate

TEXT = "Rebels shelled Oruba"  # 0-6, 7-14, 15-20
ODD = ["a", "Z", "7", " ", "\r\n", "\u00a0", "😀", "e\u0301", "\u00ad", "ש", "ع", "中", "\x00", "\u2028", '"', "\\"]


def record(**changes: Any) -> dict[str, Any]:
    return {
        "id": "d1", "text": TEXT, "layers": ["roles", "events"],
        "spans": [{"role": "location", "start": 15, "end": 20}],
        "events": [{"type": "shelling", "trigger": [7, 14], "attacker": [[0, 6]], "target": [[15, 20]],
                    "location": [], "weapon": []}],
        "meta": {"source": "made up"},
    } | changes  # fmt: skip


# Spans


def test_a_span_takes_its_characters_from_the_text() -> None:
    assert Span.of(TEXT, "attacker", 0, 6) == Span(0, 6, "attacker", "Rebels")
    assert Span.of("😀é עזה", "location", 3, 6).text == "עזה"


@pytest.mark.parametrize(
    ("start", "end", "role", "message"),
    [
        (3, 3, "target", r"\[3, 3\) is empty.*0 <= start < end"),
        (5, 3, "target", r"\[5, 3\) is empty or negative"),
        (-1, 3, "target", r"leaves the text of 20 characters.*not bytes or UTF-16"),
        (15, 21, "target", r"target span \[15, 21\) leaves the text of 20 characters"),
        (0.0, 6, "target", r"must be integers, not 0\.0 and 6"),
        ("0", "6", "target", "must be integers, not '0' and '6'"),
        (None, 6, "target", "must be integers, not None and 6"),
        (False, True, "target", "must be integers, not False and True"),
        (0, 6, "", "role '' is not a name"),
        (0, 6, "Attacker", "role 'Attacker' is not a name.*lower-case"),
        (0, 6, "fire arm", "role 'fire arm' is not a name"),
        (0, 6, "target\n", "is not a name"),
        (0, 6, None, "role None is not a name"),
    ],
)
def test_a_span_that_does_not_fit_is_refused(start: Any, end: Any, role: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Span.of(TEXT, role, start, end)


def test_a_negative_offset_is_refused_without_a_text_too() -> None:
    with pytest.raises(DataError, match=r"\[-2, 1\) is empty or negative"):
        Span(-2, 1, "target", "abc")


def test_a_span_as_long_as_another_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"\[0, 6\) does not fit its text 'Rebel'"):
        Span(0, 6, "attacker", "Rebel")


@pytest.mark.parametrize("score", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_score_that_is_no_probability_is_refused(score: float) -> None:
    with pytest.raises(DataError, match=r"score .* of span \[0, 6\) is outside \[0, 1\]"):
        Span.of(TEXT, "attacker", 0, 6, score)


def test_spans_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Span.of(TEXT, "attacker", 0, 6).start = 1  # type: ignore[misc]


def test_spans_sort_by_position() -> None:
    spans = [Span.of(TEXT, role, *at) for role, *at in [("weapon", 7, 9), ("attacker", 7, 14), ("target", 0, 20)]]
    assert [span.role for span in sorted(spans)] == ["target", "weapon", "attacker"]


def test_annotated_and_predicted_spans_sort_together() -> None:
    annotated, predicted = Span.of(TEXT, "attacker", 0, 6), Span.of(TEXT, "attacker", 0, 6, 0.5)
    later = Span.of(TEXT, "location", 15, 20)
    assert sorted([later, predicted, annotated])[2] == later


def test_the_key_leaves_the_score_out() -> None:
    assert Span.of(TEXT, "attacker", 0, 6, 0.5).key == Span.of(TEXT, "attacker", 0, 6).key == ("attacker", 0, 6)


def test_a_span_record_rounds_the_score_and_leaves_a_missing_one_out() -> None:
    assert Span.of(TEXT, "attacker", 0, 6).to_record() == {"start": 0, "end": 6, "text": "Rebels"}
    assert Span.of(TEXT, "attacker", 0, 6, 0.123456).to_record()["score"] == 0.1235
    assert Span.of(TEXT, "attacker", 0, 6, 0.0).to_record()["score"] == 0.0


def test_half_a_surrogate_pair_is_found_where_it_stands() -> None:
    assert lone_surrogate("ab\ud83d") == 2
    assert lone_surrogate("ab\U0001f600") is None


# Events


def span(role: str, start: int, end: int) -> Span:
    return Span.of(TEXT, role, start, end)


def test_an_event_sorts_its_arguments_and_drops_repeats() -> None:
    target, attacker = span("target", 15, 20), span("attacker", 0, 6)
    event = Event("shelling", span(TRIGGER, 7, 14), (target, attacker, target))  # type: ignore[arg-type]
    assert event.type is EventType.SHELLING
    assert event.arguments == (attacker, target)
    assert event.by_role(Role.TARGET) == (target,)
    assert event.by_role(Role.WEAPON) == ()


def test_an_unknown_event_type_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"event type 'riot' is unknown.*air_strike.*other_violence"):
        Event("riot", span(TRIGGER, 7, 14))  # type: ignore[arg-type]


def test_a_trigger_in_another_role_is_refused() -> None:
    with pytest.raises(DataError, match="trigger of an event has role 'target', not 'trigger'"):
        Event(EventType.SHELLING, span("target", 7, 14))


@pytest.mark.parametrize("role", [TRIGGER, "victim"])
def test_an_argument_in_a_role_that_events_lack_is_refused(role: str) -> None:
    with pytest.raises(DataError, match=f"argument has role '{role}'.*attacker, target, location, weapon"):
        Event(EventType.SHELLING, span(TRIGGER, 7, 14), (span(role, 0, 6),))


# Documents


def test_a_document_refuses_a_span_of_another_text() -> None:
    with pytest.raises(DataError, match=r"location span \[15, 20\) is 'Oruba', the text is not"):
        Document("d", "Rebels shelled Inorba", role_spans=(span("location", 15, 20),))


def test_the_spans_of_a_document_are_those_of_roles_and_events_without_repeats() -> None:
    attacker, trigger, place = span("attacker", 0, 6), span(TRIGGER, 7, 14), span("location", 15, 20)
    events = tuple(Event(EventType.SHELLING, trigger, (attacker, place)) for _ in range(2))
    document = Document("d", TEXT, role_spans=(place, attacker), events=events)
    assert document.spans == (attacker, trigger, place)


def test_a_record_is_read_as_written() -> None:
    document = Document.from_record(record())
    assert document.layers == {Layer.ROLES, Layer.EVENTS}
    assert document.role_spans == (span("location", 15, 20),)
    assert document.events[0].trigger == span(TRIGGER, 7, 14)
    assert document.events[0].arguments == (span("attacker", 0, 6), span("target", 15, 20))
    assert document.to_record() == record()


def test_a_record_needs_no_more_than_id_and_text() -> None:
    document = Document.from_record({"id": "d1", "text": ""})
    assert (document.spans, document.events, document.layers, document.meta) == ((), (), frozenset(), {})
    assert document.to_record() == {"id": "d1", "text": "", "layers": [], "spans": [], "events": []}


def test_a_stand_off_record_takes_the_text_from_its_source() -> None:
    stand_off = {key: value for key, value in record().items() if key != "text"}
    assert Document.from_record(stand_off, TEXT) == Document.from_record(record())
    with pytest.raises(DataError, match="document 'd1' has no 'text'"):
        Document.from_record(stand_off)


EVENT = {"type": "shelling", "trigger": [7, 14]}
MALFORMED: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": None}, "the record has no 'id'.*unique, non-empty string"),
    "empty id": ({"id": ""}, "the record has no 'id'"),
    "number as id": ({"id": 7}, "the record has no 'id'"),
    "no text": ({"text": None}, "document 'd1' has no 'text'"),
    "bytes as text": ({"text": b"Rebels"}, "document 'd1' has no 'text'.*string"),
    "unknown layer": ({"layers": ["syntax"]}, "'syntax' is not a valid Layer.*roles, events"),
    "layers in no list": ({"layers": "roles"}, "'layers' must be a list, not str"),
    "spans in no list": ({"spans": {"role": "target"}}, "'spans' must be a list, not dict"),
    "span of another shape": ({"spans": [[0, 6]]}, r"span \[0, 6\] is malformed.*role"),
    "span without end": ({"spans": [{"role": "target", "start": 0}]}, "is malformed"),
    "span past the end": ({"spans": [{"role": "target", "start": 0, "end": 99}]}, r"\[0, 99\) leaves the text"),
    "span of a bad role": ({"spans": [{"role": "TARGET", "start": 0, "end": 6}]}, "role 'TARGET' is not a name"),
    "span in floats": ({"spans": [{"role": "target", "start": 0.0, "end": 6.0}]}, "must be integers"),
    "events in no list": ({"events": EVENT}, "'events' must be a list, not dict"),
    "event of another shape": ({"events": ["shelling"]}, "event 'shelling' is malformed.*'type' and a 'trigger'"),
    "event without type": ({"events": [{"trigger": [7, 14]}]}, "is malformed"),
    "event without trigger": ({"events": [{"type": "shelling"}]}, "is malformed"),
    "event of unknown type": ({"events": [EVENT | {"type": "riot"}]}, "event type 'riot' is unknown.*air_strike"),
    "event with a typing error": ({"events": [EVENT | {"atacker": [[0, 6]]}]}, r"unknown keys \['atacker'\]"),
    "arguments in no list": ({"events": [EVENT | {"attacker": "Rebels"}]}, "'attacker' must be a list, not str"),
    "argument not in a pair": ({"events": [EVENT | {"attacker": [0, 6]}]}, r"attacker 0 is malformed.*\[start, end\]"),
    "argument in three": ({"events": [EVENT | {"attacker": [[0, 6, 9]]}]}, r"attacker \[0, 6, 9\] is malformed"),
    "empty argument": ({"events": [EVENT | {"attacker": [[6, 6]]}]}, r"\[6, 6\) is empty"),
    "trigger past the end": ({"events": [EVENT | {"trigger": [7, 40]}]}, r"trigger span \[7, 40\) leaves the text"),
    "trigger of text": ({"events": [EVENT | {"trigger": "shelled"}]}, "trigger 'shelled' is malformed"),
    "meta in a list": ({"meta": [1, 2]}, "'meta' must be"),
    "meta of text": ({"meta": "made up"}, "'meta' must be"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_record_is_refused(case: str) -> None:
    changes, message = MALFORMED[case]
    with pytest.raises(DataError, match=message) as caught:
        Document.from_record(record(**changes))
    if changes.get("id", "d1") == "d1":
        assert "document 'd1'" in str(caught.value)
    assert not re.search(r"(?<!\.)\.\.(?!\.)", str(caught.value)), "a full stop too many"


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = "".join(draw(st.lists(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), min_size=1)))

    def some(role: str) -> Span:
        start = draw(st.integers(0, len(text) - 1))
        return Span.of(text, role, start, draw(st.integers(start + 1, len(text))))

    def several(roles: list[str]) -> tuple[Span, ...]:
        return tuple(some(role) for role in draw(st.lists(st.sampled_from(roles), max_size=3)))

    role_spans = tuple(sorted(several([*Role, "organisation"])))
    events = tuple(
        Event(kind, some(TRIGGER), several(list(Role)))
        for kind in draw(st.lists(st.sampled_from(list(EventType)), max_size=2))
    )
    layers = frozenset(draw(st.sets(st.sampled_from(list(Layer)))))
    meta = draw(st.dictionaries(st.sampled_from(["source", "region"]), st.none() | st.integers() | st.just("é\n")))
    return Document("d", text, layers, role_spans, events, meta)


@given(documents())
@settings(max_examples=100, deadline=None, database=None)
def test_documents_survive_the_way_through_json(document: Document) -> None:
    assert Document.from_record(json.loads(json.dumps(document.to_record()))) == document


# Extractions


def test_an_extraction_record_is_as_documented() -> None:
    text = "Russian warplanes bombed Ghal"
    attacker = Span.of(text, "attacker", 0, 17, 0.97)
    trigger = Span.of(text, TRIGGER, 18, 24, 0.98)
    place = Span.of(text, "location", 25, 29, 0.51)
    event = Event(EventType.AIR_STRIKE, trigger, (attacker,), 0.91)
    extraction = Extraction((event,), (attacker, place), id="a1", meta={"source": "wire"}, model="name@revision")
    assert extraction.to_record() == {
        "id": "a1",
        "events": [{
            "id": "E1", "type": "air_strike", "score": 0.91,
            "trigger": {"start": 18, "end": 24, "text": "bombed", "score": 0.98},
            "attacker": [{"start": 0, "end": 17, "text": "Russian warplanes", "score": 0.97}],
            "target": [], "location": [], "weapon": [],
        }],
        "spans": [
            {"role": "attacker", "start": 0, "end": 17, "text": "Russian warplanes", "score": 0.97},
            {"role": "location", "start": 25, "end": 29, "text": "Ghal", "score": 0.51},
        ],
        "meta": {"source": "wire"},
        "model": "name@revision",
    }  # fmt: skip


def test_events_of_an_extraction_are_numbered_from_one() -> None:
    events = tuple(Event(EventType.SHELLING, span(TRIGGER, *at)) for at in [(0, 6), (7, 14)])
    assert [event["id"] for event in Extraction(events, ()).to_record()["events"]] == ["E1", "E2"]
    assert Extraction((), ()).to_record() == {"id": None, "events": [], "spans": [], "meta": {}, "model": None}

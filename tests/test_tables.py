"""Events as rows, and cells that can be taken apart again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.extraction import Extraction, Incident
from conflict_events.schema import TRIGGER, Event, EventType, Role, Span
from conflict_events.tables import BETWEEN, COLUMNS, LISTS, flat, rows, split_cell

TEXT = "  A calm day. \n\nRebels and gunmen shelled the market in Arna with rockets. \n\nPolice fled."
HOSTILE = st.lists(
    st.sampled_from(
        [
            " | ",
            "|",
            "\\",
            '"',
            "'",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "=cmd()",
            "+1",
            "-",
            "@a",
            ",",
            ";",
            " ",
            "a",
            "é",
            "\x00",
        ]
    ),
    min_size=1,
    max_size=5,
).map("".join)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def span(role: str, words: str, score: float | None = None) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, role, start, start + len(words), score)


def one_row(
    *arguments: Span, score: float | None = None, kind: float | None = None, trigger: str = "shelled", **more: Any
) -> dict[str, Any]:
    event = Event(EventType.SHELLING, span(TRIGGER, trigger, score), arguments, score, kind)
    (row,) = rows(TEXT, Extraction((event,), (), **more))
    return row


# Rows


def test_a_row_has_every_column_in_order() -> None:
    arguments = (
        span("attacker", "gunmen", 0.5), span("attacker", "Rebels", 0.123456), span("location", "Arna", 1.0),
    )  # fmt: skip
    row = one_row(*arguments, score=0.98765, kind=0.43219, id="n1", meta={"by": "é"}, model="m")
    assert tuple(row) == COLUMNS
    sentence = "Rebels and gunmen shelled the market in Arna with rockets."
    assert row == {
        "document_id": "n1", "event_id": "E1", "incident_id": None, "type": "shelling", "type_score": 0.4322,
        "score": 0.9877,
        "trigger": "shelled", "trigger_start": 34, "trigger_end": 41, "trigger_score": 0.9877,
        "attacker": ["Rebels", "gunmen"], "attacker_start": [16, 27], "attacker_end": [22, 33],
        "attacker_score": [0.1235, 0.5],
        "target": [], "target_start": [], "target_end": [], "target_score": [],
        "location": ["Arna"], "location_start": [56], "location_end": [60], "location_score": [1.0],
        "weapon": [], "weapon_start": [], "weapon_end": [], "weapon_score": [],
        "sentence": sentence, "sentence_start": 16, "sentence_end": 16 + len(sentence),
        "model": "m", "meta": '{"by": "é"}',
    }  # fmt: skip


def test_what_is_not_known_is_none() -> None:
    row = one_row(span("weapon", "rockets"))
    unknown = ("document_id", "incident_id", "type_score", "score", "trigger_score", "model")
    assert [row[column] for column in unknown] == [None] * 6
    assert (row["weapon"], row["weapon_score"], row["meta"]) == (["rockets"], [None], "{}")


def test_events_are_numbered_as_in_the_json_record() -> None:
    events = tuple(Event(EventType.SHELLING, span(TRIGGER, words)) for words in ("shelled", "fled"))
    extraction = Extraction(events, (), id="n1")
    found = list(rows(TEXT, extraction))
    assert [row["event_id"] for row in found] == [event["id"] for event in extraction.to_record()["events"]]
    assert [row["trigger"] for row in found] == ["shelled", "fled"]


def test_events_of_an_incident_bear_its_number() -> None:
    events = tuple(Event(EventType.SHELLING, span(TRIGGER, words)) for words in ("calm", "shelled", "fled"))
    incidents = (Incident((0, 2), events[::2]), Incident((1,), events[1:2]))
    extraction = Extraction(events, (), incidents=incidents)
    assert [row["incident_id"] for row in rows(TEXT, extraction)] == ["I1", "I2", "I1"]
    assert [incident["events"] for incident in extraction.to_record()["incidents"]] == [["E1", "E3"], ["E2"]]


def test_no_events_no_rows() -> None:
    assert list(rows("", Extraction((), ()))) == []
    assert list(rows(TEXT, Extraction((), (span("weapon", "rockets"),)))) == []


@pytest.mark.parametrize(
    ("trigger", "sentence"),
    [
        ("calm", "A calm day."),
        ("shelled", "Rebels and gunmen shelled the market in Arna with rockets."),
        ("fled", "Police fled."),
        ("day. \n\nRebels", "A calm day."),  # the one where it begins
    ],
)
def test_the_sentence_is_that_of_the_trigger_and_its_offsets_are_its_own(trigger: str, sentence: str) -> None:
    row = one_row(trigger=trigger)
    assert row["sentence"] == sentence == TEXT[row["sentence_start"] : row["sentence_end"]]


def test_a_trigger_of_white_space_has_an_empty_sentence_at_worst() -> None:
    event = Event(EventType.SHELLING, Span(0, 1, TRIGGER, " "))
    (row,) = rows("   ", Extraction((event,), ()))
    assert row["sentence"] == ""
    assert 0 <= row["sentence_start"] == row["sentence_end"] <= 3


def test_every_role_has_its_four_columns() -> None:
    assert {f"{role.value}{part}" for role in Role for part in ("", "_start", "_end", "_score")} == LISTS < set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)


# Cells


def test_a_flat_row_is_all_strings() -> None:
    arguments = (span("attacker", "Rebels", 0.5), span("attacker", "gunmen"), span("weapon", "rockets"))
    cells = flat(one_row(*arguments, score=0.25, kind=0.5, meta={"n": 1}))
    assert tuple(cells) == COLUMNS
    assert {column: cell for column, cell in cells.items() if cell and not column.startswith("sentence")} == {
        "event_id": "E1", "type": "shelling", "type_score": "0.5", "score": "0.25",
        "trigger": "shelled", "trigger_start": "34", "trigger_end": "41", "trigger_score": "0.25",
        "attacker": "Rebels | gunmen", "attacker_start": "16 | 27", "attacker_end": "22 | 33",
        "attacker_score": "0.5 | ",
        "weapon": "rockets", "weapon_start": "66", "weapon_end": "73", "meta": '{"n": 1}',
    }  # fmt: skip
    assert cells["document_id"] == cells["target"] == cells["weapon_score"] == ""


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("", []),
        ("a", ["a"]),
        ("a | b | c", ["a", "b", "c"]),
        ("a|b", ["a|b"]),
        ("a \\| b", ["a | b"]),
        ("a\\\\ | b", ["a\\", "b"]),
        ("a\\\\\\| | b", ["a\\|", "b"]),
        ("0.5 | ", ["0.5", ""]),
        (" | ", ["", ""]),
        ("'=a | =b", ["=a", "=b"]),
        ("''a", ["'a"]),
        ("'", []),
    ],
)
def test_a_cell_is_taken_apart(cell: str, values: list[str]) -> None:
    assert split_cell(cell) == values


def hostile_event(trigger: str, values: list[str]) -> tuple[str, Event]:
    """A text of nothing but hostile words, and an event whose trigger and attackers are these."""

    def spans() -> Iterator[Span]:
        at = 0
        for role, value in [(TRIGGER, trigger), *(("attacker", value) for value in values)]:
            yield Span(at, at + len(value), role, value)
            at += len(value)

    first, *others = spans()
    return trigger + "".join(values), Event(EventType.BOMBING, first, tuple(others))


@settings(max_examples=50, deadline=None)
@given(HOSTILE, st.lists(HOSTILE, max_size=4), HOSTILE)
def test_no_value_is_lost_in_a_cell_and_none_is_a_formula(trigger: str, values: list[str], name: str) -> None:
    text, event = hostile_event(trigger, values)
    (row,) = rows(text, Extraction((event,), (), id=name, meta={name: name}, model=name))
    cells = flat(row)
    assert split_cell(cells["attacker"]) == values
    assert split_cell(cells["attacker_start"]) == [str(a.start) for a in event.arguments]
    for column, value in {"trigger": trigger, "document_id": name, "model": name, "sentence": row["sentence"]}.items():
        assert cells[column].removeprefix("'") == value
    assert json.loads(cells["meta"]) == {name: name}
    assert not any(cell.startswith(FORMULA) for cell in cells.values())


@pytest.mark.parametrize("value", ["=cmd()", "+1", "-1", "@a", "\ta", "\ra", "'a"])
def test_a_cell_that_a_spreadsheet_could_take_for_a_formula_gets_an_apostrophe(value: str) -> None:
    text, event = hostile_event(value, [value, value])
    (row,) = rows(text, Extraction((event,), ()))
    assert flat(row)["trigger"] == f"'{value}"
    assert flat(row)["attacker"] == f"'{value}{BETWEEN}{value}"


def test_of_text_without_full_stops_a_row_has_what_is_near() -> None:
    words = "rebels shelled Arna and then " * 400
    places = range(0, len(words), 29)
    found = [Event(EventType.SHELLING, Span.of(words, TRIGGER, at + 7, at + 14)) for at in places]
    kept = list(rows(words, Extraction(tuple(found), (), "a")))
    for row, event in zip(kept, found, strict=True):
        start, end = row["sentence_start"], row["sentence_end"]
        assert row["sentence"] == words[start:end] == words[start:end].strip()
        assert start <= event.trigger.start < event.trigger.end <= end
        assert end - start < 2100
        assert words[max(start - 1, 0) : start].strip() == "" == words[end : end + 1].strip()  # no word is cut
    assert kept[200]["sentence_end"] - kept[200]["sentence_start"] > 1900


def test_a_trigger_in_letters_without_any_space() -> None:
    text = "x" * 3000 + "bombed" + "x" * 3000
    row = next(rows(text, Extraction((Event(EventType.BOMBING, Span.of(text, TRIGGER, 3000, 3006)),), (), "a")))
    assert row["sentence"] == "x" * 1000 + "bombed" + "x" * 1000

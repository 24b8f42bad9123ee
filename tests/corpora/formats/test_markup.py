from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.corpora.formats import markup
from conflict_events.corpora.prepare import compiled
from conflict_events.errors import DataError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span

EXAMPLE = r"""id: mine-1
split: train
---
{Russian warplanes|A1 T2} {bombed|E1:air_strike} {a hospital near {Idlib|L1}|T1}.

{Rebels|A2} {fired|E2:shelling} back \{sic\} \| \\
"""

CHARACTERS = st.one_of(
    st.sampled_from("{}|\\ \r\n\t\u00a0\u00ad\u2028\x00🙂e\u0301אA1:-"),
    st.characters(codec="utf-8"),
)
LINE = st.text(CHARACTERS, max_size=8).map(lambda text: text.replace("\n", " ").strip())


def crosses(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


@st.composite
def nested_documents(draw: st.DrawFn) -> Document:
    """Documents whose spans nest, touch or coincide, but never cross; spans serve several events in several roles."""
    text = draw(st.text(CHARACTERS, min_size=1, max_size=30))
    pair = st.sampled_from(list(combinations(range(len(text) + 1), 2)))
    offsets: list[tuple[int, int]] = []
    for candidate in draw(st.lists(pair, min_size=1, max_size=6)):
        if not any(crosses(candidate, taken) for taken in offsets):
            offsets.append(candidate)
    place = st.sampled_from(offsets)
    arguments = st.lists(st.tuples(st.sampled_from(Role), place), max_size=4)
    events = [
        Event(
            draw(st.sampled_from(EventType)),
            Span.of(text, TRIGGER, *draw(place)),
            tuple(Span.of(text, role.value, *at) for role, at in draw(arguments)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    meta = draw(st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), LINE, max_size=2))
    events.sort(key=lambda event: event.trigger)
    return Document("id" + draw(LINE), text, frozenset(Layer), (), tuple(events), meta)


@settings(max_examples=150, deadline=None)
@given(nested_documents())
def test_parsing_undoes_rendering(document: Document) -> None:
    assert markup.parse(markup.render(document), "x.txt") == document


def test_an_article_is_compiled_into_text_events_and_meta() -> None:
    document = markup.parse(EXAMPLE, "mine.txt")
    assert document.id == "mine-1"
    assert document.meta == {"split": "train"}
    assert document.layers == frozenset(Layer)
    # the last newline ends the file
    assert document.text == "Russian warplanes bombed a hospital near Idlib.\n\nRebels fired back {sic} | \\"
    first, second = document.events
    assert (first.type, first.trigger.text) == (EventType.AIR_STRIKE, "bombed")
    assert [(span.role, span.text) for span in first.arguments] == [
        ("attacker", "Russian warplanes"),
        ("target", "a hospital near Idlib"),
        ("location", "Idlib"),
    ]
    assert (second.type, second.trigger.key) == (EventType.SHELLING, ("trigger", 56, 61))
    assert [span.key for span in second.arguments] == [("target", 0, 17), ("attacker", 49, 55)]


def test_events_come_in_the_order_of_their_triggers_whatever_their_numbers() -> None:
    document = markup.parse("id: a\n---\n{Fired|E7:shelling}, then {bombed|E2:bombing} {it|T2 T7}.\n", "a.txt")
    assert [(event.type.value, event.arguments[0].text) for event in document.events] == [
        ("shelling", "it"),
        ("bombing", "it"),
    ]


def test_an_article_without_marks_is_a_document_without_events() -> None:
    document = markup.parse("id: a\nnote: 10:30, again\n---\nNothing happened.\r\nAt all.\r\n", "a.txt")
    assert document.text == "Nothing happened.\r\nAt all.\r"
    assert document.events == ()
    assert document.meta == {"note": "10:30, again"}


def test_a_line_of_dashes_in_the_article_is_text() -> None:
    assert markup.parse("id: a\n---\n---\nb\n---\n", "a.txt").text == "---\nb\n---"


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("One {man|X1} fell.", 4, "tag 'X1' is malformed.*Write E1:bombing, A1, T1, L1 or W1"),
        ("All quiet.\n\nOne {man|A0} fell.", 6, "tag 'A0'"),
        ("One {man|A01} fell.", 4, "tag 'A01'"),
        ("They {fired|E1}.", 4, "tag 'E1'"),
        ("{They|A1:shelling} {fired|E1:shelling}.", 4, "tag 'A1:shelling'"),
        ("They {fired|E1:Shelling}.", 4, "tag 'E1:Shelling'"),
        ("They {fired|E1:party}.", 4, "'party' is unknown"),
        ("All {|T1}{fired|E1:shelling}.", 4, "empty"),
        ("They {fired|}.", 4, "tag"),
        ("They\n{fired|E1:shelling", 5, "never closed"),
        ("{They\nfired {at|E1:shelling}\nhim.", 4, "never closed"),
        ("A\nB } C", 5, r"'}' outside of a span.*Write \\}"),
        ("{B}", 4, "'}'"),
        ("A\n\nB | C", 6, r"'\|' outside of a span.*Write \\\|"),
        ("A\nC:\\temp", 5, "single backslash.*Write it twice"),
        ("A\\", 4, "single backslash"),
        ("{They|A1} fired.", 4, "event 1 has 0 triggers.*Mark exactly one span with E1:type"),
        ("Quiet.\n{Fired|E3:shelling} and {fired|E3:shelling}.", 5, "event 3 has 2 triggers"),
    ],
)
def test_malformed_text_is_refused_with_file_and_line(body: str, line: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        markup.parse(f"id: a\nsplit: dev\n---\n{body}\n", "mine.txt")
    assert f"mine.txt:{line}:" in str(error.value)


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        ("id: a\nsplit dev\n---\nText.\n", 2, "header line 'split dev' is not 'key: value'"),
        ("id: a\n: dev\n---\nText.\n", 2, "is not 'key: value'"),
        ("split: dev\n---\nText.\n", 1, "no id.*Begin with a line 'id: ...'"),
        ("id:\n---\nText.\n", 1, "no id"),
        ("id: a\nText.\n", 1, "no line '---'"),
        ("", 1, "no line '---'"),
    ],
)
def test_a_malformed_header_is_refused_with_file_and_line(source: str, line: int, message: str) -> None:
    with pytest.raises(DataError, match=message) as error:
        markup.parse(source, "mine.txt")
    assert f"mine.txt:{line}:" in str(error.value)


def test_a_line_break_among_tags_does_not_shift_the_line_numbers() -> None:
    with pytest.raises(DataError) as error:
        markup.parse("id: a\n---\n{They|A1\n A2} ran.\nB } C\n", "mine.txt")
    assert re.search(r"mine\.txt:(5: '}'|3: )", str(error.value))  # either counted or refused where it stands


def test_rendering_is_as_an_annotator_would_write_it() -> None:
    assert markup.render(markup.parse(EXAMPLE, "mine.txt")) == EXAMPLE


def test_crossing_spans_cannot_be_rendered() -> None:
    text = "rebels attacked"
    event = Event(EventType.BOMBING, Span.of(text, TRIGGER, 4, 15), (Span.of(text, "attacker", 0, 6),))
    with pytest.raises(DataError, match=r"document 'd': spans \(0, 6\) and \(4, 15\) cross"):
        markup.render(Document("d", text, events=(event,)))


def test_a_folder_is_read_by_split_and_id(tmp_path: Path) -> None:
    for name, split in {"a-1": "dev", "a-1-b": "dev", "z": "train"}.items():
        (tmp_path / f"{name}.txt").write_bytes(f"id: {name}\nsplit: {split}\n---\nOne\u00a0line.\r\nTwo.\n".encode())
    (tmp_path / "notes.md").write_text("no article", "utf-8")
    splits = compiled(tmp_path)
    assert {name: [document.id for document in documents] for name, documents in splits.items()} == {
        "train": ["z"], "dev": ["a-1", "a-1-b"], "test": [],
    }  # fmt: skip
    assert splits["train"][0].text == "One\u00a0line.\r\nTwo."


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (b"split: training\nid: a\n---\nText.\n", 1, "split is 'training'.*train, dev, test"),
        (b"id: a\n---\nText.\n", 1, "split is None"),
        (b"id: a\nsplit: dev\n---\nCaf\xe9.\n", 4, "not UTF-8.*Save the file as UTF-8"),
        (b"id: a\nsplit: dev\n---\nA } B\n", 4, "'}' outside of a span"),
    ],
)
def test_a_bad_article_in_a_folder_is_named_by_file_and_line(
    tmp_path: Path, source: bytes, line: int, message: str
) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(source)
    with pytest.raises(DataError, match=message) as error:
        compiled(tmp_path)
    assert f"{path}:{line}:" in str(error.value)

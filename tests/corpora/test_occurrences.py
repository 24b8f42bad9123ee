"""A wording wherever it stands: as whole words, spaced in whatever way, and in the role that it was marked in."""

from __future__ import annotations

from conflict_events.corpora.occurrences import mark_occurrences, occurrences
from conflict_events.schema import Document, Layer, Span

TEXT = "The farm burned. Rebels of the farm gate\nfled the farmhouse; a FARM, the farm  gate."


def test_a_wording_stands_where_its_words_are_whole_and_of_the_same_case() -> None:
    assert [TEXT[start:end] for start, end in occurrences(TEXT, "farm")] == ["farm"] * 3
    assert [start for start, _ in occurrences(TEXT, "farm")] == [4, 31, 73]


def test_white_space_between_its_words_is_any() -> None:
    assert occurrences(TEXT, "farm gate") == [(31, 40), (73, 83)]
    assert occurrences(TEXT, "gate fled") == [(36, 45)]


def test_what_a_pattern_would_read_otherwise_is_taken_as_it_is() -> None:
    assert occurrences("the f.m.l.n. and the fmmlln", "f.m.l.n.") == [(4, 12)]


def test_every_place_is_marked_in_each_role_that_the_wording_has_and_nothing_else_changes() -> None:
    spans = (Span.of(TEXT, "target", 4, 8), Span.of(TEXT, "location", 31, 40), Span.of(TEXT, "attacker", 17, 23))
    document = Document("a", TEXT, frozenset({Layer.ROLES}), spans, meta={"source": "made up"})
    marked = mark_occurrences(document)
    assert [(span.role, span.start, span.end) for span in marked.role_spans] == [
        ("target", 4, 8), ("attacker", 17, 23), ("target", 31, 35), ("location", 31, 40), ("target", 73, 77),
        ("location", 73, 83),
    ]  # fmt: skip
    assert (marked.id, marked.text, marked.layers, marked.meta) == ("a", TEXT, document.layers, document.meta)
    assert mark_occurrences(marked) == marked

"""Role fillers of an article: hand-worked cases, and a slow, plain version of the rule."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from conflict_events.extraction import Extraction
from conflict_events.fillers import fillers
from conflict_events.schema import Span


def spans(text: str, *marked: tuple[str, str]) -> list[Span]:
    """By role and wording; a wording that is marked again stands at its next place."""
    found: list[Span] = []
    for role, wording in marked:
        taken = [span.end for span in found if span.text == wording]
        start = text.index(wording, max(taken, default=0))
        found.append(Span.of(text, role, start, start + len(wording), 0.5))
    return found


def grouped(found: list[Span]) -> list[tuple[str, str, list[str]]]:
    return [(f.name.role, f.name.text, [span.text for span in f.mentions]) for f in fillers(found)]


TEXT = "The guards shot at Two Guards of the old mill, and guards of the port fled. The old mill burnt; rebels left."


def test_a_wording_belongs_to_the_longest_of_its_role_with_all_of_its_words() -> None:
    found = spans(
        TEXT,
        ("target", "The guards"),
        ("target", "Two Guards of the old mill"),
        ("target", "guards of the port"),
        ("location", "The old mill"),
        ("attacker", "rebels"),
        ("target", "guards"),
    )
    # "mill" is in the name of a target, but a location; case and articles make no difference; "guards" fits two.
    assert grouped(found) == [
        ("target", "Two Guards of the old mill", ["The guards", "guards", "Two Guards of the old mill"]),
        ("target", "guards of the port", ["guards of the port"]),
        ("location", "The old mill", ["The old mill"]),
        ("attacker", "rebels", ["rebels"]),
    ]


def test_equal_wordings_are_one_filler_that_its_first_place_names() -> None:
    found = spans(
        "a mortar , The Mortar ; mortars", ("weapon", "mortars"), ("weapon", "The Mortar"), ("weapon", "a mortar")
    )
    assert grouped(found) == [("weapon", "a mortar", ["a mortar", "The Mortar"]), ("weapon", "mortars", ["mortars"])]


def test_words_count_not_letters() -> None:
    assert len(fillers(spans("army of Armyville", ("attacker", "army"), ("attacker", "Armyville")))) == 2


def test_letters_that_name_a_unit_are_no_articles() -> None:
    found = spans(
        "Sector A , Sector B ; A Company , B Company",
        *(("target", wording) for wording in ("Sector A", "Sector B", "A Company", "B Company")),
    )
    assert len(fillers(found)) == 4
    assert len(fillers(spans("A soldier , soldier", ("target", "A soldier"), ("target", ", soldier")))) == 1


def test_quotes_hyphens_and_apostrophes_of_all_kinds_make_no_difference() -> None:
    for one, other in (
        ("\u201cFree Front\u201d", "Free Front"),
        ("Israel\u2019s army", "Israel's army"),
        ("anti-tank missile", "anti tank missile"),
        ("an Army truck", "The army truck"),
    ):
        assert len(fillers(spans(f"{one} ; {other}", ("weapon", one), ("weapon", other)))) == 1


def test_wordings_without_a_word() -> None:
    found = spans("... - ... the", ("target", "..."), ("target", "..."), ("target", "-"), ("target", "the"))
    assert [(text, len(mentions)) for _, text, mentions in grouped(found)] == [("...", 2), ("-", 1), ("the", 1)]
    blanks = "a\u00a0b \n\t c"
    found = [Span.of(blanks, "target", 1, 2), Span.of(blanks, "target", 3, 6)]
    assert [filler.mentions for filler in fillers(found)] == [(found[0],), (found[1],)]
    assert fillers([]) == []


def test_the_record_names_the_filler_and_all_its_places() -> None:
    found = spans(TEXT, ("target", "The guards"), ("target", "Two Guards of the old mill"))
    record = Extraction((), tuple(found), fillers=tuple(fillers(found))).to_record()
    assert json.loads(json.dumps(record))["fillers"] == [
        {
            "role": "target",
            "start": 19,
            "end": 45,
            "text": "Two Guards of the old mill",
            "score": 0.5,
            "mentions": [[0, 10], [19, 45]],
        }
    ]
    assert "fillers" not in Extraction((), tuple(found)).to_record()


def bare(span: Span) -> str:
    """For the words below, written out."""
    words = span.text.removeprefix("a ").replace("the ", "").replace("...", "").lower()
    return " ".join(words.split()) or span.text


WORDS = st.lists(st.sampled_from(["the", "a", "old", "Old", "mill", "guards", "of", "..."]), min_size=1, max_size=5)


@given(st.lists(st.tuples(st.sampled_from(["target", "location"]), WORDS), max_size=8))
def test_the_rule_told_plainly(marked: list[tuple[str, list[str]]]) -> None:
    wordings = [(role, " ".join(words)) for role, words in marked]
    text = "|".join(wording for _, wording in wordings)
    found, at = [], 0
    for role, wording in wordings:
        found.append(Span.of(text, role, at, at + len(wording)))
        at += len(wording) + 1
    names: list[Span] = []
    for span in sorted(found, key=lambda span: -len(bare(span))):
        if not any(name.role == span.role and set(bare(span).split()) <= set(bare(name).split()) for name in names):
            names.append(span)
    result = fillers(found)
    assert {f.name.key for f in result} == {name.key for name in names}
    assert sorted(span for f in result for span in f.mentions) == sorted(found)
    assert all(f.name in f.mentions for f in result)

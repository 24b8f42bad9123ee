"""Sentences cover the original text, character by character."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.text import SentenceIndex, head, sections, sentences

ATOMS = [
    "J", "Mr", "Rebels", "fled", "é", "ж", "中", "ع", "😀", "e\u0301", "\u00ad", "\u200f", "\x00", "7", "3.", "U.S",
    ".", "!", "?", "؟", "。", "…", "“", "”", "'", "(", ")", "-", " ", " ", "\u00a0", "\u2009", "\u3000", "\n", "\r\n",
    "\r", "\n\n", "\t", "\u2028", "\x85",
]  # fmt: skip
texts = st.lists(st.sampled_from(ATOMS) | st.characters(exclude_categories=["Cs"]), max_size=25).map("".join)


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Rebels fled", ["Rebels fled"]),
        ("Rebels entered Oruba. They fled! Who fired?", ["Rebels entered Oruba. ", "They fled! ", "Who fired?"]),
        ("Mr. Adel met Lt. Col. Varga. They left.", ["Mr. Adel met Lt. Col. Varga. ", "They left."]),
        ("The U.S. Army left. It was late.", ["The U.S. Army left. ", "It was late."]),
        ("😀😀 Fire. \u00a0😀 Smoke.", ["😀😀 Fire. \u00a0", "😀 Smoke."]),
        ("Rebels shelled\nthe town. They\r\nfled.", ["Rebels shelled\nthe town. ", "They\r\nfled."]),
    ],
)
def test_sentences_are_found_in_the_original_text(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u3000"])
def test_a_wide_space_after_an_initial_breaks_nothing(space: str) -> None:
    text = f"Gen. J.{space}Smith spoke. He left."
    assert split(text) == [f"Gen. J.{space}Smith spoke. ", "He left."]


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u202f", "\u3000"])
def test_a_wide_space_between_an_initial_and_its_full_stop_breaks_nothing(space: str) -> None:
    assert split(f"They had a plan B{space}. It failed.") == [f"They had a plan B{space}. ", "It failed."]


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_an_empty_line_ends_a_sentence(line_break: str) -> None:
    text = f"Shelling in Oruba{line_break * 2}The town burned"
    index = SentenceIndex(text)
    assert index.number(text.index("Oruba")) < index.number(text.index("The town"))


def test_the_language_decides_what_ends_a_sentence() -> None:
    assert split("من أطلق النار؟ لا أحد.", "ar") == ["من أطلق النار؟ ", "لا أحد."]


@given(texts)
@settings(max_examples=300, deadline=None, database=None)
def test_sentences_cover_every_character_once(text: str) -> None:
    found = sentences(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert [character for start, end in found for character in range(start, end)] == list(range(len(text)))
    assert all(start < end for start, end in found)


@given(texts)
@settings(max_examples=100, deadline=None, database=None)
def test_the_index_finds_the_sentence_of_every_character(text: str) -> None:
    index = SentenceIndex(text)
    for offset in range(len(text)):
        start, end = index.bounds[index.number(offset)]
        assert start <= offset < end


@given(texts, st.integers(10, 60))
@settings(max_examples=300, deadline=None, database=None)
def test_sections_cover_every_character_once_and_none_is_too_long(text: str, longest: int) -> None:
    found = list(sections(text * 8, longest))
    assert "".join((text * 8)[start:end] for start, end in found) == text * 8
    assert all(0 < end - start <= longest for start, end in found) or found == [(0, 0)]


@pytest.mark.parametrize(
    ("tail", "end"),
    [
        ("They fled.\n\nOne. It is", "They fled.\n\n"),
        ("They fled. One man was", "They fled. "),
        ("they fled one man wa", "they fled one man "),
        ("\u4ed6" * 20, "\u4ed6" * 20),
    ],
)
def test_a_section_ends_with_a_paragraph_or_else_a_sentence_or_else_a_word(tail: str, end: str) -> None:
    longest = 10 * len(tail)
    text = "a" * (longest - len(tail)) + tail + "s" * 50
    (start, stop), *_ = sections(text, longest)
    assert text[start:stop] == "a" * (longest - len(tail)) + end


def test_the_index_of_an_empty_text_has_one_place() -> None:
    assert SentenceIndex("").number(0) == 0


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("rebels", "rebels"),
        ("the rebels", "rebels"),
        ("two dozen rebels of the Free Army", "rebels"),
        ("market of Arna", "market"),
        ("the village's school", "school"),
        ("the rebels' camp", "camp"),
        ("commander (ret.)", "commander"),
        ("two men (both farmers)", "men"),
        ("troops who fled", "troops"),
        ("men who've fled", "men"),
        ("Kamal Dusa, a commander", "Dusa"),
        ("the group known as the Tigers", "group"),
        ("a house in the market of Arna", "house"),
        ("MEN WITH GUNS", "MEN"),
        ("near the village", "village"),  # the first word ends nothing
        ("(former) commander", "former"),
        ("\u201cTiger\u201d brigade", "brigade"),
        ('the "Tiger" brigade', "brigade"),
        ("a T-72 tank", "tank"),
        ("a surface-to-air missile", "missile"),  # not before "to"
        ("two air-to-ground missiles", "missiles"),
        ("a well-known commander", "commander"),
        ("a stand\u2011by unit", "unit"),
        ("1,500 troops", "troops"),  # not before the comma
        ("10\u201312 fighters", "fighters"),
        ("the 10:30 convoy", "convoy"),
        ("7.62mm rounds", "rounds"),
        ("rounds of 7.62mm", "rounds"),
        ("12", "12"),
        ("1,500", "1,500"),
        ("20 30", "30"),
        ("12 of 30", "12"),
        ("of", "of"),
        ("Caf\u00e9 \u0395\u03bb\u03bb\u03ac\u03c2 \u4e2d\u6587", "\u4e2d\u6587"),
        ("\u2014", "\u2014"),  # no word: the whole span
        ("(...)", "(...)"),
    ],
)
def test_the_head_of_a_phrase(phrase: str, word: str) -> None:
    start, end = head(phrase)
    assert phrase[start:end] == word

"""What a corpus holds, counted; and the tables of the data card against the files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Splits, load
from conflict_events.corpora.formats import markup
from conflict_events.corpora.statistics import (
    Resemblance,
    annotators_agree,
    count,
    grouping_keys,
    resemblances,
    span_lengths,
    surface_forms,
)
from conflict_events.errors import DataError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Role, Span

TEXT = "Rebels bombed the\n bridge; rebels  fled."


def span(role: str, words: str, text: str = TEXT) -> Span:
    start = text.index(words)
    return Span.of(text, role, start, start + len(words))


def bombed(name: str = "a", meta: dict[str, object] | None = None) -> Document:
    """Two events that share a trigger and an attacker, and a role span outside of both."""
    rebels, trigger = span("attacker", "Rebels"), span(TRIGGER, "bombed")
    events = (
        Event(EventType.BOMBING, trigger, (rebels, span("target", "the\n bridge"))),
        Event(EventType.OTHER_VIOLENCE, trigger, (rebels,)),
    )
    return Document(name, TEXT, role_spans=(span("attacker", "rebels"),), events=events, meta=meta or {})


def plain(name: str, text: str = "", **meta: object) -> Document:
    return Document(name, text, meta=meta)


# Counts


def test_counts_of_documents_words_events_types_and_distinct_spans() -> None:
    roles = Document("b", TEXT, role_spans=(span("attacker", "Rebels"),))
    found = count([bombed(), roles, plain("c", "Nobody\u00a0was  hurt .")], ())
    assert (found.documents, found.without_events, found.words, found.events) == (3, 1, 6 + 6 + 4, 2)
    assert found.types == {"bombing": 1, "other_violence": 1}
    assert found.roles == {"attacker": 3, "target": 1, "trigger": 1}
    assert found.groups == {}
    assert all(type(name) is str for name in (*found.types, *found.roles)), "they are keys of tables"


def test_nothing_counts_as_nothing() -> None:
    found = count([], ["region"])
    assert (found.documents, found.without_events, found.words, found.events) == (0, 0, 0, 0)
    assert (found.types, found.roles, found.groups) == (Counter(), Counter(), {"region": Counter()})


def test_documents_are_grouped_by_values_as_text_and_by_none_given() -> None:
    documents = [plain("a", year=2020), plain("b", year="2020"), plain("c", year=None), plain("d")]
    assert count(documents, ["year"]).groups == {"year": {"2020": 2, "": 2}}


# Keys to group by


def test_keys_with_some_values_group_and_keys_with_one_do_not() -> None:
    documents = [plain("a", region="north", source="tiny", year=2020), plain("b", region="south", source="tiny")]
    assert grouping_keys(documents) == ["region"]
    assert grouping_keys([*documents, plain("c", year=2021)]) == ["region", "year"]
    assert grouping_keys([]) == []


def test_the_split_is_no_group() -> None:
    assert grouping_keys([plain("a", split="train"), plain("b", split="dev")]) == []


@pytest.mark.parametrize(("values", "expected"), [(2, ["url"]), (100, ["url"]), (101, [])])
def test_a_key_with_too_many_values_is_no_group(values: int, expected: list[str]) -> None:
    assert grouping_keys([plain(f"d{n}", url=f"u{n}") for n in range(values)]) == expected


@pytest.mark.parametrize("other", [["a"], [], {"a": 1}, {}, 0.5])
@pytest.mark.parametrize("size", [2, 3, 200])
def test_a_key_with_a_value_that_is_no_name_is_no_group(other: object, size: int) -> None:
    assert grouping_keys([plain(f"d{n}", tags=other, region=n % 2) for n in range(size)]) == ["region"]
    assert grouping_keys([plain("a", tags="x"), plain("b", tags="y"), plain("c", tags=other)]) == []


def test_nothing_given_is_a_group_like_any_other() -> None:
    documents = [plain("a", region=None), plain("b", region="north"), plain("c", flag=True), plain("d", flag=False)]
    assert grouping_keys(documents) == ["region", "flag"]
    assert grouping_keys([plain("a", region=None), plain("b", region="")]) == []
    assert grouping_keys([plain(f"d{n}", region=None if n else "north") for n in range(200)]) == ["region"]


# Lengths and wordings


def test_lengths_are_words_and_a_span_of_signs_has_one() -> None:
    text = "12 M-16s, « ... » l'armée"
    marked = Document("b", text, role_spans=(span("weapon", text[:8], text), span("weapon", "...", text)))
    assert span_lengths([bombed(), marked]) == {
        "attacker": {1: 2}, "target": {2: 1}, "trigger": {1: 1}, "weapon": {3: 1, 1: 1},
    }  # fmt: skip
    assert span_lengths([]) == {}


def test_wordings_are_the_same_in_either_case_and_with_any_white_space() -> None:
    assert surface_forms([bombed("a"), bombed("b")]) == {
        "attacker": {"rebels": 4}, "target": {"the bridge": 2}, "trigger": {"bombed": 2},
    }  # fmt: skip
    assert surface_forms([plain("a", "No spans.")]) == {}


# Resembling documents

WORDS = [f"w{n}" for n in range(24)]


def text_of(*words: int) -> str:
    return " ".join(WORDS[n] for n in words)


def test_the_same_text_is_found_within_a_split_and_across() -> None:
    text = text_of(*range(10))
    splits = {"train": [plain("b", text), plain("a", text)], "dev": [plain("c", text.upper().replace(" ", ",\n"))]}
    assert resemblances(splits) == [
        Resemblance("train/a", "dev/c", 1.0, across=True),
        Resemblance("train/b", "dev/c", 1.0, across=True),
        Resemblance("train/b", "train/a", 1.0, across=False),
    ]


def test_the_share_is_that_of_the_shorter_document() -> None:
    """8 words are 4 sequences, 20 are 16: 2 of 4 are shared."""
    short, long = text_of(0, 1, 2, 3, 4, 5, 20, 21), text_of(*range(20))
    assert resemblances({"train": [plain("long", long), plain("short", short)]}) == [
        Resemblance("train/long", "train/short", 0.5, across=False)
    ]


@pytest.mark.parametrize(("least", "found"), [(0.1, 1), (0.5, 1), (0.51, 0), (1.0, 0)])
def test_less_than_the_least_share_is_no_resemblance(least: float, found: int) -> None:
    short, long = text_of(0, 1, 2, 3, 4, 5, 20, 21), text_of(*range(20))
    assert len(resemblances({"train": [plain("long", long)], "dev": [plain("short", short)]}, least)) == found


def test_a_quarter_is_enough_unless_told_otherwise() -> None:
    long = text_of(*range(10))
    quarter, less = text_of(0, 1, 2, 3, 4, 20, 21, 22), text_of(0, 1, 2, 3, 4, 20, 21, 22, 23)
    found = resemblances({"train": [plain("long", long)], "dev": [plain("less", less), plain("quarter", quarter)]})
    assert [(pair.other, pair.share) for pair in found if pair.one == "train/long"] == [("dev/quarter", 0.25)]


@pytest.mark.parametrize("text", ["", "...", "Four words are few.", text_of(0, 1, 2, 3)])
def test_texts_of_fewer_than_five_words_resemble_nothing(text: str) -> None:
    assert resemblances({"train": [plain("a", text), plain("b", text), plain("c", text_of(*range(9)))]}) == []


def test_five_words_are_enough() -> None:
    text = text_of(*range(5))
    assert resemblances({"train": [plain("a", text)], "test": [plain("b", f"{text}.")]}) == [
        Resemblance("train/a", "test/b", 1.0, across=True)
    ]


@pytest.mark.parametrize(("copies", "pairs"), [(50, 50 * 49 // 2), (51, 0)])
def test_what_stands_in_more_than_fifty_documents_is_no_sign_of_resemblance(copies: int, pairs: int) -> None:
    header = text_of(*range(6))
    documents = [plain(f"d{n:02}", f"{header} x{n} y{n}") for n in range(copies)]
    assert len(resemblances({"train": documents})) == pairs


def test_a_header_does_not_hide_what_two_documents_share_besides() -> None:
    header = text_of(*range(6))
    documents = [plain(f"d{n:02}", f"{header} a{n} b{n} c{n} e{n} f{n}") for n in range(60)]
    twin = plain("twin", documents[7].text)
    (pair,) = resemblances({"train": documents, "test": [twin]})
    assert (pair.one, pair.other, pair.across) == ("train/d07", "test/twin", True)
    assert pair.share == pytest.approx(5 / 7), "the two sequences of the header are no shared ones"


def test_the_most_alike_come_first_and_equals_by_name() -> None:
    whole, half = text_of(*range(10)), text_of(0, 1, 2, 3, 4, 5, 6, 20, 21, 22)
    splits = {"train": [plain("b", whole), plain("a", half)], "dev": [plain("d", whole), plain("c", whole)]}
    found = resemblances(splits)
    assert [pair.share for pair in found] == sorted((pair.share for pair in found), reverse=True)
    assert [(pair.one, pair.other) for pair in found[:3]] == [
        ("dev/d", "dev/c"), ("train/b", "dev/c"), ("train/b", "dev/d"),
    ]  # fmt: skip


def test_no_documents_resemble_no_others() -> None:
    assert resemblances({}) == resemblances({"train": []}) == resemblances({"train": [plain("a", TEXT)]}) == []


def sequences(text: str) -> set[str]:
    words = text.split()
    return {" ".join(words[start : start + 5]) for start in range(len(words) - 4)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=14), max_size=6), st.sampled_from([0.0, 0.25, 0.7]))
def test_resemblances_are_those_of_comparing_every_two(texts: list[list[str]], least: float) -> None:
    documents = [plain(f"d{n}", " ".join(words)) for n, words in enumerate(texts)]
    expected = {}
    for number, one in enumerate(documents):
        for other in documents[number + 1 :]:
            left, right = sequences(one.text), sequences(other.text)
            if left & right and len(left & right) / min(len(left), len(right)) >= least:
                expected[f"train/{one.id}", f"train/{other.id}"] = len(left & right) / min(len(left), len(right))
    assert {(p.one, p.other): p.share for p in resemblances({"train": documents}, least)} == expected


# Articles that two people annotated


def article(folder: Path, side: str, name: str, body: str) -> None:
    (folder / side).mkdir(parents=True, exist_ok=True)
    (folder / side / f"{name}.txt").write_text(f"id: {name}\n---\n{body}\n", "utf-8")


def test_agreement_is_computed_from_both_sides(tmp_path: Path) -> None:
    article(tmp_path, "first", "a", "{Rebels|A1} {fled|E1:other_violence}.")
    article(tmp_path, "second", "a", "{Rebels|T1} {fled|E1:other_violence}.")
    found = annotators_agree(tmp_path)
    assert found is not None
    assert (found.documents, found.triggers, found.roles, found.types) == (1, 1.0, 0.0, 1.0)


@pytest.mark.parametrize("sides", [[], ["first"], ["second"], ["first", "second"]])
def test_without_articles_there_is_no_agreement(tmp_path: Path, sides: list[str]) -> None:
    for side in sides:
        (tmp_path / side).mkdir()
    assert annotators_agree(tmp_path) is None
    assert annotators_agree(tmp_path / "nowhere") is None


def test_articles_of_one_side_only_are_told(tmp_path: Path) -> None:
    article(tmp_path, "first", "a", "Nobody fled.")
    (tmp_path / "second").mkdir()
    with pytest.raises(DataError, match=r"^the annotators have different documents: 1 and 0\. Compare"):
        annotators_agree(tmp_path)


def test_an_article_that_is_not_well_formed_is_named_with_its_line(tmp_path: Path) -> None:
    article(tmp_path, "first", "a", "Nobody fled.")
    article(tmp_path, "second", "a", "Nobody {fled|X1}.")
    with pytest.raises(DataError) as caught:
        annotators_agree(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'second' / 'a.txt'}:3: tag 'X1' is malformed.")


def test_what_is_compared_is_what_markup_reads(tmp_path: Path) -> None:
    markup.write(tmp_path / "first", [])
    article(tmp_path, "first", "a", "Nobody fled.")
    article(tmp_path, "second", "a", "Nobody  fled.")
    with pytest.raises(DataError, match="document 'a' has two texts"):
        annotators_agree(tmp_path)


# The data card of the project's own corpus


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load(CorpusConfig(name="own", format="jsonl", path=str(ROOT / "data" / "own"))).splits


@pytest.fixture(scope="module")
def card() -> str:
    """Its part of the data card."""
    return (ROOT / "data" / "README.md").read_text("utf-8").partition("\n## ")[2].partition("\n## ")[0]


def table(card: str, corner: str) -> dict[str, dict[str, int]]:
    """The Markdown table whose first cell is ``corner``: a row's name, then its numbers by column."""
    lines = card[re.search(rf"^\| {corner} \|", card, re.MULTILINE).start() :].partition("\n\n")[0].splitlines()  # type: ignore[union-attr]
    (_, *columns), _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {
        name: dict(zip(columns, (int(cell.replace(",", "")) for cell in cells), strict=True)) for name, *cells in rows
    }


def test_the_card_counts_each_split_as_the_files_do(card: str, splits: Splits) -> None:
    """Its role columns count event arguments: a span once for each event that it takes part in."""
    expected = {}
    for split, documents in splits.items():
        counts = count(documents, ())
        arguments = Counter(span.role for d in documents for event in d.events for span in event.arguments)
        expected[split] = {
            "articles": counts.documents, "without events": counts.without_events, "words": counts.words,
            "events": counts.events, **{role.value: arguments[role] for role in Role},
        }  # fmt: skip
    expected["all"] = {column: sum(row[column] for row in expected.values()) for column in expected["train"]}
    assert table(card, "split") == expected


def test_the_card_counts_the_types_of_each_split(card: str, splits: Splits) -> None:
    found = {split: count(documents, ()).types for split, documents in splits.items()}
    assert table(card, "type") == {
        kind.value: {split: found[split][kind.value] for split in splits} for kind in EventType
    }


def test_the_card_begins_with_the_totals(card: str, splits: Splits) -> None:
    counts = count([document for split in splits.values() for document in split], ())
    words = " ".join(card.split())
    assert (
        f"{counts.documents} news-style articles in English, {counts.words:,} words, annotated with "
        f"{counts.events:,} conflict events" in words
    )
    assert f"The {len(splits['test'])} articles of the test split were annotated twice" in words

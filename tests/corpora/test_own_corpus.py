"""The project's own corpus: what its data card promises, and that no split leaks into another."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
from conftest import ROOT

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Splits, load
from conflict_events.corpora.formats import jsonl, markup
from conflict_events.corpora.prepare import compiled
from conflict_events.corpora.validate import validate
from conflict_events.schema import Document, EventType, Layer

FOLDER = ROOT / "data" / "own"
CONFIG = CorpusConfig(name="own", format="jsonl", path=str(FOLDER))
# Measured: the pair that shares most has 2 of 35 five-word sequences in common (5.7 %), no other pair more than 4 %.
# A retold article or a template would share far more.
LARGEST_SHARE = 0.06


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load(CONFIG).splits


@pytest.fixture(scope="module")
def documents(splits: Splits) -> list[Document]:
    return [document for split in splits.values() for document in split]


def sequences(text: str, length: int) -> set[tuple[str, ...]]:
    """Every run of ``length`` words, lower-cased, punctuation left out."""
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_it_is_what_compiling_its_articles_gives(tmp_path: Path) -> None:
    for split, documents in compiled(FOLDER / "articles").items():
        jsonl.write(tmp_path / f"{split}.jsonl", documents)
        assert (tmp_path / f"{split}.jsonl").read_bytes() == (FOLDER / f"{split}.jsonl").read_bytes(), (
            "run 'python scripts/prepare_data.py corpus=own compile=true'"
        )


def test_it_has_no_problems() -> None:
    assert validate(CONFIG) == []


def test_an_article_is_named_after_its_id(documents: list[Document]) -> None:
    assert sorted(path.stem for path in (FOLDER / "articles").iterdir()) == sorted(
        document.id for document in documents
    )


def test_every_article_survives_rendering(documents: list[Document]) -> None:
    for document in documents:
        assert markup.parse(markup.render(document), document.id) == document


def test_it_is_large_enough_in_every_type_and_role(splits: Splits, documents: list[Document]) -> None:
    assert len(documents) >= 400
    assert min(len(splits["dev"]), len(splits["test"])) >= 40
    types = Counter(event.type for document in documents for event in document.events)
    assert types.keys() == set(EventType)
    assert min(types.values()) >= 100
    roles = Counter(span.role for document in documents for span in document.spans)
    assert roles["weapon"] >= 500
    assert min(roles.values()) == roles["weapon"]  # so every role has as many


def test_each_split_has_every_event_type_and_articles_without_events(splits: Splits) -> None:
    for split in splits.values():
        assert {event.type for document in split for event in document.events} == set(EventType)
    # news is mostly not about violence: a tagger needs articles that hold none
    documents = [document for split in splits.values() for document in split]
    assert sum(not document.events for document in documents) >= 0.15 * len(documents)


def test_every_article_is_annotated_in_full_and_says_where_and_how_it_is_written(documents: list[Document]) -> None:
    for document in documents:
        assert document.layers == frozenset(Layer)
        assert document.meta.keys() == {"region", "style", "split"}
        assert all(document.meta.values())


def test_styles_stand_in_every_split(splits: Splits) -> None:
    styles = {name: {document.meta["style"] for document in split} for name, split in splits.items()}
    assert styles["dev"] == styles["test"]
    # these were written for training alone, after what models of the first articles got wrong on real text
    assert styles["train"] - styles["test"] == {
        "incident database entry",
        "newspaper excerpt",
        "military press release",
    }
    assert len(styles["train"]) >= 20


def test_no_eight_words_in_a_row_are_shared_by_two_splits(splits: Splits) -> None:
    runs = {name: set().union(*(sequences(document.text, 8) for document in split)) for name, split in splits.items()}
    for one, other in combinations(runs, 2):
        assert runs[one] & runs[other] == set(), f"{one} and {other}"


def test_no_two_articles_share_more_than_a_phrase(documents: list[Document]) -> None:
    runs = [sequences(document.text, 5) for document in documents]
    shares = {
        (one.id, other.id): len(runs[i] & runs[j]) / min(len(runs[i]), len(runs[j]))
        for (i, one), (j, other) in combinations(enumerate(documents), 2)
    }
    assert {pair: share for pair, share in shares.items() if share > LARGEST_SHARE} == {}

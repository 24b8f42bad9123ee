from __future__ import annotations

import pytest

from conflict_events.config import CorpusConfig
from conflict_events.corpora import READERS, load
from conflict_events.errors import ConfigError


def test_a_corpus_is_read_by_the_reader_of_its_format(tiny_corpus: CorpusConfig) -> None:
    corpus = load(tiny_corpus)
    assert {name: len(documents) for name, documents in corpus.splits.items()} == {"train": 6, "dev": 3, "test": 3}
    assert corpus.config is tiny_corpus
    assert [document.id for document in corpus.split("dev")] == ["dev-0", "dev-1", "dev-2"]


def test_an_unknown_format_is_told_with_the_known_ones(tiny_corpus: CorpusConfig) -> None:
    tiny_corpus.format = "tei"
    with pytest.raises(ConfigError, match=r"corpus\.format='tei'.*jsonl, markup, .*brat.*standoff, muc4"):
        load(tiny_corpus)


def test_an_unknown_split_is_told_with_the_known_ones(tiny_corpus: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"corpus 'tiny' has no split 'validation'.*train, dev, test"):
        load(tiny_corpus).split("validation")


def test_another_format_needs_no_more_than_an_entry(tiny_corpus: CorpusConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = load(tiny_corpus).split("test")
    monkeypatch.setitem(READERS, "mine", lambda config, log: {"test": (("here", document) for document in documents)})
    tiny_corpus.format = "mine"
    assert load(tiny_corpus).splits == {"test": documents}

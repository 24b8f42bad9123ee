"""The registry: names, missing packages, bad corpora, and one run from corpus to predictions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from conftest import ROLES, violent_documents

from conflict_events.baselines import BASELINES, Options, create, fitted
from conflict_events.baselines.base import optional_module
from conflict_events.baselines.nearest import Nearest
from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.errors import ConfigError, DataError
from conflict_events.linking.rule import TypeModel
from conflict_events.schema import Document, Event, EventType, Layer, Span

NO_CRF = "sklearn-crfsuite is not installed: pip install 'conflict-events[baselines]'"


class GoldReader:
    """An extractor that knows the annotation, but of events only the spans."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._spans = {document.text: list(document.spans) for document in documents}

    def read_many(self, texts: Iterable[str]) -> Iterator[tuple[list[Span], list[Event]]]:
        for text in texts:
            yield self._spans[text], []


def bare(events: Iterable[Event]) -> list[tuple[EventType, Span, tuple[Span, ...]]]:
    return [(event.type, event.trigger, event.arguments) for event in events]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no baseline 'svm'.*crf, plain_128, plain_256, rules, nearest"):
        create("svm")


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(ConfigError, match=r"no_such_package, which is not.*conflict-events\[baselines\]"):
        optional_module("no_such_package")


def test_each_name_has_a_factory_and_plain_ones_differ_in_length() -> None:
    assert create("plain_128").max_length == 128  # type: ignore[attr-defined]
    assert create("plain_256").max_length == 256  # type: ignore[attr-defined]
    assert set(BASELINES) == {"crf", "plain_128", "plain_256", "rules", "nearest"}


@pytest.mark.parametrize("train", [[], [Document("blank", " \n")]])
def test_nothing_to_learn_from_is_an_error(train: list[Document]) -> None:
    for name in ("crf", "plain_128"):
        with pytest.raises(DataError, match="no text to learn from"):
            create(name).fit(train, [], ROLES)


def test_nearest_needs_an_extractor() -> None:
    with pytest.raises(ConfigError, match="no spans"):
        create("nearest")


def test_nearest_puts_the_spans_of_another_system_together() -> None:
    documents = violent_documents(3, "dev")
    extractor = GoldReader(documents)
    baseline = create("nearest", Options(extractor=extractor))
    baseline.fit(violent_documents(6, "train"), [], ROLES)
    found = baseline.predict([document.text for document in documents])
    # One trigger a sentence, so that the rule has no choice: what comes out is the annotation.
    assert [spans for spans, _ in found] == [list(document.spans) for document in documents]
    assert [[(e.trigger, e.arguments) for e in events] for _, events in found] == [
        [(e.trigger, e.arguments) for e in document.events] for document in documents
    ]


def test_nearest_keeps_the_types_that_it_is_given() -> None:
    (document,) = violent_documents(1, "dev")
    types = TypeModel({"shelling": 1}, {})
    baseline = Nearest(GoldReader([document]), types)
    baseline.fit(violent_documents(6, "train"), [], ROLES)  # all of them armed attacks
    assert [event.type for event in baseline.predict([document.text])[0][1]] == [EventType.SHELLING]


def test_nearest_without_annotated_events_gives_spans_only() -> None:
    (document,) = violent_documents(1, "dev")
    baseline = Nearest(GoldReader([document]))
    baseline.fit([replace(d, layers=frozenset({Layer.ROLES}), events=()) for d in violent_documents(3, "t")], [], ROLES)
    assert baseline.predict([document.text]) == [(list(document.spans), [])]


def test_a_fitted_baseline_predicts_texts_in_order_and_the_same_again(tiny_corpus: CorpusConfig) -> None:
    pytest.importorskip("sklearn_crfsuite", reason=NO_CRF)
    corpus = load(tiny_corpus)
    documents = corpus.split("test")
    found = fitted("crf", corpus, seed=1).predict([document.text for document in documents])
    assert len(found) == 3
    for document, (spans, events) in zip(documents, found, strict=True):
        replace(document, role_spans=tuple(spans), events=tuple(events))  # refuses spans of another text
        assert spans, "six alike documents are enough for a CRF to find something"
    assert fitted("crf", corpus, seed=1).predict([document.text for document in documents]) == found


def test_a_corpus_without_training_documents_is_refused(tiny_corpus: CorpusConfig) -> None:
    corpus = load(tiny_corpus)
    del corpus.splits["train"]
    with pytest.raises(ConfigError, match="no split 'train'"):
        fitted("crf", corpus)

"""A linear-chain conditional random field over words (Lafferty et al. 2001), by CRFsuite (Okazaki 2007)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from conflict_events.baselines.base import Options, Prediction, check_train, events_by_rule, optional_module
from conflict_events.baselines.features import features
from conflict_events.corpora.formats.conll import words
from conflict_events.decoding import label_runs
from conflict_events.labels import LabelScheme, Offsets
from conflict_events.linking.rule import TypeModel
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Span
from conflict_events.text import sentences

L1 = (0.01, 0.1, 0.5)
L2 = (0.001, 0.01, 0.1)
_DEFAULT = (0.1, 0.01)
_ITERATIONS = 100


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The words of a sentence: offsets into the text, and features."""

    offsets: Offsets
    features: list[list[str]]


class Crf:
    """Words of sentences to IOB2 labels; events by the sentence rule.

    CRFsuite reads and writes its own model format, in a temporary file that goes with the object: nothing is pickled.

    Attributes:
        tried: strict role F1 on dev for every ``(c1, c2)`` (L1 and L2 penalties) of the search.
        chosen: the best of them; a fixed pair where there are no dev documents.
    """

    def __init__(self, options: Options) -> None:
        self._language = options.language
        self._types: TypeModel | None = None
        self._scheme: LabelScheme | None = None
        self._model: Any = None
        self.tried: dict[tuple[float, float], float] = {}
        self.chosen = _DEFAULT

    def fit(self, train: Sequence[Document], dev: Sequence[Document], roles: Sequence[str]) -> None:
        """Train one model for each pair of penalties and keep the one with the best strict role F1 on dev.

        Raises:
            DataError: if there is nothing to learn from.
            ConfigError: if sklearn-crfsuite is not installed.
        """
        check_train(train)
        self._scheme = scheme = LabelScheme(tuple(roles))
        self._types = TypeModel.fit(train)
        rows: list[list[list[str]]] = []
        labels: list[list[str]] = []
        for document in train:
            for sentence in self._sentences(document.text):
                ids, _ = scheme.encode(sentence.offsets, document.spans)
                rows.append(sentence.features)
                labels.append([scheme.labels[number] for number in ids])
        crfsuite = optional_module("sklearn_crfsuite")
        read = [self._sentences(document.text) for document in dev]
        gold = [document.spans for document in dev]
        best = -1.0
        self.tried = {}
        for pair in list(product(L1, L2)) if dev else [_DEFAULT]:
            model = crfsuite.CRF("lbfgs", c1=pair[0], c2=pair[1], max_iterations=_ITERATIONS)
            model.fit(rows, labels)
            f1 = 0.0
            if dev:
                found = [self._spans(model, document.text, parts) for document, parts in zip(dev, read, strict=True)]
                self.tried[pair] = f1 = strict_scores(gold, found, roles).roles.f1
            if f1 > best:
                best, self.chosen, self._model = f1, pair, model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The likeliest label sequence of each sentence as spans."""
        found: list[Prediction] = []
        for text in texts:
            spans = self._spans(self._model, text, self._sentences(text))
            found.append((spans, events_by_rule(text, spans, self._types, self._language)))
        return found

    def _sentences(self, text: str) -> list[_Sentence]:
        found = []
        for start, end in sentences(text, self._language):
            pairs = [(start + first, start + last) for first, last in words(text[start:end])]
            if pairs:
                found.append(_Sentence(np.array(pairs), features([text[first:last] for first, last in pairs])))
        return found

    def _spans(self, model: Any, text: str, parts: Sequence[_Sentence]) -> list[Span]:
        """A span's score is the lowest marginal probability among the labels of its words."""
        assert self._scheme is not None, "fit first"
        ids, tagger = self._scheme.label2id, model.tagger_
        spans: list[Span] = []
        for part in parts:
            names = tagger.tag(part.features)
            for label, first, last in label_runs(np.array([ids[name] for name in names])):
                score = min(tagger.marginal(names[at], at) for at in range(first, last))
                start, end = int(part.offsets[first, 0]), int(part.offsets[last - 1, 1])
                spans.append(Span.of(text, self._scheme.roles[(label - 1) // 2], start, end, min(score, 1.0)))
        return spans

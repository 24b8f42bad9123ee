"""Fitting the first pass to annotated events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from conflict_events.labels import tokens_of
from conflict_events.linking.surroundings import sentence_numbers
from conflict_events.schema import Document, Layer
from conflict_events.screening import Screen
from conflict_events.windows import TextTokenizer, Tokens

_FOLDS = 5
_LEAST = 20  # documents with sentences of either kind: from fewer nothing is learnt
_DIGITS = 3  # of a weight


def fit_screen(documents: Sequence[Document], tokenizer: TextTokenizer, language: str) -> Screen | None:
    """Fit a first pass; None for documents of which too few have events, or hold sentences without any.

    Weights are those of an L1-regularised logistic regression from the tokens of a sentence, each counted once, to
    whether it has a trigger. The curve is measured by cross-validation, five-fold over documents.

    Args:
        documents: annotated; only those with an events layer count.
        tokenizer: the checkpoint's.
        language: for sentence boundaries.
    """
    documents = [document for document in documents if Layer.EVENTS in document.layers]
    tokenised = tokenizer([document.text for document in documents])
    rows = [
        (number, ids, has_trigger)
        for number, (document, tokens) in enumerate(zip(documents, tokenised, strict=True))
        for ids, has_trigger in _sentences(document, tokens, language)
    ]
    of = np.array([number for number, _, _ in rows])
    has_trigger = np.array([label for _, _, label in rows], dtype=bool)
    if min(len(set(of[has_trigger])), len(set(of[~has_trigger]))) < _LEAST:
        return None
    tokens = _indicators([ids for _, ids, _ in rows])
    scores = np.zeros(len(documents))
    for train, held_out in GroupKFold(_FOLDS).split(tokens, has_trigger, of):
        fitted = Screen(_weights(tokens[train], has_trigger[train]), ())
        for number in set(of[held_out]):
            scores[number] = fitted.score(tokenised[number].ids)
    events = np.array([len(document.events) for document in documents])
    return Screen.measured(_weights(tokens, has_trigger), scores, events)


def _sentences(document: Document, tokens: Tokens, language: str) -> list[tuple[npt.NDArray[np.int64], bool]]:
    """The different token ids of each sentence, and whether it has a trigger."""
    numbers = sentence_numbers(document.text, tokens, language)
    triggers = [tokens_of(tokens.offsets, event.trigger.start, event.trigger.end) for event in document.events]
    with_trigger = {numbers[touched[0]] for touched in triggers if len(touched)}
    return [(np.unique(tokens.ids[numbers == number]), number in with_trigger) for number in np.unique(numbers)]


def _indicators(sentences: Sequence[npt.NDArray[np.int64]]) -> Any:
    """A row for each sentence, a column for each token id."""
    columns = np.concatenate(sentences)
    bounds = np.concatenate([[0], np.cumsum([len(ids) for ids in sentences])])
    return csr_matrix((np.ones(len(columns)), columns, bounds))


def _weights(tokens: Any, has_trigger: npt.NDArray[np.bool_]) -> dict[int, float]:
    model = LogisticRegression(l1_ratio=1.0, solver="liblinear", random_state=0).fit(tokens, has_trigger)
    weights = model.coef_[0].round(_DIGITS)
    return {int(token): float(weights[token]) for token in np.flatnonzero(weights)}

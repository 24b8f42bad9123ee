"""Precision, recall and F1, and the counts per document that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]
"""Shape ``(documents, 4)``: predicted items that are right, predicted items, annotated items that were found,
annotated items. With exact matching the first and the third are equal."""


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 as fractions, and how many annotated items (support) they stand on.

    Where nothing is annotated or nothing predicted, the undefined precision, recall and F1 are 0.
    """

    precision: float
    recall: float
    f1: float
    support: int

    @classmethod
    def of(cls, counts: Counts) -> Score:
        """The score of all documents together (micro-average)."""
        right, predicted, found, annotated = (float(value) for value in np.asarray(counts).reshape(-1, 4).sum(axis=0))
        precision = right / predicted if predicted else 0.0
        recall = found / annotated if annotated else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        return cls(precision, recall, f1, int(annotated))

    def to_record(self) -> dict[str, Any]:
        return asdict(self)


def exact_counts(annotated: Iterable[Any], predicted: Iterable[Any]) -> tuple[int, int, int, int]:
    """A row of :data:`Counts` for one document, by equality; repeats count once."""
    gold, found = set(annotated), set(predicted)
    return len(gold & found), len(found), len(gold & found), len(gold)


def check_same_documents(gold: Sequence[object], predicted: Sequence[object]) -> None:
    """Refuse sides that cannot be of the same documents.

    Raises:
        ValueError: if the two sides differ in their number of documents.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} annotated documents, but {len(predicted)} predicted ones")


def share(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The first of two summed counts over the second, shape ``(..., 2)`` to ``(...)``; 0 where there is nothing."""
    part, whole = np.moveaxis(totals, -1, 0)
    return _quotient(part, whole)


def f1(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """F1 of summed counts, shape ``(..., 4)`` to ``(...)``; 0 where it is undefined."""
    precision, recall = share(totals[..., :2]), share(totals[..., 2:])
    return _quotient(2 * precision * recall, precision + recall)


def _quotient(part: npt.NDArray[np.float64], whole: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    quotient: npt.NDArray[np.float64] = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return quotient

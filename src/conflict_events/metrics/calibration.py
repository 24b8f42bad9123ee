"""Whether confidence means what it says, and how to make it so.

- Expected calibration error over bins of equal width (Naeini et al. 2015; Guo et al. 2017).
- Platt scaling (Platt 1999): ``sigmoid(a * logit(p) + b)``, fitted by maximum likelihood; temperature scaling of a
  binary decision is the case ``b = 0``.
- Precision and recall at every threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_EDGE = 1e-6  # probabilities are kept that far from 0 and 1
_STEPS = 50
_NEAR = 1e-9  # a step that small changes nothing
_PRIOR = 1.0  # holds the slope near 1 and the offset near 0 where there is little to learn from


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions whose confidence is in ``(low, high]``: their number, mean confidence and share that is right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats, bins: int = 10) -> list[Bin]:
    """The reliability diagram: bins of equal width that hold any prediction, from low to high."""
    p, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    number = np.searchsorted(np.arange(1, bins) / bins, p, side="left")  # p * bins would be rounded past a border
    found = []
    for n in range(bins):
        held = number == n
        if held.any():
            found.append(
                Bin(n / bins, (n + 1) / bins, int(held.sum()), float(p[held].mean()), float(right[held].mean()))
            )
    return found


def expected_calibration_error(
    confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats, bins: int = 10
) -> float:
    """Mean distance of confidence and accuracy over the bins, weighted by their counts; 0 without predictions."""
    found = reliability(confidence, correct, bins)
    total = sum(b.count for b in found)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in found) / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """Platt scaling.

    Attributes:
        slope: ``a``; 1 leaves confidence as it is.
        offset: ``b``; 0 leaves it as it is.
    """

    slope: float = 1.0
    offset: float = 0.0

    @classmethod
    def fit(cls, confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats) -> Scaling:
        """The scaling under which the outcomes are most likely (Newton's method, with a weak pull to the identity).

        The pull has the weight of a handful of predictions, so that a few of them, or outcomes that are all the same,
        do not make confidence extreme.
        """
        x = _logit(np.asarray(confidence, dtype=np.float64))
        y = np.asarray(correct, dtype=np.float64)
        features = np.stack([x, np.ones_like(x)], axis=1)  # (predictions, 2)
        identity = np.array([1.0, 0.0])

        def loss(weights: Floats) -> float:
            odds = features @ weights
            unlikely = np.logaddexp(0.0, odds).sum() - y @ odds
            return float(unlikely + _PRIOR / 2 * ((weights - identity) ** 2).sum())

        weights = identity.copy()
        for _ in range(_STEPS):
            p = _sigmoid(features @ weights)
            gradient = features.T @ (p - y) + _PRIOR * (weights - identity)
            curvature = (features * (p * (1 - p))[:, None]).T @ features + _PRIOR * np.eye(2)
            step = np.linalg.solve(curvature, gradient)
            # Where confidence is near 0 or 1 the curvature is nearly nil and a full step would go far too far.
            while np.abs(step).max() >= _NEAR and loss(weights - step) > loss(weights):
                step = step / 2
            weights = weights - step
            if np.abs(step).max() < _NEAR:
                break
        return cls(float(weights[0]), float(weights[1]))

    def __call__(self, confidence: float) -> float:
        """Scaled confidence."""
        return float(_sigmoid(self.slope * _logit(np.array(confidence)) + self.offset))


@dataclass(frozen=True, slots=True)
class Point:
    """What is left at a threshold: precision, and recall of what is annotated."""

    threshold: float
    precision: float
    recall: float


def precision_recall(
    confidence: Sequence[float] | Floats, correct: Sequence[bool] | Floats, annotated: int
) -> list[Point]:
    """Precision and recall if predictions below a threshold are left out, for every distinct confidence, low to high.

    Args:
        confidence: of each prediction.
        correct: whether it is right.
        annotated: how many there are to find.
    """
    p, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    order = np.argsort(-p, kind="stable")
    hits = np.cumsum(right[order])
    last = np.flatnonzero(np.append(np.diff(p[order]) != 0, True)) if len(p) else np.array([], dtype=int)
    points = [
        Point(float(p[order][n]), float(hits[n] / (n + 1)), float(hits[n] / annotated) if annotated else 0.0)
        for n in last
    ]
    return points[::-1]


def _logit(p: Floats) -> Floats:
    kept = np.clip(p, _EDGE, 1 - _EDGE)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def _sigmoid(x: Floats) -> Floats:
    values: Floats = np.exp(-np.logaddexp(0.0, -x))
    return values

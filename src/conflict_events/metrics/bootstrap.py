"""How sure a score is: intervals and differences by resampling documents (Efron and Tibshirani 1993, chapter 13).

Documents are drawn with replacement, as many as there are, and the score is computed anew; of several seeds the mean
score, all on the same draw, so that the interval is that of the reported mean. One document says nothing of others:
its interval is all that a score in [0, 1], or the difference of two, can be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from conflict_events.metrics.score import Counts, f1

Statistic = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
"""From summed counts, shape ``(resamples, columns)``, to values in [0, 1], shape ``(resamples,)``."""

_ROUNDING = 1e-12  # equal scores of different counts (4 of 6 and 7, 4 of 5 and 8) may differ by that much


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its percentile interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The first system's score minus the second's on the same documents.

    Attributes:
        p: share of resamples in which the difference has the other sign or is nil, twice (two-sided), at most 1.
    """

    value: float
    low: float
    high: float
    p: float


def interval(
    runs: Sequence[Counts], statistic: Statistic = f1, *, level: float = 0.95, resamples: int = 2000, seed: int = 13
) -> Interval:
    """The mean score of runs, and its interval.

    Args:
        runs: counts of each run (seed) over the same documents, shape ``(documents, columns)``.
        statistic: the score.
        level: of confidence.
        resamples: how many.
        seed: of the draw.

    Raises:
        ValueError: if there are no documents, or runs differ in theirs.
    """
    value, drawn = _draw(runs, statistic, resamples, seed)
    if len(runs[0]) == 1:
        return Interval(value, 0.0, 1.0)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def difference(
    runs: Sequence[Counts],
    others: Sequence[Counts],
    statistic: Statistic = f1,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 13,
) -> Difference:
    """The difference of two systems' mean scores on the same documents, with a paired interval.

    Raises:
        ValueError: if the systems were scored on different numbers of documents.
    """
    if len(runs[0]) != len(others[0]):
        raise ValueError(f"{len(runs[0])} documents on one side, {len(others[0])} on the other")
    value, drawn = _draw(runs, statistic, resamples, seed)
    other, other_drawn = _draw(others, statistic, resamples, seed)  # the same seed: the same documents
    if len(runs[0]) == 1:
        return Difference(value - other, -1.0, 1.0, 1.0)
    gap = drawn - other_drawn
    gap[np.abs(gap) < _ROUNDING] = 0.0
    low, high = np.quantile(gap, [(1 - level) / 2, (1 + level) / 2])
    p = 2 * min(float((gap <= 0).mean()), float((gap >= 0).mean()))
    return Difference(value - other, float(low), float(high), min(p, 1.0))


def _draw(
    runs: Sequence[Counts], statistic: Statistic, resamples: int, seed: int
) -> tuple[float, npt.NDArray[np.float64]]:
    """The mean score of all documents, and of each resample."""
    stacked = np.stack([np.asarray(run, dtype=np.float64) for run in runs])  # (runs, documents, columns)
    documents = stacked.shape[1]
    if documents == 0:
        raise ValueError("no documents to resample")
    times = _times(documents, resamples, seed)
    values = np.stack([statistic(times @ run) for run in stacked]).mean(axis=0)
    whole = float(np.mean([statistic(run.sum(axis=0)[None])[0] for run in stacked]))
    return whole, values


@lru_cache(maxsize=4)  # every score of an evaluation is resampled by the same draw
def _times(documents: int, resamples: int, seed: int) -> npt.NDArray[np.float64]:
    """How often each resample has each document, ``(resamples, documents)``."""
    drawn = np.random.default_rng(seed).integers(documents, size=(resamples, documents))
    times = np.zeros((resamples, documents))
    np.add.at(times, (np.arange(resamples)[:, None], drawn), 1)
    times.flags.writeable = False
    return times

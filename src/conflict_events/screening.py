"""The first pass: articles without any event, told by their words alone, so that the encoder need not read them.

A linear model with a weight for each token that speaks for or against an event in its sentence. An article is worth
reading if anywhere in it the weights of neighbouring tokens add up to a threshold; the threshold follows from the share
of events that one is ready to lose. It is whole articles that are skipped: in those that are read, everything is found
that would have been found without a first pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from conflict_events.errors import CheckpointError, ConfigError

_HIGHEST_ID = 10_000_000  # ten times the largest vocabulary: a table of weights must not fill the memory
WIDTH = 24  # tokens, about a sentence: chosen on dev, where 16 to 32 do alike
MOST_LOST = 0.1  # the share of events up to which the curve goes


@dataclass(frozen=True)
class Screen:
    """Tells from token ids whether an article may hold an event.

    Attributes:
        weights: of tokens, by their ids; a token without one has none.
        curve: thresholds, rising, each with the share of events in articles that score less; measured on articles that
            were not trained on.
        threshold: articles that score less are not worth reading; by default, all are.
    """

    weights: Mapping[int, float]
    curve: Sequence[tuple[float, float]]
    threshold: float = -math.inf
    _table: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        table = np.zeros(max(self.weights, default=-1) + 2)
        table[list(self.weights)] = list(self.weights.values())
        object.__setattr__(self, "_table", table)  # ends with a zero, for all higher ids

    @classmethod
    def measured(
        cls, weights: Mapping[int, float], scores: npt.NDArray[np.float64], events: npt.NDArray[np.int64]
    ) -> Screen:
        """A screen with the curve of articles that were scored without having been trained on.

        Args:
            weights: of tokens, by id.
            scores: of the articles.
            events: how many events each has; one at least has some.
        """
        holding = np.flatnonzero(events)
        order = holding[np.argsort(scores[holding], kind="stable")]
        lost = np.concatenate([[0], np.cumsum(events[order])[:-1]]) / events.sum()
        curve = [(float(s), float(share)) for s, share in zip(scores[order], lost, strict=True) if share <= MOST_LOST]
        return cls(weights, curve)

    def at(self, recall_loss: float) -> Screen:
        """The screen with the highest threshold at which no larger share of the events is lost.

        Raises:
            ConfigError: if the share is not one that was measured.
        """
        if not 0.0 <= recall_loss <= MOST_LOST:
            raise ConfigError(
                f"recall_loss={recall_loss} is outside [0, {MOST_LOST}]",
                remedy="give the share of events that may be lost, 0.01 for one in a hundred",
            )
        return replace(self, threshold=max(threshold for threshold, lost in self.curve if lost <= recall_loss))

    def score(self, ids: npt.NDArray[np.int64]) -> float:
        """The largest sum of weights over ``WIDTH`` tokens in a row, or over all of a shorter article.

        Args:
            ids: of the article's tokens, shape ``(tokens,)``.
        """
        sums = np.concatenate([[0.0], np.cumsum(self._table[np.minimum(ids, len(self._table) - 1)])])
        return float((sums[WIDTH:] - sums[:-WIDTH]).max()) if len(ids) > WIDTH else float(sums[-1])

    def passes(self, ids: npt.NDArray[np.int64]) -> bool:
        """Whether an article is worth reading."""
        return self.score(ids) >= self.threshold

    def to_record(self) -> dict[str, Any]:
        """As JSON, without the threshold: ``{"weights": {id: weight}, "curve": [[threshold, lost], ...]}``."""
        return {
            "weights": {str(token): weight for token, weight in self.weights.items()},
            "curve": [[threshold, lost] for threshold, lost in self.curve],
        }

    @classmethod
    def from_record(cls, record: Any) -> Screen:
        """Read :meth:`to_record`'s JSON.

        Raises:
            CheckpointError: if it is something else.
        """
        try:
            weights = {int(token): float(weight) for token, weight in record["weights"].items()}
            curve = [(float(threshold), float(lost)) for threshold, lost in record["curve"]]
            if not 0 <= min(weights, default=0) <= max(weights, default=0) <= _HIGHEST_ID:
                raise ValueError("a token id is impossible")
            if not all(math.isfinite(number) for number in [*weights.values(), *(n for pair in curve for n in pair)]):
                raise ValueError("a number is not finite")
            if not curve or curve[0][1] != 0.0 or curve != sorted(curve):
                raise ValueError("the curve does not rise from 0")
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"the first pass is malformed ({error!r})") from None
        return cls(weights, curve)

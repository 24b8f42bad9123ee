"""One-to-one alignment of annotated and predicted spans of a document.

Spans are aligned only if they share a character, and each with one partner at most. Of all such alignments the best is
taken, by the criteria of the caller and then by the characters shared (assignment problem, Kuhn 1955). Spans are put in
text order first, so that what decides between equally good alignments is neither the order nor the nesting in which
they were given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from conflict_events.schema import Span

Rank = Callable[[Span, Span], tuple[int, ...]]
"""What speaks for aligning an annotated and a predicted span: non-negative, the first is the most important."""


def distinct(spans: Iterable[Span], roles: Iterable[str]) -> list[Span]:
    """The spans in these roles, in text order; of those equal in role and offsets the one of highest score."""
    kept = set(roles)
    return sorted({span.key: span for span in sorted(spans) if span.role in kept}.values())


def align(gold: Sequence[Span], predicted: Sequence[Span], rank: Rank) -> list[tuple[Span, Span]]:
    """The best alignment.

    Args:
        gold: annotated spans, distinct.
        predicted: predicted spans, distinct.
        rank: the sum of its first value over all pairs is made as high as can be, then that of its second, and so on;
            last the number of characters that partners share.

    Returns:
        Pairs in text order.
    """
    pairs = []
    for ours, theirs in _runs(gold, predicted):
        ranks = np.array([[_rank(one, other, rank) for other in theirs] for one in ours], dtype=np.float64)
        ranks = np.moveaxis(ranks, -1, 0)  # (criteria, gold, predicted)
        weights = np.zeros(ranks.shape[1:])
        for criterion in ranks[::-1]:
            # One more of this criterion outweighs everything that the lesser ones can add up to.
            weights += criterion * (1 + min(weights.shape) * weights.max())
        for i, j in zip(*linear_sum_assignment(weights, maximize=True), strict=True):
            if weights[i, j]:
                pairs.append((ours[i], theirs[j]))
    return sorted(pairs)


def shared(one: Span, other: Span) -> int:
    """How many characters two spans have in common."""
    return max(min(one.end, other.end) - max(one.start, other.start), 0)


def _rank(one: Span, other: Span, rank: Rank) -> tuple[int, ...]:
    common = shared(one, other)
    values = (*rank(one, other), common)
    return values if common else (0,) * len(values)


def _runs(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[tuple[list[Span], list[Span]]]:
    """Stretches of overlapping spans, in which both sides have some: partners never stand in two of them."""
    ours: list[Span] = []
    theirs: list[Span] = []
    reach = 0
    for start, end, side, span in sorted(
        (span.start, span.end, side, span) for side, spans in enumerate((gold, predicted)) for span in spans
    ):
        if start >= reach:
            if ours and theirs:
                yield ours, theirs
            ours, theirs = [], []
        (theirs if side else ours).append(span)
        reach = max(reach, end)
    if ours and theirs:
        yield ours, theirs

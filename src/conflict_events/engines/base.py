"""The interface of engines, and what all of them need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from conflict_events.scores import Link, LinkScores, Scored


class Engine(Protocol):
    """Runs a checkpoint's networks."""

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        """Scores of windows of token ids, in the order given."""
        ...

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        """Scores of events, in the order given."""
        ...


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Numbers of items of like length, so that little is padded; about ``tokens`` a batch, padding included."""
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda n: lengths[n]):
        if batch and (len(batch) + 1) * lengths[number] > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch

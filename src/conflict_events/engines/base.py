"""The interface of engines, and what all of them need."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from conflict_events.errors import CheckpointError
from conflict_events.scores import Link, LinkScores, Scored


class Engine(Protocol):
    """Runs a checkpoint's networks."""

    @property
    def reach(self) -> int | None:
        """How many tokens to each side of a trigger the linker sees; None if there is no linker."""
        ...

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        """Scores of windows.

        Args:
            windows: token ids of each, special tokens included.

        Returns:
            For each window, in the order given, logits of shape ``(len(window), labels)`` and, with a linker, the
            encoder's states, ``(len(window), hidden_size)``.
        """
        ...

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        """Scores of events, in the order given.

        Raises:
            CheckpointError: if there is no linker.
        """
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


def link_inputs(links: Sequence[Link]) -> dict[str, npt.NDArray[Any]]:
    """What the linker takes, by the names that :meth:`conflict_events.linking.network.Linker.forward` has for it."""
    return {
        "states": padded([link.states for link in links]),
        "mask": padded([np.ones(len(link.states), dtype=np.bool_) for link in links]),
        "first": np.array([link.first for link in links], dtype=np.int64),
        "last": np.array([link.last for link in links], dtype=np.int64),
        "sentence": padded([link.sentence for link in links]),
        "between": padded([link.between for link in links]),
        "span_first": padded([link.spans[:, 0] for link in links]),
        "span_last": padded([link.spans[:, 1] for link in links]),
    }


def padded(rows: Sequence[npt.NDArray[Any]], fill: int = 0) -> npt.NDArray[Any]:
    """Rows of different lengths as one array, ``(rows, longest, ...)``."""
    together = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), fill, dtype=rows[0].dtype)
    for number, row in enumerate(rows):
        together[number, : len(row)] = row
    return together


def no_linker() -> CheckpointError:
    """What is said when events are to be linked without a linker."""
    return CheckpointError("there is no linker", remedy="train with linker.enabled=true on a corpus with events")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

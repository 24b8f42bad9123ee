"""How far a run is, what it did, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Self

from tqdm import tqdm

from conflict_events.batch.chunks import Done, Found
from conflict_events.batch.manifest import Counts


class Exit(IntEnum):
    """How ``scripts/predict.py`` ends.

    Attributes:
        GOOD: everything was done, or had been done before.
        ERROR: the run could not begin or go on; what is on the disk stays, and the same command goes on there.
        BAD_RECORDS: everything was done but the records in the error file.
        INTERRUPTED: by Ctrl-C; the same command goes on.
    """

    GOOD = 0
    ERROR = 1
    BAD_RECORDS = 3
    INTERRUPTED = 130


@dataclass(frozen=True)
class Summary:
    """What a run did.

    Attributes:
        counts: of the whole output.
        earlier: how many of the articles were done by earlier runs of the same command.
        seconds: that this run took.
        nothing_to_do: whether the output was complete before.
    """

    counts: Counts
    earlier: int
    seconds: float
    nothing_to_do: bool = False

    @property
    def exit(self) -> Exit:
        """How the script ends."""
        return Exit.BAD_RECORDS if self.counts.bad and not self.nothing_to_do else Exit.GOOD

    def __str__(self) -> str:
        counts = self.counts
        told = f"{counts.articles} articles, {counts.events} events, {counts.spans} spans, {counts.bad} bad records"
        if counts.skipped:
            told += f", {counts.skipped} articles skipped by the first pass"
        if self.nothing_to_do:
            return f"nothing to do, the output is complete: {told}"
        new = counts.articles - self.earlier
        if self.earlier:
            told += f"; {self.earlier} articles were done earlier"
        rate = new / self.seconds if self.seconds else 0.0
        return f"{told}; {rate:.1f} articles/s, {self.seconds:.1f} s"


class Progress:
    """A bar with the articles done, their rate and the time that remains; nothing where there is no terminal.

    Args:
        total: bytes of the input, by which the rest is estimated; 0 if unknown.
        read: bytes that earlier runs have done.
        starts: bytes before each source.
    """

    def __init__(self, total: int, read: int, starts: list[int]) -> None:
        self._starts = starts
        self._articles = 0
        form = "{percentage:3.0f}%|{bar}| {desc}[{elapsed}<{remaining}]" if total else "{desc}[{elapsed}]"
        self._bar = tqdm(total=total or None, initial=read, bar_format=form, disable=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def update(self, done: Done) -> None:
        """Count a chunk."""
        self._articles += sum(isinstance(result, Found) for result in done.results)
        rate = self._articles / max(self._bar.format_dict["elapsed"], 1e-9)
        self._bar.set_description_str(f"{self._articles} articles, {rate:.1f}/s ", refresh=False)
        self._bar.update(self._starts[done.next.source] + done.read - self._bar.n)

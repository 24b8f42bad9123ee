"""The errors of this package: each says what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class ConflictEventsError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        what: what is wrong, as a full clause without a closing period.
        where: the file, line, key or id concerned, e.g. ``data/own/train.jsonl:12``.
        remedy: what the reader can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        place = f"{where}: " if where else ""
        advice = f". {remedy[0].upper()}{remedy[1:]}" if remedy else ""
        super().__init__(f"{place}{what}{advice}.")

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        # BaseException would rebuild from the finished message; errors cross processes in batch runs.
        return partial(type(self), where=self.where, remedy=self.remedy), (self.what,)

    def at(self, where: str) -> ConflictEventsError:
        """The same error with a place: readers add file and line to errors raised further down."""
        inner = f"{where}: {self.where}" if self.where else where
        return type(self)(self.what, where=inner, remedy=self.remedy)


class DataError(ConflictEventsError, ValueError):
    """An annotated record, span or event breaks the rules of the schema."""


class InputError(ConflictEventsError, ValueError):
    """An article, or a file of articles, cannot be read."""


class ConfigError(ConflictEventsError, ValueError):
    """A setting is unknown, out of range, or contradicts another one."""


class CheckpointError(ConflictEventsError, ValueError):
    """A checkpoint is missing, incomplete, unsafe to load, or made for something else."""


class SourceError(ConflictEventsError, OSError):
    """A public source (texts, base weights) is missing, unreachable or has other bytes."""


class OutputError(ConflictEventsError, OSError):
    """Results cannot be written, or what stands at their place belongs to another run."""


class RunnerError(ConflictEventsError, RuntimeError):
    """The processes or the cluster that do the work of a batch run fail."""

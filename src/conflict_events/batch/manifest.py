"""What a run is about and how far it has come, on the disk: one JSON object a line, only ever added to.

The first line says what the run is about; then comes a line for each shard that is whole, and when the output is
complete a last one. Each is on the disk before work goes on; half a line, from a power failure, does not count.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from conflict_events.batch.chunks import START, Place
from conflict_events.errors import OutputError
from conflict_events.writers import writing

_LOG = logging.getLogger(__name__)

try:
    import fcntl
except ImportError:  # Windows: nobody looks after two runs on one output
    fcntl = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Counts:
    """How many articles, events and spans were written, how many records were bad, and how many articles skipped."""

    articles: int = 0
    events: int = 0
    spans: int = 0
    bad: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)
        return Counts(*(one + two for one, two in pairs))


@dataclass(frozen=True)
class Shard:
    """A file of results that is whole.

    Attributes:
        size: in bytes.
        sha256: of its bytes.
        next: the place in the input that comes after it.
        read: bytes of the whole input up to there.
        counts: of what it holds.
    """

    size: int
    sha256: str
    next: Place
    read: int
    counts: Counts

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Shard:
        """Undo :func:`dataclasses.asdict` and JSON."""
        changed = {"next": Place(*record["next"]), "counts": Counts(**record["counts"])}
        return cls(**{**record, **changed})


class Manifest:
    """The file, open and locked: two runs cannot have it at a time; the lock of a killed run is gone with it.

    Attributes:
        run: what the run is about; None if none was begun.
        shards: those that are whole.
        finished: what was said of the complete output; None if it is not complete.

    Raises:
        OutputError: if it cannot be written, is another run's, or is no manifest.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run: dict[str, Any] | None = None
        self.shards: list[Shard] = []
        self.finished: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = self.path.open("a+b")
        try:
            self._lock()
            self._load()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # a full disk has been told of; whatever was noted is on the disk
            self._file.close()

    @property
    def counts(self) -> Counts:
        """Of all shards."""
        return sum((shard.counts for shard in self.shards), Counts())

    @property
    def next(self) -> Place:
        """Where the run goes on."""
        return self.shards[-1].next if self.shards else START

    def begin(self, run: Mapping[str, Any]) -> None:
        """Forget what was and begin a run."""
        with writing(self.path):
            self._file.truncate(0)
        self.run, self.shards, self.finished = dict(run), [], None
        self._append({"run": self.run})

    def add(self, shard: Shard) -> None:
        """Note a shard that is on the disk."""
        self._append({"shard": dataclasses.asdict(shard)})
        self.shards.append(shard)

    def finish(self, what: Mapping[str, Any]) -> None:
        """Note that the output is complete."""
        self.finished = dict(what)
        self._append({"finished": self.finished})

    def _append(self, record: Mapping[str, Any]) -> None:
        with writing(self.path):
            self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                "another run is writing this output",
                where=str(self.path),
                remedy="wait until it has ended, or give another output",
            ) from None
        except OSError as error:  # some network file systems have no locks
            _LOG.warning("%s cannot be locked (%s): see to it that no other run writes it", self.path, error.strerror)

    def _load(self) -> None:
        whole = 0
        for line in self._lines():
            try:
                ((kind, record),) = json.loads(line).items()
                if kind == "run":
                    self.run = dict(record)
                elif kind == "shard":
                    self.shards.append(Shard.from_record(record))
                elif kind == "finished":
                    self.finished = dict(record)
                else:
                    raise ValueError(kind)
            except (ValueError, TypeError, KeyError, AttributeError):
                raise OutputError(
                    "this is no manifest of a run", where=str(self.path), remedy="give another output"
                ) from None
            whole += len(line)
        with writing(self.path):
            self._file.truncate(whole)

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        for line in self._file:
            if not line.endswith(b"\n"):
                return
            yield line

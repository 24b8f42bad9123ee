"""Records out. A file appears under its name only when it is whole and on the disk."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from conflict_events.errors import OutputError
from conflict_events.extraction import Extraction
from conflict_events.tables import COLUMNS, LISTS, flat, rows

_ROW_GROUP = 10_000  # events that a Parquet file holds in memory before they are written


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what goes wrong with writing a file by its name.

    Raises:
        OutputError: for an OSError inside.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        remedy = "make room and run the same command again" if full else None
        raise OutputError(f"cannot be written ({error.strerror or error})", where=str(path), remedy=remedy) from None


class Writer(ABC):
    """Writes to ``PATH.part`` and gives the file its name when the block ends without an error.

    Raises:
        OutputError: if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> Self:
        if self.path.is_dir():
            raise OutputError("cannot be written (it is a folder)", where=str(self.path))
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open(self._part)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                with writing(self.path):
                    self._close()
                    settle(self._part, self.path)
                return
            except OutputError:
                self._part.unlink(missing_ok=True)
                raise
        with suppress(OSError):
            self._close()
        self._part.unlink(missing_ok=True)  # a full disk needs the room

    @staticmethod
    @abstractmethod
    def render(text: str, extraction: Extraction) -> str:
        """What is written for an article, as a string: it can be made in another process than the file."""

    def put(self, rendered: str) -> None:
        """Add what :meth:`render` gave."""
        with writing(self.path):
            self._put(rendered)

    def add(self, text: str, extraction: Extraction) -> None:
        """Add an article's extraction."""
        self.put(self.render(text, extraction))

    def join(self, path: Path) -> None:
        """Add all that stands in another file of this kind."""
        with writing(self.path):
            self._join(path)

    @abstractmethod
    def _open(self, path: Path) -> None:
        """Begin the file."""

    @abstractmethod
    def _put(self, rendered: str) -> None: ...

    @abstractmethod
    def _join(self, path: Path) -> None: ...

    @abstractmethod
    def _close(self) -> None:
        """End it."""


class JsonlWriter(Writer):
    """JSON lines: of records, or an extraction a line."""

    _file: IO[bytes]

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.count = 0

    @staticmethod
    def render(text: str, extraction: Extraction) -> str:
        """The line of an extraction."""
        return _line(extraction.to_record())

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one record."""
        self.put(_line(record))

    def _open(self, path: Path) -> None:
        self._file = path.open("wb")

    def _put(self, rendered: str) -> None:
        self._file.write(rendered.encode("utf-8"))
        self.count += 1

    def _join(self, path: Path) -> None:
        with path.open("rb") as part:
            shutil.copyfileobj(part, self._file)

    def _close(self) -> None:
        self._file.close()


class CsvWriter(Writer):
    """One row an event, as :mod:`conflict_events.tables` describes; UTF-8, RFC 4180 quoting."""

    _file: IO[bytes]

    @staticmethod
    def render(text: str, extraction: Extraction) -> str:
        """The rows of an article's events."""
        lines = io.StringIO(newline="")
        csv.DictWriter(lines, COLUMNS).writerows(flat(row) for row in rows(text, extraction))
        return lines.getvalue()

    def _open(self, path: Path) -> None:
        self._file = path.open("wb")
        self._file.write(",".join(COLUMNS).encode() + b"\r\n")

    def _put(self, rendered: str) -> None:
        self._file.write(rendered.encode("utf-8"))

    def _join(self, path: Path) -> None:
        with path.open("rb") as part:
            part.readline()  # the header
            shutil.copyfileobj(part, self._file)

    def _close(self) -> None:
        self._file.close()


class ParquetWriter(Writer):
    """One row an event, roles as list columns."""

    @staticmethod
    def render(text: str, extraction: Extraction) -> str:
        """The rows of an article's events as JSON."""
        return json.dumps(list(rows(text, extraction)), ensure_ascii=False)

    def _open(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise OutputError(
                "Parquet needs pyarrow",
                where=str(self.path),
                remedy="install it (pip install pyarrow), or write .csv or .jsonl",
            ) from None
        kinds = {"start": pyarrow.int32(), "end": pyarrow.int32(), "score": pyarrow.float32()}

        def kind(column: str) -> Any:
            plain = kinds.get(column.rpartition("_")[2], pyarrow.string())
            return pyarrow.list_(plain) if column in LISTS else plain

        self._schema = pyarrow.schema([(column, kind(column)) for column in COLUMNS])
        self._held: list[dict[str, Any]] = []
        self._file = parquet.ParquetWriter(path, self._schema)

    def _put(self, rendered: str) -> None:
        self._held += json.loads(rendered)
        if len(self._held) >= _ROW_GROUP:
            self._flush()

    def _join(self, path: Path) -> None:
        from pyarrow import parquet

        with parquet.ParquetFile(path) as part:
            for batch in part.iter_batches():
                self._held += batch.to_pylist()
                if len(self._held) >= _ROW_GROUP:
                    self._flush()

    def _flush(self) -> None:
        from pyarrow import Table

        self._file.write_table(Table.from_pylist(self._held, self._schema))
        self._held = []

    def _close(self) -> None:
        if self._held:
            self._flush()
        self._file.close()


WRITERS: Mapping[str, type[Writer]] = {"jsonl": JsonlWriter, "csv": CsvWriter, "parquet": ParquetWriter}
"""By the name of the format, which is the suffix of its files, too."""


def settle(part: Path, path: Path) -> None:
    """Give a finished file its name, so that it has it after a power failure, too."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)
    with suppress(PermissionError):  # Windows opens no folders
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object, indented for people; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False) + "\n"

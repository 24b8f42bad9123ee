"""Records out. A file appears under its name only when it is whole."""

from __future__ import annotations

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

from conflict_events.errors import InputError
from conflict_events.extraction import Extraction
from conflict_events.tables import COLUMNS, LISTS, flat, rows

_ROW_GROUP = 10_000  # events that a Parquet file holds in memory before they are written


class Writer(ABC):
    """Writes to ``PATH.part`` and gives the file its name when the block ends without an error.

    Raises:
        InputError: if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> Self:
        if self.path.is_dir():
            raise InputError("cannot be written (it is a folder)", where=str(self.path))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._open(self._part)
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", where=str(self.path)) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if kind is None:
            self._part.replace(self.path)

    @abstractmethod
    def _open(self, path: Path) -> None:
        """Begin the file."""

    @abstractmethod
    def _close(self) -> None:
        """End it."""


class JsonlWriter(Writer):
    """JSON lines: of records, or an extraction a line."""

    _file: IO[str]

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.count = 0

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one record."""
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.count += 1

    def add(self, text: str, extraction: Extraction) -> None:
        """Add an article's extraction."""
        self.write(extraction.to_record())

    def _open(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def _close(self) -> None:
        self._file.close()


class CsvWriter(Writer):
    """One row an event, as :mod:`conflict_events.tables` describes; UTF-8, RFC 4180 quoting."""

    _file: IO[str]

    def add(self, text: str, extraction: Extraction) -> None:
        """Add an article's events."""
        self._rows.writerows(flat(row) for row in rows(text, extraction))

    def _open(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._rows = csv.DictWriter(self._file, COLUMNS)
        self._rows.writeheader()

    def _close(self) -> None:
        self._file.close()


class ParquetWriter(Writer):
    """One row an event, roles as list columns."""

    def add(self, text: str, extraction: Extraction) -> None:
        """Add an article's events."""
        self._held += rows(text, extraction)
        if len(self._held) >= _ROW_GROUP:
            self._flush()

    def _open(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise InputError(
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

    def _flush(self) -> None:
        from pyarrow import Table

        self._file.write_table(Table.from_pylist(self._held, self._schema))
        self._held = []

    def _close(self) -> None:
        if self._held:
            self._flush()
        self._file.close()


class ExtractionWriter(Protocol):
    """Takes articles with what was found in them."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def add(self, text: str, extraction: Extraction) -> None:
        """Add one article."""


_TABLES: dict[str, Callable[[Path], ExtractionWriter]] = {".csv": CsvWriter, ".parquet": ParquetWriter}


def extraction_writer(path: Path) -> ExtractionWriter:
    """The writer for a file's suffix: ``.csv`` or ``.parquet`` (a row an event), else JSON lines (everything)."""
    return _TABLES.get(path.suffix.lower(), JsonlWriter)(path)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object, indented for people; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")

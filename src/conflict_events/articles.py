"""New text in: a ``.txt`` file, a folder of them, JSONL or CSV -> articles, one at a time.

A record that cannot be read becomes a :class:`BadRecord` with its place and the reason, and reading goes on.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from conflict_events.errors import InputError
from conflict_events.schema import lone_surrogate


@dataclass(frozen=True, slots=True)
class Article:
    """A text to work on, with its id and whatever comes along with it."""

    id: str
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that gives no article.

    Attributes:
        where: file and line, or the file, or the id of an article that could not be worked on.
        reason: what is wrong.
        record: what stood there (a line, a row's cells, an article), so that it can be mended from the error file
            alone; None where a whole file is at fault. What is not UTF-8 shows as replacement characters.
    """

    where: str
    reason: str
    record: str | list[str] | dict[str, Any] | None = None

    def to_record(self) -> dict[str, Any]:
        """``{"where", "reason"}`` and, if it was kept, ``"record"``."""
        record: dict[str, Any] = {"where": self.where, "reason": self.reason}
        return record if self.record is None else record | {"record": self.record}


Records = Iterator[Article | BadRecord]


def read_articles(source: str, text_column: str = "text", id_column: str = "id") -> Records:
    """Read articles from a path.

    Args:
        source: a ``.txt`` file (one article), a folder of ``.txt`` files, ``.jsonl``, ``.csv``, or ``-`` for JSONL on
            standard input.
        text_column: JSONL key or CSV column of the text.
        id_column: JSONL key or CSV column of the id. Where it is absent, the id is the file's name and the line.

    Returns:
        Articles and bad records, in the order of the input. Further CSV columns, and JSONL's ``meta``, become meta.

    Raises:
        InputError: if the path does not exist, is of another kind, is an empty file, or lacks the text column.
    """
    if source == "-":
        return _jsonl(sys.stdin.buffer, "stdin", text_column, id_column)
    path = Path(source)
    if not path.exists():
        raise InputError("there is no such file or folder", where=source, remedy="check input=")
    if path.is_dir():
        return _folder(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            f"files of kind {path.suffix or '(none)'!r} are not read",
            where=source,
            remedy=f"give a folder of .txt files, or one of {', '.join(sorted(_READERS))}",
        )
    return reader(path, text_column, id_column)


def _txt(path: Path, _text_column: str, _id_column: str) -> Records:
    yield _from_file(path, path.stem)


def _folder(folder: Path) -> Records:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".txt")
    if not paths:
        raise InputError("the folder has no .txt files", where=str(folder))
    return (_from_file(path, path.relative_to(folder).with_suffix("").as_posix()) for path in paths)


def _from_file(path: Path, identifier: str) -> Article | BadRecord:
    try:
        return _article(identifier, _decode(path.read_bytes()), {})
    except (ValueError, OSError) as error:
        return BadRecord(str(path), str(error))


def _jsonl_file(path: Path, text_column: str, id_column: str) -> Records:
    if path.stat().st_size == 0:
        raise InputError("the file is empty", where=str(path))

    def lines() -> Records:
        with path.open("rb") as file:
            yield from _jsonl(file, str(path), text_column, id_column)

    return lines()


def _jsonl(file: BinaryIO, name: str, text_column: str, id_column: str) -> Records:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            record = json.loads(_decode(line), parse_constant=_no_constant)
            if not isinstance(record, dict):
                raise ValueError(f"the line is a JSON {type(record).__name__}, not an object")
            if text_column not in record:
                raise ValueError(f"there is no key {text_column!r}")
            meta = record.get("meta") or {}
            if not isinstance(meta, dict):
                raise ValueError("'meta' is not an object")
            yield _article(_identifier(record.get(id_column), f"{Path(name).name}:{number}"), record[text_column], meta)
        except (ValueError, RecursionError) as error:  # json's and UTF-8's errors are ValueErrors, too
            yield BadRecord(where, str(error), line.decode("utf-8", "replace").rstrip("\r\n"))


def _csv(path: Path, text_column: str, id_column: str) -> Records:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default of 128 KiB is less than a long report
    # Bytes that are not UTF-8 become lone surrogates, by which their row is recognised.
    with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        header = next(csv.reader(file), None)
    if header is None:
        raise InputError("the file is empty", where=str(path))
    if text_column not in header:
        raise InputError(
            f"there is no column {text_column!r}",
            where=str(path),
            remedy=f"set text_column to one of: {', '.join(header)}",
        )
    return _csv_rows(path, text_column, id_column)


def _csv_rows(path: Path, text_column: str, id_column: str) -> Records:
    with path.open("r", encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        while True:
            line = reader.line_num + 1  # of the file: a quoted text may span many
            cells: list[str] = []
            try:
                row = next(reader, None)
                if row is None:
                    return
                cells = row
                if len(cells) != len(header):
                    if not cells:
                        continue  # a blank line
                    raise ValueError(f"the row has {len(cells)} cells, the header {len(header)}")
                values = dict(zip(header, cells, strict=True))
                text = values.pop(text_column)
                yield _article(_identifier(values.pop(id_column, None), f"{path.name}:{line}"), text, values)
            except (ValueError, csv.Error) as error:
                shown = [cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for cell in cells]
                yield BadRecord(f"{path}:{line}", str(error), shown)


_READERS: dict[str, Callable[[Path, str, str], Records]] = {".txt": _txt, ".jsonl": _jsonl_file, ".csv": _csv}


def _decode(raw: bytes) -> str:
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="").read()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _identifier(given: Any, otherwise: str) -> str:
    return otherwise if given is None or given == "" else str(given)


def _article(identifier: str, text: Any, meta: Mapping[str, Any]) -> Article:
    if not isinstance(text, str):
        raise ValueError(f"the text is {type(text).__name__}, not a string")
    if "\0" in text:
        raise ValueError("the text holds NUL bytes: is it a text file?")
    if (at := lone_surrogate(text)) is not None:
        raise ValueError(f"the text is not valid Unicode at character {at}")
    if lone_surrogate(json.dumps([identifier, meta], ensure_ascii=False)) is not None:
        raise ValueError("the id or what stands beside the text is not valid Unicode")
    return Article(identifier, text, dict(meta))

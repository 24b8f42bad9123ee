"""JSON lines: ``{"id": ..., "text": ..., "meta": {...}}``; id and meta may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from conflict_events.articles.files import STDIN, File
from conflict_events.articles.records import Article, BadRecord, Columns, Record, article, decoded, shown
from conflict_events.errors import InputError


def read(file: File, columns: Columns) -> Iterator[Record]:
    """The article of each line that is not blank.

    Raises:
        InputError: if the file is empty.
    """
    number = 0
    with file.open() as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                yield _article(decoded(line), f"{file.name}:{number}", columns)
            except (ValueError, RecursionError) as error:  # json's and UTF-8's errors are ValueErrors, too
                yield BadRecord(f"{file.where}:{number}", str(error), shown(line))
    if not number and file.path != STDIN:
        raise InputError("the file is empty", where=file.where)


def _article(line: str, otherwise: str, columns: Columns) -> Article:
    record: Any = json.loads(line, parse_constant=_no_constant)
    if not isinstance(record, dict):
        raise ValueError(f"the line is a JSON {type(record).__name__}, not an object")
    if columns.text not in record:
        raise ValueError(f"there is no key {columns.text!r}")
    meta = record.get("meta") or {}
    if not isinstance(meta, dict):
        raise ValueError("'meta' is not an object")
    return article(record.get(columns.id), otherwise, record[columns.text], meta)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

"""CSV with a header; columns other than text and id become meta. Quotes are as RFC 4180 wants them.

A quote that is never closed swallows the rows after it. Such a row is given up at its first line, and the lines after
it are read anew, so that one broken quote costs one row; unless a later row has a stray quote, too, which closes it.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from conflict_events.articles.files import File
from conflict_events.articles.records import BadRecord, Columns, Record, article, check_columns
from conflict_events.errors import InputError
from conflict_events.schema import lone_surrogate

_SEPARATORS = {";": "semicolons", "\t": "tabs"}
_LONGEST_ROW = 1 << 26  # characters: longer rows are rows whose quote was not closed


def read(file: File, columns: Columns) -> Iterator[Record]:
    """The article of each row that is not blank.

    Raises:
        InputError: if the file is empty or lacks the text column.
    """
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # the default of 128 KiB is less than a long report
    with file.open() as stream:
        # Bytes that are not UTF-8 become lone surrogates, by which their row is recognised.
        lines = _Lines(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline=""))
        try:
            header = next(csv.reader(lines, strict=True), None)
        except csv.Error as error:
            raise InputError(f"the quotes of the header are not right ({error})", where=file.where) from None
        if not header:
            raise InputError("the file is empty", where=file.where)
        _check(header, file.where, columns)
        while (line := lines.begin()) is not None:
            cells: list[str] = []
            try:
                cells = next(csv.reader(lines, strict=True))
                if not cells:
                    continue  # a blank line
                if len(cells) != len(header):
                    raise ValueError(f"the row has {len(cells)} cells, the header {len(header)}")
                meta = dict(zip(header, cells, strict=True))
                text = meta.pop(columns.text)
                yield article(meta.pop(columns.id, None), f"{file.name}:{line}", text, meta)
            except csv.Error as error:
                broken = lines.give_up()
                yield BadRecord(f"{file.where}:{line}", f"the quotes are not right ({error})", _shown(broken))
            except ValueError as error:
                yield BadRecord(f"{file.where}:{line}", str(error), [_shown(cell) for cell in cells])


def _check(header: list[str], where: str, columns: Columns) -> None:
    if any("\0" in name or lone_surrogate(name) is not None for name in header):
        raise InputError("the header is not UTF-8", where=where, remedy='save it anew as "CSV UTF-8"')
    other = next((name for sign, name in _SEPARATORS.items() if len(header) == 1 and sign in header[0]), None)
    if other and columns.text not in header:
        raise InputError(
            f"there is no column {columns.text!r}: the cells stand apart by {other}",
            where=where,
            remedy="save it anew with commas between cells",
        )
    check_columns(header, where, columns)
    if twice := sorted({name for name in header if name in (columns.text, columns.id) and header.count(name) > 1}):
        raise InputError(f"there are several columns {twice[0]!r}", where=where, remedy="rename all but one")


class _Lines:
    """The lines of a file, those of the row in work kept, so that they can be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._length = 0
        self._number = 0  # of lines that were handed out

    def begin(self) -> int | None:
        """Begin a row: the number of its first line; None at the end of the file."""
        self._row, self._length = [], 0
        if not self._again:
            line = self._file.readline()
            if not line:
                return None
            self._again.append(line)
        return self._number + 1

    def give_up(self) -> str:
        """Take back the lines of the row but the first, which is returned."""
        first, *others = self._row
        self._again.extendleft(reversed(others))
        self._number -= len(others)
        return first.rstrip("\r\n")

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._file.readline()
        if not line:
            raise StopIteration
        self._number += 1
        self._row.append(line)
        self._length += len(line)
        if self._length > _LONGEST_ROW:
            raise csv.Error(f"a row of more than {_LONGEST_ROW} characters")
        return line


def _shown(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")

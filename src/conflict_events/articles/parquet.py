"""Parquet: a row an article; columns other than text and id become meta.

Read in small batches, not as a whole. Where rows are damaged, reading goes on with the next row group.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conflict_events.articles.files import File
from conflict_events.articles.records import BadRecord, Columns, Record, article, check_columns
from conflict_events.errors import InputError

_ROWS = 64


def read(file: File, columns: Columns) -> Iterator[Record]:
    """The article of each row.

    Raises:
        InputError: if it is no Parquet file, lacks the text column, or pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError(
            "Parquet needs pyarrow", where=file.where, remedy="install it (pip install pyarrow), or give .csv or .jsonl"
        ) from None
    try:
        table = parquet.ParquetFile(file.path, buffer_size=1 << 20)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"this is no Parquet file ({error})", where=file.where) from None
    with table:
        names = table.schema_arrow.names
        check_columns(names, file.where, columns)
        size, number, rows = Path(file.path).stat().st_size, 0, max(table.metadata.num_rows, 1)
        file.position = lambda: size * number // rows
        for group in range(table.num_row_groups):
            end = number + table.metadata.row_group(group).num_rows
            try:
                for batch in table.iter_batches(_ROWS, row_groups=[group], use_threads=False):
                    for index in range(batch.num_rows):
                        number += 1
                        yield _record(batch, index, file, number, columns)
            except (pyarrow.ArrowException, OSError) as error:
                yield BadRecord(f"{file.where}:{number + 1}", f"rows {number + 1} to {end} cannot be read ({error})")
                number = end


def _record(batch: Any, index: int, file: File, number: int, columns: Columns) -> Record:
    cells: dict[str, Any] = {}
    try:
        # Cell by cell: text that is not UTF-8 is found only here, and is the fault of its own row alone.
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            cells[name] = column[index].as_py()
        text, given = cells.pop(columns.text), cells.pop(columns.id, None)
        meta = {name: _plain(value) for name, value in cells.items()}
        return article(given, f"{file.name}:{number}", text, meta)
    except (ValueError, OverflowError) as error:  # the latter: a time that Python has none for
        return BadRecord(f"{file.where}:{number}", str(error), json.loads(json.dumps(_plain(cells))))


def _plain(value: Any) -> Any:
    """A value as JSON has it: times and decimals as text, no numbers that are none."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, str | int | bool) else str(value)

"""The score tables of README and model card, made from the ``metrics.json`` of committed results.

A page marks where a table stands::

    <!-- results:NAME -->
    ...
    <!-- /results -->

``tables.json`` in the folder of results says what stands there::

    {"pages": ["README.md", "MODEL_CARD.md"],
     "tables": {"NAME": {
         "head": ["trained on", "tested on"],
         "columns": {"roles": "scores.roles", "linked": "events.exact.linked", "types": "events.exact.type_accuracy"},
         "show": {"roles": "interval"},
         "rows": [{"cells": ["own", "own test ({documents})"], "metrics": "own-on-own.json"}]}}}

``columns`` maps a heading to a path in the metrics. A score shows as its F1, any other fraction as it is, both in
percent; a column may show more (``show``), see :mod:`conflict_events.reports.cells`. What a file does not have shows as
a dash. In ``cells``, ``{key}`` is a value of the metrics.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conflict_events.corpora.reading import parse_line
from conflict_events.errors import ConflictEventsError, DataError, InputError
from conflict_events.evaluation.records import read_metrics
from conflict_events.reports.cells import SHOWN, cell, look_up, markdown_table

DEFINITIONS = "tables.json"
_MARKED = re.compile(
    r"(?P<begin>^<!-- results:(?P<name>[^\s>]+) -->\n)(?P<table>.*?)(?P<end>^<!-- /results -->$)", re.M | re.S
)
_MARK = re.compile(r"<!-- /?results")
_KEYS = {"head", "columns", "show", "rows"}


@dataclass(frozen=True)
class Tables:
    """Tables by name, as Markdown, and the pages that they stand in."""

    pages: tuple[Path, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path, root: Path = Path()) -> Tables:
        """The tables of a folder of results.

        Args:
            folder: with ``tables.json`` and the metrics that it names.
            root: of the pages' paths.

        Raises:
            InputError: if the folder has no ``tables.json``, or a file of metrics is missing.
            DataError: if a definition is malformed.
        """
        path = folder / DEFINITIONS
        if not path.is_file():
            raise InputError("there are no definitions of tables", where=str(path), remedy="check tables=")
        given = parse_line(str(path), path.read_bytes())
        pages, tables = given.get("pages"), given.get("tables")
        if not isinstance(pages, list) or not isinstance(tables, dict):
            raise DataError('the file needs a list "pages" and an object "tables"', where=str(path))
        made = {}
        for name, definition in tables.items():
            try:
                made[name] = _table(definition, folder)
            except ConflictEventsError as error:
                raise error.at(f"{path}: table {name!r}") from None
        return cls(tuple(root / page for page in pages), made)

    def fill(self, text: str, where: str) -> str:
        """A page with its tables.

        Raises:
            DataError: if a table is not defined, or a mark has no counterpart.
        """

        def filled(match: re.Match[str]) -> str:
            if match["name"] not in self.tables:
                raise DataError(
                    f"there is no table {match['name']!r}",
                    where=where,
                    remedy=f"define it in {DEFINITIONS}; there are: {', '.join(self.tables) or 'none'}",
                )
            return f"{match['begin']}{self.tables[match['name']]}{match['end']}"

        marks, whole = len(_MARK.findall(text)), len(_MARKED.findall(text))
        if marks != 2 * whole:
            raise DataError(
                f"{marks} marks of results make {whole} tables",
                where=where,
                remedy="put <!-- results:NAME --> and <!-- /results --> on lines of their own around each table",
            )
        return _MARKED.sub(filled, text)


def write_tables(folder: Path, root: Path = Path()) -> list[Path]:
    """Bring the tables of all pages up to date, and return the pages that changed.

    Raises:
        InputError: if a file is missing.
        DataError: if a definition is malformed, or a page has a mark without a table.
    """
    tables = Tables.read(folder, root)
    changed = []
    for page in tables.pages:
        if not page.is_file():
            raise InputError("there is no such page", where=str(page), remedy=f"correct pages in {DEFINITIONS}")
        before = page.read_bytes().decode("utf-8")
        after = tables.fill(before, str(page))
        if after != before:
            page.write_bytes(after.encode("utf-8"))
            changed.append(page)
    return changed


def _table(definition: Any, folder: Path) -> str:
    if not isinstance(definition, dict) or not {"head", "columns", "rows"} <= definition.keys() <= _KEYS:
        raise DataError("the table needs head, columns and rows, and may have show", remedy=f"see {__name__}")
    columns: dict[str, str] = definition["columns"]
    show: dict[str, str] = definition.get("show", {})
    for column, how in show.items():
        if column not in columns or how not in SHOWN:
            raise DataError(
                f"show has {column!r}: {how!r}",
                remedy=f"show one of {', '.join(SHOWN)} in one of the columns {', '.join(columns)}",
            )
    rows = []
    for row in definition["rows"]:
        try:
            cells, metrics = row["cells"], read_metrics(folder / row["metrics"])
            told = [given.format_map(metrics) for given in cells]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, ConflictEventsError):
                raise
            raise DataError(f"row {row} is malformed ({error!r})", remedy="give cells and metrics") from None
        if len(told) != len(definition["head"]):
            raise DataError(f"row {cells} does not have a cell for each of {definition['head']}")
        rows.append(
            [*told, *(cell(look_up(metrics, path), show.get(column, "f1")) for column, path in columns.items())]
        )
    return markdown_table([*definition["head"], *columns], rows)

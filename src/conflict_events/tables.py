"""Events as a table: one row an event, for pandas, R and spreadsheets.

An event may have several attackers, targets, locations and weapons. In Parquet such a column is a list. In CSV the
values of a cell stand in text order with `` | `` between them; a ``|`` or a backslash that belongs to a value has a
backslash before it, and a text cell that begins with ``=``, ``+``, ``-``, ``@``, a tab, a carriage return or an
apostrophe gets an apostrophe in front, so that no spreadsheet takes it for a formula (CWE-1236). :func:`split_cell`
undoes both. ``attacker_start``, ``attacker_end`` and ``attacker_score`` list the same spans in the same order, and so
for the other roles. Offsets are half-open characters of the article's text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from conflict_events.extraction import Extraction
from conflict_events.schema import Event, Role, Span
from conflict_events.text import SentenceIndex

BETWEEN = " | "
_PARTS = ("", "_start", "_end", "_score")
_LONGEST = 2000  # characters of a sentence beside its trigger
_SPACE = re.compile(r"\s+")
_FORMULA = tuple("=+-@\t\r'")
_SEPARATOR = re.compile(r"(?<!\\)((?:\\\\)*) \| ")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

COLUMNS = (
    "document_id", "event_id", "incident_id", "type", "type_score", "score",
    "trigger", "trigger_start", "trigger_end", "trigger_score",
    *(f"{role.value}{part}" for role in Role for part in _PARTS),
    "sentence", "sentence_start", "sentence_end", "model", "meta",
)  # fmt: skip

LISTS = frozenset(f"{role.value}{part}" for role in Role for part in _PARTS)
"""The columns that hold several values."""


def rows(text: str, extraction: Extraction, language: str = "en") -> Iterator[dict[str, Any]]:
    """The rows of an article's events, roles as lists.

    ``sentence`` is the one that holds the trigger, of a very long one what is near; ``incident_id`` is empty unless
    mentions were grouped; ``meta`` is JSON.

    Args:
        text: of the article.
        extraction: what was found in it.
        language: for sentence boundaries.
    """
    if not extraction.events:
        return
    sentences = SentenceIndex(text, language)
    meta = json.dumps(dict(extraction.meta), ensure_ascii=False)
    incident_of = {
        event: f"I{number}"
        for number, incident in enumerate(extraction.incidents or (), start=1)
        for event in incident.numbers
    }
    for number, event in enumerate(extraction.events, start=1):
        start, end = _sentence(text, sentences, event.trigger)
        yield {
            "document_id": extraction.id,
            "event_id": f"E{number}",
            "incident_id": incident_of.get(number - 1),
            "type": event.type.value,
            "type_score": _rounded(event.type_score),
            "score": _rounded(event.score),
            **dict(zip((f"trigger{part}" for part in _PARTS), _parts(event.trigger), strict=True)),
            **_arguments(event),
            "sentence": text[start:end],
            "sentence_start": start,
            "sentence_end": end,
            "model": extraction.model,
            "meta": meta,
        }


def _sentence(text: str, sentences: SentenceIndex, trigger: Span) -> tuple[int, int]:
    """Offsets of a trigger's sentence. Text without full stops is one sentence, which every event would repeat."""
    start, end = sentences.bounds[sentences.number(trigger.start)]
    first, last = trigger.start - _LONGEST // 2, trigger.end + _LONGEST // 2
    if start < first:
        gap = _SPACE.search(text, first, trigger.start)
        start = gap.end() if gap else first
    if end > last:
        space = text.rfind(" ", trigger.end, last)
        end = space if space >= 0 else last
    return _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """The same offsets without the white space at both ends."""
    first = end - len(text[start:end].lstrip())
    return first, max(first, start + len(text[start:end].rstrip()))


def _parts(span: Span) -> tuple[str, int, int, float | None]:
    return span.text, span.start, span.end, _rounded(span.score)


def _arguments(event: Event) -> dict[str, list[Any]]:
    cells: dict[str, list[Any]] = {}
    for role in Role:
        columns = list(zip(*map(_parts, event.by_role(role)), strict=True)) or [()] * len(_PARTS)
        cells |= {f"{role.value}{part}": list(column) for part, column in zip(_PARTS, columns, strict=True)}
    return cells


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 4)


def flat(row: Mapping[str, Any]) -> dict[str, str]:
    """A row for CSV: every cell a string, lists joined, missing values empty."""
    return {column: _cell(row[column]) for column in COLUMNS}


def _cell(value: Any) -> str:
    if isinstance(value, list):
        joined = BETWEEN.join(_escape(str("" if item is None else item)) for item in value)
        return _harmless(joined) if any(isinstance(item, str) for item in value) else joined
    if isinstance(value, str):
        return _harmless(value)
    return "" if value is None else str(value)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def split_cell(cell: str) -> list[str]:
    """The values of a CSV cell with several values; an empty cell has none."""
    cell = cell.removeprefix("'")
    if not cell:
        return []
    values, start = [], 0
    for match in _SEPARATOR.finditer(cell):
        values.append(cell[start : match.start() + len(match[1])])
        start = match.end()
    return [_ESCAPED.sub(r"\1", value) for value in (*values, cell[start:])]

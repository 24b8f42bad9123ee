"""The project's own JSONL: one annotated document a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conflict_events.corpora.reading import Log, Reading, read_records
from conflict_events.schema import Document

SUFFIX = ".jsonl"
_KEYS = {"id", "text", "layers", "spans", "events", "meta"}
_OF_EVENTS = ("type", "trigger")


def read(path: Path, log: Log) -> Reading:
    """The documents of a file; see :meth:`conflict_events.schema.Document.from_record`.

    A label map renames or drops the roles of spans, and the types and roles of events. Keys that no record has are
    told of as left out: annotation may stand under a misspelt one.
    """
    return read_records(path, lambda record, where: _read(record, where, log))


def _read(record: dict[str, Any], where: str, log: Log) -> Document:
    document = Document.from_record(_mapped(record, log))
    if unknown := sorted(record.keys() - _KEYS):
        log.leave_out(where, f"{', '.join(map(repr, unknown))}: a record has only {', '.join(sorted(_KEYS))}")
    return document


def _mapped(record: dict[str, Any], log: Log) -> dict[str, Any]:
    """The record in our labels; what is malformed stays, to be told of."""
    if not log.label_map:
        return record
    changed = {}
    for key, label in (("spans", "role"), ("events", "type")):
        if isinstance(items := record.get(key), list):
            renamed = (_renamed(item, label, log) for item in items)
            changed[key] = [item for item in renamed if item is not None]
    return record | changed


def _renamed(item: Any, label: str, log: Log) -> Any:
    """A span or an event in our labels; None if its own is dropped."""
    if not isinstance(item, dict) or not isinstance(item.get(label), str):
        return item
    if (ours := log.label(item[label])) is None:
        return None
    if label == "type":
        roles = {name: name if name in _OF_EVENTS else log.label(name) for name in item}
        item = {role: item[name] for name, role in roles.items() if role is not None}
    return item | {label: ours}


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write documents as annotated records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(document.to_record(), ensure_ascii=False) + "\n")

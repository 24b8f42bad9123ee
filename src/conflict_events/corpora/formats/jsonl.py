"""The project's own JSONL: one annotated document a line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from conflict_events.corpora.reading import Log, Reading, read_records
from conflict_events.schema import Document

SUFFIX = ".jsonl"


def read(path: Path, _log: Log) -> Reading:
    """The documents of a file; see :meth:`conflict_events.schema.Document.from_record`."""
    return read_records(path, lambda record, _where: Document.from_record(record))


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write documents as annotated records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(document.to_record(), ensure_ascii=False) + "\n")

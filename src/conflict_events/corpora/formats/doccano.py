"""doccano JSONL, sequence labelling with or without relations.

Format: https://doccano.github.io/doccano/tutorial/ and the exports of doccano 1.8: ``entities`` with ``start_offset``
and ``end_offset``, ``relations`` with ``from_id`` and ``to_id``; without relations, ``label`` (or ``labels``) holds
``[start, end, label]``. Offsets are half-open and count characters.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conflict_events.corpora.formats.graph import Link, Region, from_graph, to_graph
from conflict_events.corpora.reading import Log, Reading, carried, read_records
from conflict_events.errors import DataError
from conflict_events.schema import Document

SUFFIX = ".jsonl"
_KEYS = {"id", "text", "label", "labels", "entities", "relations", "layers", "meta", "doc_id"}


def read(path: Path, log: Log) -> Reading:
    """The documents of an export."""
    return read_records(path, lambda record, where: _read(record, where, log))


def _read(record: dict[str, Any], where: str, log: Log) -> Document:
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError("the record has no 'text'", remedy="export with the text column named 'text'")
    try:
        if "entities" in record:
            regions = [
                Region(str(entity["id"]), entity["label"], entity["start_offset"], entity["end_offset"])
                for entity in record["entities"]
            ]
        else:
            triples = record.get("label", record.get("labels", ()))
            regions = [Region(str(n), label, start, end) for n, (start, end, label) in enumerate(triples)]
        links = [Link(str(r["from_id"]), str(r["to_id"]), r["type"]) for r in record.get("relations", ())]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the annotation is not doccano's ({error!r})",
            remedy="each label is [start, end, name], or an entity with id, label, start_offset and end_offset",
        ) from None
    # doccano counts from 0
    identifier = next((str(i) for i in (record.get("doc_id"), record.get("id")) if i not in (None, "")), where)
    beside = carried(record.get("layers"), record.get("meta"), {k: v for k, v in record.items() if k not in _KEYS})
    return from_graph(identifier, text, regions, links, log, where, **beside)


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write records with entities and relations; doccano keeps the other keys as metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        entity_id = relation_id = 0
        for number, document in enumerate(documents, start=1):
            regions, links = to_graph(document)
            ids = {region.id: entity_id + n for n, region in enumerate(regions, start=1)}
            record = {
                "id": number,
                "text": document.text,
                "entities": [
                    {"id": ids[r.id], "label": r.label, "start_offset": r.start, "end_offset": r.end} for r in regions
                ],
                "relations": [
                    {"id": relation_id + n, "from_id": ids[link.head], "to_id": ids[link.tail], "type": link.label}
                    for n, link in enumerate(links, start=1)
                ],
                "doc_id": document.id,
                "layers": sorted(document.layers),
                "meta": dict(document.meta),
            }
            entity_id += len(regions)
            relation_id += len(links)
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

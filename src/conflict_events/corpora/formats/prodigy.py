"""Prodigy JSONL: ``spans`` and ``relations`` over ``tokens``.

Format: https://prodi.gy/docs/api-interfaces (``spans``, ``relations``). ``start`` and ``end`` are half-open character
offsets; ``token_end`` is the last token, included; a relation's ``head`` and ``child`` are token numbers, and
``head_span`` and ``child_span`` the regions themselves. Only records with the answer ``accept`` are taken over. The
id is that of the record, or of its ``meta``, or else its ``_task_hash``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conflict_events.corpora.formats.conll import words
from conflict_events.corpora.formats.graph import Link, Region, from_graph, to_graph
from conflict_events.corpora.reading import Log, Reading, carried, read_records
from conflict_events.errors import DataError
from conflict_events.schema import Document

SUFFIX = ".jsonl"


def read(path: Path, log: Log) -> Reading:
    """The documents of an export (``prodigy db-out``)."""
    return read_records(path, lambda record, where: _read(record, where, log))


def _read(record: dict[str, Any], where: str, log: Log) -> Document | None:
    if record.get("answer", "accept") != "accept":
        log.leave_out(where, f"the answer is {record['answer']!r}")
        return None
    text = record.get("text")
    if not isinstance(text, str):
        raise DataError("the record has no 'text'", remedy="export a dataset of texts")
    regions: dict[tuple[int, int, str, int], Region] = {}

    def region(span: Mapping[str, Any]) -> Region:
        # Two events may have the same trigger and type: what tells them apart is "event".
        key = (span["start"], span["end"], span.get("label") or "", span.get("event", 0))
        return regions.setdefault(key, Region(f"T{len(regions)}", key[2], key[0], key[1]))

    def end(relation: Mapping[str, Any], which: str) -> Region:
        if f"{which}_span" in relation:
            return region(relation[f"{which}_span"])
        if relation[which] < 0:
            raise IndexError(f"there is no token {relation[which]}")
        token = record["tokens"][relation[which]]
        holding = [r for r in regions.values() if r.start <= token["start"] and token["end"] <= r.end]
        if not holding:
            raise DataError(f"a relation's {which} is token {relation[which]}, which no span holds")
        return min(holding, key=lambda r: r.end - r.start)

    try:
        for span in record.get("spans") or ():
            region(span)
        links = [
            Link(end(relation, "head").id, end(relation, "child").id, relation.get("label") or "")
            for relation in record.get("relations") or ()
        ]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise DataError(
            f"the annotation is not Prodigy's ({error!r})", remedy="spans need start, end and label"
        ) from None
    beside = carried(record.get("layers"), record.get("meta"))
    identifier = record["id"] if "id" in record else beside["meta"].pop("id", record.get("_task_hash"))
    identifier = where if identifier in (None, "") else str(identifier)
    return from_graph(identifier, text, list(regions.values()), links, log, where, **beside)


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write accepted records, ready for ``db-in`` or as a source of ``rel.manual``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(_record(document), ensure_ascii=False) + "\n")


def _record(document: Document) -> dict[str, Any]:
    regions, links = to_graph(document)
    bounds = {edge for region in regions for edge in (region.start, region.end)}
    pieces = words(document.text, bounds)
    first = {start: number for number, (start, _) in enumerate(pieces)}
    last = {end: number for number, (_, end) in enumerate(pieces)}
    seen: dict[tuple[int, int, str], int] = {}
    spans: dict[str, dict[str, Any]] = {}
    for region in regions:
        key = (region.start, region.end, region.label)
        spans[region.id] = {
            "start": region.start, "end": region.end, "token_start": first.get(region.start),
            "token_end": last.get(region.end), "label": region.label,
        }  # fmt: skip
        if seen.setdefault(key, 0):
            spans[region.id]["event"] = seen[key]
        seen[key] += 1
    return {
        "text": document.text,
        "tokens": [
            {"text": document.text[start:end], "start": start, "end": end, "id": number,
             "ws": document.text[end : end + 1] == " "}
            for number, (start, end) in enumerate(pieces)
        ],
        "spans": list(spans.values()),
        "relations": [
            {"head": spans[link.head]["token_end"], "child": spans[link.tail]["token_end"], "label": link.label,
             "head_span": spans[link.head], "child_span": spans[link.tail]}
            for link in links
        ],
        "answer": "accept",
        "id": document.id,
        "layers": sorted(document.layers),
        "meta": dict(document.meta),
    }  # fmt: skip

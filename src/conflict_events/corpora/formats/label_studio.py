"""Label Studio JSON: a list of tasks, each with its text under ``data`` and its annotations' ``result``.

Format: https://labelstud.io/guide/task_format, and the ``Labels`` and ``Relations`` tags. Offsets are half-open and
count characters; versions before October 2021 counted UTF-16 units (issues 1008 and 1347 of HumanSignal/label-studio),
which is recognised by the texts that stand beside the offsets.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conflict_events.corpora.formats.graph import Link, Region, from_graph, to_graph
from conflict_events.corpora.reading import Log, Reading, attempt, carried, decoded
from conflict_events.errors import DataError
from conflict_events.schema import Document, EventType

SUFFIX = ".json"
CONTROL, TEXT = "label", "text"
"""Names of the ``Labels`` and the ``Text`` tag in the labelling configuration."""


def read(path: Path, log: Log) -> Reading:
    """The documents of an export; of several annotations of a task the first that is not cancelled counts."""
    try:
        tasks = json.loads(decoded(path))
    except DataError as error:
        yield str(path), error
        return
    except (ValueError, RecursionError) as error:
        yield str(path), DataError(f"not JSON ({error})", where=str(path), remedy="export the project as JSON")
        return
    if not isinstance(tasks, list):
        yield str(path), DataError("the file is no list of tasks", where=str(path), remedy="export the project as JSON")
        return
    for number, task in enumerate(tasks, start=1):
        name = task.get("id", number) if isinstance(task, dict) else number
        where = f"{path}: task {name}"
        if (item := attempt(where, lambda t=task, w=where: _read(t, w, log))) is not None:  # type: ignore[misc]
            yield where, item


def _read(task: Any, where: str, log: Log) -> Document | None:
    try:
        data = task["data"]
        text = data[TEXT]
        given = task.get("annotations", task.get("completions", ()))  # as versions before 1.0 called them
        annotations = [a for a in given if not a.get("was_cancelled")]
        if not isinstance(text, str):
            raise TypeError
    except (KeyError, TypeError, AttributeError):
        raise DataError(
            f"the task has no text under data.{TEXT}", remedy=f"the configuration needs <Text value='${TEXT}'/>"
        ) from None
    if not annotations:
        log.leave_out(where, "the task is not annotated")
        return None
    for other in annotations[1:]:
        log.leave_out(where, f"annotation {other.get('id')!r}: another one of the same task came first")
    try:
        regions, links = _graph(annotations[0].get("result") or (), log, where)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"the annotation is not Label Studio's ({error!r})",
            remedy="a region needs id, start, end and a list of labels, a relation from_id and to_id",
        ) from None
    identifier = next((str(i) for i in (data.get("id"), task.get("id")) if i not in (None, "")), "")
    others = {key: value for key, value in data.items() if key not in (TEXT, "id", "layers", "meta")}
    beside = carried(data.get("layers"), data.get("meta"), others)
    return from_graph(identifier, text, _as_characters(regions, text), links, log, where, **beside)


def _graph(results: Iterable[Any], log: Log, where: str) -> tuple[list[tuple[Region, Any]], list[Link]]:
    """Regions, each with the text that stands beside it, and links.

    A region with several labels becomes as many regions; a relation then leads from those that are triggers, to the
    one with its own label or else the first.
    """
    regions: list[tuple[Region, Any]] = []
    relations: list[tuple[str, str, str]] = []
    labels: dict[str, list[str]] = defaultdict(list)
    for result in results:
        kind = result.get("type")
        if kind == "labels":
            value, identifier = result["value"], result["id"]
            if not isinstance(value["labels"], list):
                raise TypeError("labels are no list")
            if not value["labels"]:
                log.leave_out(where, f"region {identifier!r}: it has no label")
            for label in value["labels"]:
                region = Region(f"{identifier}:{label}", label, value["start"], value["end"])
                regions.append((region, value.get("text")))
                labels[identifier].append(label)
        elif kind == "relation":
            ends = (result["from_id"], result["to_id"])
            if result.get("direction") == "left":
                ends = ends[::-1]
            relations += [(*ends, label) for label in result.get("labels") or [""]]
        else:
            log.leave_out(where, f"a result of type {kind!r}")
    links: list[Link] = []
    for head, tail, name in relations:
        for end in (head, tail):
            if end not in labels:
                raise DataError(f"a relation {name!r} leads to region {end!r}, which there is not")
        heads = [label for label in labels[head] if log.label(label) in set(EventType)] or labels[head][:1]
        tails = [label for label in labels[tail] if name and log.label(label) == log.label(name)] or labels[tail]
        links += [Link(f"{head}:{label}", f"{tail}:{tails[0]}", name) for label in heads]
    return regions, links


def _as_characters(regions: list[tuple[Region, Any]], text: str) -> list[Region]:
    """Regions with offsets in characters.

    Raises:
        DataError: if the text beside an offset is that of neither way of counting.
    """

    def agree(candidates: Iterable[tuple[Region, Any]]) -> bool:
        return all(shown is None or text[r.start : r.end].split() == str(shown).split() for r, shown in candidates)

    for region, _ in regions:
        if type(region.start) is not int or type(region.end) is not int:
            raise DataError(f"offsets {region.start!r} and {region.end!r} are no integers")
    if agree(regions):
        return [region for region, _ in regions]
    index = {0: 0}
    units = 0
    for number, character in enumerate(text, start=1):
        units += 1 + (character > "\uffff")
        index[units] = number
    converted = [(Region(r.id, r.label, index.get(r.start, -1), index.get(r.end, -1)), shown) for r, shown in regions]
    if agree(converted):
        return [region for region, _ in converted]
    wrong, shown = next((r, s) for r, s in regions if not agree([(r, s)]))
    there = text[wrong.start : wrong.end]
    raise DataError(
        f"region {wrong.label} [{wrong.start}, {wrong.end}) says {shown!r}, the text has {there!r}",
        remedy="the text was changed after it was annotated, or is shown with other white space",
    )


def write(path: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write tasks with one annotation each, ready for import."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tasks = [_task(number, document) for number, document in enumerate(documents, start=1)]
    path.write_bytes((json.dumps(tasks, ensure_ascii=False, indent=1) + "\n").encode())


def _task(number: int, document: Document) -> dict[str, Any]:
    regions, links = to_graph(document)
    tags = {"from_name": CONTROL, "to_name": TEXT}
    result: list[Mapping[str, Any]] = [
        {"id": region.id, **tags, "type": "labels",
         "value": {"start": region.start, "end": region.end, "text": document.text[region.start : region.end],
                   "labels": [region.label]}}
        for region in regions
    ]  # fmt: skip
    result += [
        {"type": "relation", "from_id": link.head, "to_id": link.tail, "direction": "right", "labels": [link.label]}
        for link in links
    ]
    data = {"text": document.text, "id": document.id, "layers": sorted(document.layers), "meta": dict(document.meta)}
    return {"id": number, "data": data, "annotations": [{"result": result}]}

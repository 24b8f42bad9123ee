r"""brat stand-off: ``NAME.txt`` and ``NAME.ann`` for each document, a folder a split.

Format: https://brat.nlplab.org/standoff.html. Offsets are half-open and count characters. ``T`` lines are regions, an
``E`` line is an event: ``E1<TAB>air_strike:T2 attacker:T1 target:T3 target2:T4``. A region that runs over a line break
is written in fragments (``0 5;6 9``), as brat wants it. Ids, layers and meta, for which brat has no place, stand in
``documents.jsonl`` beside the files; without it, the file name is the id.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conflict_events.corpora.formats.graph import Link, Region, from_graph, spaced, to_graph
from conflict_events.corpora.reading import Log, Reading, carried, decoded, lines, parse_line
from conflict_events.errors import ConflictEventsError, DataError, SourceError
from conflict_events.schema import Document, EventType

SUFFIX = ""
_SIDECAR = "documents.jsonl"
_LINE_BREAKS = re.compile(r"[\r\n]+")
_LINE_BREAK = re.compile(r"[\r\n]")
_NUMBER = re.compile(r"(?<=\D)\d+\Z")  # target2: the second argument in a role
_UNSAFE = re.compile(r"[^\w-]")


def read(folder: Path, log: Log) -> Reading:
    """The documents of a folder, in the order of the file names."""
    beside: dict[str, dict[str, Any]] = {}
    for where, line in lines(folder / _SIDECAR) if (folder / _SIDECAR).is_file() else ():
        try:
            record = parse_line(where, line)
            beside[record["file"]] = record
        except DataError as error:
            yield where, error
        except (KeyError, TypeError):
            yield where, DataError("the record names no 'file'", where=where)
    for path in sorted(folder.glob("*.txt")):
        ann = path.with_suffix(".ann")
        if not ann.is_file():
            remedy = "an empty one says that there is nothing to annotate"
            yield str(path), DataError("there is no .ann file to it", where=str(path), remedy=remedy)
            continue
        try:
            yield str(ann), _read(path, ann, beside.get(path.stem, {}), log)
        except ConflictEventsError as error:
            yield str(ann), error
    for ann in sorted(folder.glob("*.ann")):
        if not ann.with_suffix(".txt").is_file():
            yield str(ann), DataError("there is no .txt file to it", where=str(ann), remedy="put the text beside it")
    if not (folder / _SIDECAR).is_file() and not [*folder.glob("*.txt"), *folder.glob("*.ann")]:
        wanted = "there are no .txt and .ann files"
        yield str(folder), SourceError(wanted, where=str(folder), remedy="check corpus.path; subfolders are not read")


def _read(path: Path, ann: Path, beside: Mapping[str, Any], log: Log) -> Document:
    text = decoded(path)
    if path.read_bytes().startswith(codecs.BOM_UTF8):
        text = "\ufeff" + text  # brat counts it as a character
    regions: dict[str, Region] = {}
    heads: dict[str, tuple[str, str, str]] = {}  # event: its type, its trigger's region, its line
    links: list[Link] = []
    for number, line in enumerate(decoded(ann).split("\n"), start=1):
        where, line = f"{ann}:{number}", line.removesuffix("\r")
        identifier, _, rest = line.partition("\t")
        if identifier in regions or identifier in heads:
            raise DataError(f"{identifier} stands twice", where=where, remedy="number the annotations anew")
        try:
            if identifier.startswith("T"):
                regions[identifier] = _region(identifier, rest, text)
            elif identifier.startswith("E"):
                (kind, trigger), *arguments = (part.split(":") for part in rest.split())
                heads[identifier] = (kind, trigger, where)
                links += [
                    Link(identifier, tail, role if role in log.label_map else _NUMBER.sub("", role))
                    for role, tail in arguments
                ]
            elif identifier.startswith("R"):
                role, head, tail = rest.split()
                links.append(Link(head.partition(":")[2], tail.partition(":")[2], role))
            elif line.strip():
                kinds = "text-bound annotations (T), events (E) and relations (R)"
                log.leave_out(where, f"{line!r}: {kinds} are taken over, no others")
        except DataError as error:
            raise error.at(where) from None
        except ValueError:
            raise DataError(f"{line!r} is no brat annotation", where=where) from None
    for identifier, (kind, trigger, where) in heads.items():  # two events may have the same trigger
        if trigger not in regions or trigger in heads:
            raise DataError(f"event {identifier} has trigger {trigger!r}, which is no region", where=where)
        regions[identifier] = Region(identifier, kind, regions[trigger].start, regions[trigger].end)
    triggers = {trigger: identifier for identifier, (_, trigger, _) in heads.items()}
    links = [Link(triggers.get(link.head, link.head), triggers.get(link.tail, link.tail), link.label) for link in links]
    kept = [region for identifier, region in regions.items() if identifier not in triggers]
    identifier = beside.get("id", path.stem)
    try:
        if not isinstance(identifier, str):
            raise DataError(f"the id {identifier!r} in {_SIDECAR} is no text")
        others = carried(beside.get("layers"), beside.get("meta"))
        return from_graph(identifier, text, kept, links, log, str(ann), **others)
    except DataError as error:
        raise error.at(str(ann)) from None


def _region(identifier: str, rest: str, text: str) -> Region:
    """``TYPE START END[;START END ...]<TAB>TEXT``."""
    head, _, shown = rest.partition("\t")
    label, _, offsets = head.partition(" ")
    pieces = [(int(start), int(end)) for start, end in (piece.split(" ") for piece in offsets.split(";"))]
    there = " ".join(text[start:end] for start, end in pieces)
    # A line of the file cannot hold line breaks: brat shows them as blanks.
    same = _LINE_BREAK.sub(" ", there) == _LINE_BREAK.sub(" ", shown)
    if any(not 0 <= start < end <= len(text) for start, end in pieces) or not same:
        raise DataError(
            f"{identifier} says {shown!r}, but at {offsets} the text has {there!r}",
            remedy="the .txt file is not the one that was annotated, or its line ends were changed",
        )
    if not spaced(pieces, text):
        raise DataError(f"{identifier} {shown!r} has gaps, which a span cannot have", remedy="annotate it as one piece")
    return Region(identifier, label, pieces[0][0], pieces[-1][1])


def write(folder: Path, documents: Iterable[Document], _log: Log | None = None) -> None:
    """Write documents, each as two files, and ``documents.jsonl``."""
    folder.mkdir(parents=True, exist_ok=True)
    names: set[str] = set()
    with (folder / _SIDECAR).open("w", encoding="utf-8", newline="\n") as sidecar:
        for number, document in enumerate(documents):
            name = _UNSAFE.sub("_", document.id)
            name = f"{name[:50]}.{number}" if len(name) > 50 or name.lower() in names else name
            names.add(name.lower())
            (folder / f"{name}.txt").write_bytes(document.text.encode())
            (folder / f"{name}.ann").write_bytes("".join(_annotations(document)).encode())
            beside = {
                "file": name, "id": document.id, "layers": sorted(document.layers), "meta": dict(document.meta)
            }  # fmt: skip
            sidecar.write(json.dumps(beside, ensure_ascii=False) + "\n")


def _annotations(document: Document) -> Iterable[str]:
    regions, links = to_graph(document)
    for region in regions:
        pieces = []
        start = region.start
        for gap in _LINE_BREAKS.finditer(document.text, region.start, region.end):
            pieces.append((start, gap.start()))
            start = gap.end()
        pieces.append((start, region.end))
        if any(s == e for s, e in pieces):  # a line break is its first or last character, which fragments would lose
            pieces = [(region.start, region.end)]
        offsets = ";".join(f"{start} {end}" for start, end in pieces)
        shown = " ".join(document.text[start:end] for start, end in pieces)
        yield f"{region.id}\t{region.label} {offsets}\t{_LINE_BREAK.sub(' ', shown)}\n"
    heads = [region for region in regions if region.label in set(EventType)]
    for number, head in enumerate(heads, start=1):
        parts = [f"{head.label}:{head.id}"]
        count: dict[str, int] = {}
        for link in links:
            if link.head == head.id:
                count[link.label] = count.get(link.label, 0) + 1
                parts.append(f"{link.label}{count[link.label] if count[link.label] > 1 else ''}:{link.tail}")
        yield f"E{number}\t{' '.join(parts)}\n"

"""What every reader shares: places, split files, lines, labels, and how what is wrong or left out is told.

A reader gives ``(where, document)`` one at a time; where a record cannot be read it gives ``(where, error)`` and goes
on, so that the caller decides whether to stop (:func:`conflict_events.corpora.load`), to leave it out, or to list it
(:func:`conflict_events.corpora.validate.validate`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.errors import ConflictEventsError, DataError, SourceError
from conflict_events.schema import ROLE_NAME, Document, Layer

SPLITS = ("train", "dev", "test")
UNDIVIDED = "all"
"""The split of a corpus that has none."""

Reading = Iterator[tuple[str, Document | ConflictEventsError]]

_ALSO = {"dev": ("dev", "valid", "validation", "val")}  # what others call it
_SUFFIXES = {".conll": (".conll", ".txt", ".iob2", ".bio")}  # what is read, where that is more than what is written
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Log:
    """How a reader turns labels into roles, and where it tells what it cannot take over.

    Attributes:
        label_map: labels of the files to roles or event types; None drops a label.
        left_out: one line for everything that stands in the files and not in the documents.
    """

    label_map: Mapping[str, str | None] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def label(self, name: str) -> str | None:
        """A file's label as a role or an event type: mapped, or else in lower case with ``_`` between words.

        Raises:
            DataError: a label that is not mapped and has no letter or digit to make a name of, or is no text.
        """
        if not isinstance(name, str):
            raise DataError(f"label {name!r} is no text")
        if name in self.label_map:
            return self.label_map[name]
        if ROLE_NAME.match(name):
            return name
        label = _NOT_IN_NAMES.sub("_", name.lower()).strip("_")
        if name and not label:
            raise DataError(f"label {name!r} has no letters a to z", remedy="map it with corpus.label_map")
        return label

    def leave_out(self, where: str, what: str) -> None:
        """Note something that no document can hold."""
        self.left_out.append(f"{where}: {what}")


def split_paths(path: Path, suffix: str) -> dict[str, list[Path]]:
    """The files of each split.

    Args:
        path: a file, or a folder with ``train``, ``dev`` and ``test`` files. ``dev`` may also be called ``valid``,
            ``validation`` or ``val``. A folder with other files only is one undivided split, ``all``.
        suffix: of the files, with the full stop; empty if each split is a folder. One undivided split is then the
            folder ``all``, or ``path`` itself. CoNLL files may also be ``.txt``, ``.iob2`` or ``.bio``: a split has
            the first of these that is there, and never two of them.

    Raises:
        SourceError: if there is nothing to read.
    """
    if path.is_file() and suffix:
        return {UNDIVIDED: [path]}
    there = Path.is_file if suffix else Path.is_dir
    suffixes = _SUFFIXES.get(suffix, (suffix,))
    found = {
        split: _first([file for name in names if there(file := path / f"{name}{end}")] for end in suffixes)
        for split, names in ((split, _ALSO.get(split, (split,))) for split in SPLITS)
    }
    if splits := {split: files for split, files in found.items() if files}:
        return splits
    if suffix:
        files = _first(sorted(path.glob(f"*{end}")) for end in suffixes)
    else:
        files = [folder for folder in (path / UNDIVIDED, path) if folder.is_dir()][:1]
    if not files:
        wanted = f"train{suffix}, dev{suffix} or test{suffix}, nor any other {suffix} file" if suffix else "folder"
        if others := suffixes[1:]:
            wanted += f" (nor {', '.join(others)})"
        raise SourceError(f"there is no {wanted}", where=str(path), remedy="check corpus.path and corpus.format")
    return {UNDIVIDED: files}


def _first(choices: Iterable[list[Path]]) -> list[Path]:
    """The first that is not empty, if any."""
    return next(filter(None, choices), [])


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """``("file:line", bytes)`` for every line that is not blank."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path}:{number}", line


def decoded(path: Path) -> str:
    """The text of a UTF-8 file, a byte-order mark taken off and line ends left as they are.

    Raises:
        DataError: naming the line of the first bytes that are not UTF-8.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"not UTF-8 ({error})", where=f"{path}:{line}", remedy="save the file as UTF-8") from None


def parse_line(where: str, line: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        DataError: for invalid UTF-8, invalid JSON, or JSON that is no object, naming ``where``.
    """
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 ({error})", where=where, remedy="save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:  # no plain JSONDecodeError: a number may have too many digits
        raise DataError(f"not JSON ({error})", where=where, remedy="write one JSON object a line") from None
    if not isinstance(record, dict):
        raise DataError(f"the line is a JSON {type(record).__name__}, not an object", where=where)
    return record


def read_records(path: Path, make: Callable[[dict[str, Any], str], Document | None]) -> Reading:
    """Documents from a JSON-lines file.

    Args:
        path: the file.
        make: turns a record and its place into a document, or into None if there is none to be had from it.
    """
    for where, line in lines(path):
        try:
            record = parse_line(where, line)
        except DataError as error:
            yield where, error
            continue
        if (item := attempt(where, lambda r=record, w=where: make(r, w))) is not None:  # type: ignore[misc]
            yield where, item


def carried(layers: Any, meta: Any, others: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``layers`` and ``meta`` of a document, as a format carries them beside the annotation.

    Args:
        layers: a list of names, or None.
        meta: an object, or None.
        others: what else stands beside the annotation; what is not empty becomes meta, too.

    Raises:
        DataError: a layer that there is not, or meta that is no object.
    """
    if layers is not None and not isinstance(layers, list):
        raise DataError(f"'layers' must be a list, not {type(layers).__name__}")
    if meta is not None and not isinstance(meta, Mapping):
        raise DataError(f"'meta' must be an object, not {type(meta).__name__}")
    try:
        kept = {key: value for key, value in (others or {}).items() if value not in (None, [], "", {})}
        return {"layers": frozenset(map(Layer, layers or ())), "meta": kept | dict(meta or {})}
    except ValueError as error:
        raise DataError(str(error), remedy=f"layers are {', '.join(Layer)}") from None


def attempt(where: str, make: Callable[[], Document | None]) -> Document | ConflictEventsError | None:
    """What ``make`` gives, or the error that it raises, with its place."""
    try:
        return make()
    except ConflictEventsError as error:
        return error.at(where)


def text_digest(text: str) -> str:
    """What two texts share if they differ in white space only."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def undeclared(document: Document, config: CorpusConfig) -> DataError | None:
    """The error of a document with a role that its corpus does not declare."""
    for span in document.spans:
        if span.role not in config.roles:
            return DataError(
                f"document {document.id!r} has role {span.role!r}, which corpus {config.name!r} does not declare",
                remedy=f"correct it, map it with corpus.label_map, or add it to corpus.roles={list(config.roles)}",
            )
    return None

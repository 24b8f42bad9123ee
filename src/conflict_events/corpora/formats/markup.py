"""Inline markup: articles with their events written into the text, for people to read and to correct.

A file is a header of ``key: value`` lines (``id`` is required, the rest is carried as meta), a line ``---``,
and the article::

    {Russian warplanes|A1 T2} {bombed|E1:air_strike} {a field hospital|T1} near {Idlib|L1}.

``{text|tags}`` marks a span. ``E1:air_strike`` makes it the trigger of event 1 and gives its type; ``A1``, ``T1``,
``L1``, ``W1`` make it attacker, target, location, weapon of event 1. A span may carry several tags and may hold other
spans. ``\\{ \\} \\| \\\\`` stand for the characters themselves. The newline that ends the file is no part of the
article.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from conflict_events.corpora.reading import Log, Reading, decoded
from conflict_events.errors import DataError
from conflict_events.schema import TRIGGER, Document, Event, Layer, Role, Span

SUFFIX = ""
_ROLE_OF = {role.value[0].upper(): role for role in Role}
_TAG = re.compile(r"(?:E([1-9]\d*):([a-z_]+)|([ATLW])([1-9]\d*))\Z")
_ESCAPED = re.compile(r"[\\{}|]")


def parse(source: str, where: str) -> Document:
    """Compile a marked-up article.

    Args:
        source: the whole file.
        where: its name, for messages.

    Raises:
        DataError: naming the line: a malformed header, tag or bracket, an event without exactly one trigger.
    """
    header, separator, body = source.partition("\n---\n")
    if not separator:
        raise DataError("there is no line '---' after the header", where=f"{where}:1")
    meta = _header(header, where)
    identifier = meta.pop("id", "")
    if not identifier:
        raise DataError("the header has no id", where=f"{where}:1", remedy="begin with a line 'id: ...'")
    text, marks = _strip(body.removesuffix("\n"), where, first_line=header.count("\n") + 3)
    triggers: dict[int, Event] = {}
    arguments: dict[int, list[Span]] = {}
    line_of: dict[int, int] = {}
    for start, end, tags, line in marks:
        for tag in tags.split() or [""]:
            match = _TAG.match(tag)
            if match is None:
                raise DataError(
                    f"tag {tag!r} is malformed", where=f"{where}:{line}", remedy="write E1:bombing, A1, T1, L1 or W1"
                )
            event, event_type, letter, argument_of = match.groups()
            number = int(event or argument_of)
            line_of.setdefault(number, line)
            try:
                if event is None:
                    arguments.setdefault(number, []).append(Span.of(text, _ROLE_OF[letter].value, start, end))
                elif number in triggers:
                    raise DataError(f"event {number} has 2 triggers", remedy="number the events anew")
                else:
                    span = Span.of(text, TRIGGER, start, end)
                    triggers[number] = Event(event_type, span)  # type: ignore[arg-type]  # it refuses others
            except DataError as error:
                raise error.at(f"{where}:{line}") from None
    for number in arguments.keys() - triggers.keys():
        raise DataError(
            f"event {number} has 0 triggers",
            where=f"{where}:{line_of[number]}",
            remedy=f"mark exactly one span with E{number}:type",
        )
    events = [replace(event, arguments=tuple(arguments.get(n, ()))) for n, event in triggers.items()]
    events.sort(key=lambda event: event.trigger)
    return Document(identifier, text, frozenset(Layer), (), tuple(events), meta)


def render(document: Document) -> str:
    """Write a document with events as markup (inverse of :func:`parse`).

    Raises:
        DataError: for what markup cannot hold: two spans that cross, role spans outside of events.
    """
    if document.role_spans:
        raise DataError("markup has no role spans outside of events", where=f"document {document.id!r}")
    tags: dict[tuple[int, int], list[str]] = {}
    for number, event in enumerate(document.events, start=1):
        tags.setdefault((event.trigger.start, event.trigger.end), []).append(f"E{number}:{event.type}")
        for span in event.arguments:
            tags.setdefault((span.start, span.end), []).append(f"{span.role[0].upper()}{number}")
    pieces: list[str] = []
    open_ends: list[tuple[int, int]] = []
    position = 0

    def copy_until(end: int) -> None:
        nonlocal position
        pieces.append(_ESCAPED.sub(r"\\\g<0>", document.text[position:end]))
        position = end

    def close_until(limit: int) -> None:
        while open_ends and open_ends[-1][1] <= limit:
            span = open_ends.pop()
            copy_until(span[1])
            pieces.append("|" + " ".join(tags[span]) + "}")

    for start, end in sorted(tags, key=lambda s: (s[0], -s[1])):
        close_until(start)
        if open_ends and open_ends[-1][1] < end:
            raise DataError(f"spans {open_ends[-1]} and {(start, end)} cross", where=f"document {document.id!r}")
        copy_until(start)
        pieces.append("{")
        open_ends.append((start, end))
    close_until(len(document.text))
    copy_until(len(document.text))
    header = "".join(f"{key}: {value}\n" for key, value in {"id": document.id, **document.meta}.items())
    return f"{header}---\n{''.join(pieces)}\n"


def read(folder: Path, _log: Log) -> Reading:
    """The articles ``*.txt`` of a folder, in the order of the file names."""
    for path in sorted(folder.glob("*.txt"), key=lambda path: path.stem):
        try:
            yield str(path), parse(decoded(path), str(path))
        except DataError as error:
            yield str(path), error


def write(folder: Path, documents: Iterable[Document], log: Log | None = None) -> None:
    """Write an article a file, named after its id; articles that markup cannot hold go to ``log``."""
    folder.mkdir(parents=True, exist_ok=True)
    for document in documents:
        try:
            rendered = render(document)
        except DataError as error:
            if log is None:
                raise
            log.leave_out(f"document {document.id!r}", error.what)
        else:
            (folder / f"{quote(document.id, safe=' ')}.txt").write_bytes(rendered.encode())


def _header(header: str, where: str) -> dict[str, str]:
    meta: dict[str, str] = {}
    for number, line in enumerate(header.split("\n"), start=1):
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not key:
            raise DataError(f"header line {line!r} is not 'key: value'", where=f"{where}:{number}")
        if key in meta:
            raise DataError(f"the header has {key!r} twice", where=f"{where}:{number}")
        meta[key] = value
    return meta


def _strip(body: str, where: str, first_line: int) -> tuple[str, list[tuple[int, int, str, int]]]:
    """The text without markup, and ``(start, end, tags, line)`` of every mark."""
    text: list[str] = []
    marks: list[tuple[int, int, str, int]] = []
    open_starts: list[tuple[int, int]] = []
    line, position = first_line, 0
    while position < len(body):
        character = body[position]
        if character == "\\":
            if body[position + 1 : position + 2] not in set("\\{}|"):
                raise DataError("a single backslash", where=f"{where}:{line}", remedy="write it twice")
            text.append(body[position + 1])
            position += 2
            continue
        if character == "{":
            open_starts.append((len(text), line))
        elif character == "|" and open_starts:
            end = body.find("}", position)
            if end < 0:
                break
            tags = body[position + 1 : end]
            marks.append((open_starts.pop()[0], len(text), tags, line))
            line += tags.count("\n")
            position = end
        elif character in "|}":
            raise DataError(f"{character!r} outside of a span", where=f"{where}:{line}", remedy=f"write \\{character}")
        else:
            text.append(character)
            line += character == "\n"
        position += 1
    if open_starts:
        raise DataError("'{' is never closed with '|tags}'", where=f"{where}:{open_starts[-1][1]}")
    return "".join(text), marks

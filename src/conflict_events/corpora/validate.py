"""Finds what is wrong with an annotated corpus: every problem, not only the first, each with its file and line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import READERS, download, standoff
from conflict_events.corpora.jsonl import build, lines, parse_line, split_files
from conflict_events.errors import ConflictEventsError, DataError, SourceError
from conflict_events.schema import Document, Span


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to correct."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def validate(config: CorpusConfig) -> list[Problem]:
    """Check a corpus.

    Looked for: source files that are missing or differ, text hashes, malformed records, offsets outside the text,
    spans with outer white space, unknown roles and types, spans of one event that overlap, repeated events, repeated
    ids, reserved ids, and the same text twice, within a split or across splits.

    Returns:
        All problems, in the order of the files; empty if there are none.
    """
    folder = Path(config.path)
    found: list[Problem] = []
    if config.format != "jsonl":
        texts = standoff.texts_folder(config)
        found += [Problem("sources", line) for line in download.problems(download.source_files(folder), texts)]
        if found:
            return found  # every record would fail for the same reason
    reserved = standoff.reserved_ids(folder)
    seen_ids: dict[str, str] = {}
    seen_texts: dict[str, str] = {}
    for where, document in _documents(config):
        if isinstance(document, Problem):
            found.append(document)
            continue
        found += [Problem(where, what) for what in _document_problems(document)]
        if config.format == "jsonl":  # mentions that nest are how MUC-4 writes alternatives; training counts the lost
            found += [Problem(where, what) for what in _overlaps(document.role_spans, "the document")]
        if document.id in reserved:
            found.append(Problem(where, f"id {document.id!r} is reserved: take the record out"))
        digest = hashlib.sha256(" ".join(document.text.split()).encode()).hexdigest()
        for seen, key, what in ((seen_ids, document.id, f"id {document.id!r}"), (seen_texts, digest, "the text")):
            if key in seen:
                found.append(Problem(where, f"{what} stands at {seen[key]}, too"))
            seen.setdefault(key, where)
    return found


def _documents(config: CorpusConfig) -> Iterator[tuple[str, Document | Problem]]:
    """Every record of the corpus with its place; one that cannot be read, as a problem."""
    if config.format not in ("jsonl", "standoff"):
        try:
            splits = READERS[config.format](config)
        except ConflictEventsError as error:
            yield "", Problem(error.where or config.path, error.what)
            return
        for split, documents in splits.items():
            yield from ((f"{config.name}/{split}:{document.id}", document) for document in documents)
        return
    make: Callable[[dict[str, Any]], Document] = Document.from_record
    if config.format == "standoff":
        make = partial(standoff.attach, texts=standoff.texts_folder(config))
    for path in split_files(Path(config.path)).values():
        for where, line in lines(path):
            try:
                yield where, build(where, parse_line(where, line), make, config)
            except (DataError, SourceError) as error:
                yield where, Problem(where, error.what)


def _document_problems(document: Document) -> Iterator[str]:
    for span in document.spans:
        if span.text != span.text.strip():
            yield f"{span.role} {span.text!r} at {span.start} begins or ends with white space"
    if len(set(document.events)) < len(document.events):
        yield "an event is written twice"
    for event in document.events:
        yield from _overlaps((event.trigger, *event.arguments), f"the event {event.trigger.text!r}")


def _overlaps(spans: Iterable[Span], where: str) -> Iterator[str]:
    for one, other in combinations(sorted(spans), 2):
        if max(one.start, other.start) < min(one.end, other.end):
            yield (
                f"{one.role} {one.text!r} at {one.start} and {other.role} {other.text!r} at {other.start} "
                f"overlap in {where}"
            )

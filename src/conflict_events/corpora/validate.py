"""Finds what is wrong with an annotated corpus: every problem, not only the first, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download, open_corpus
from conflict_events.corpora.formats.graph import overlapping
from conflict_events.corpora.public import texts
from conflict_events.corpora.reading import Log, text_digest, undeclared
from conflict_events.errors import ConflictEventsError
from conflict_events.schema import Document, Span

# Their annotation nests on purpose: alternative wordings in MUC's keys, "Tartus" in "the port of Tartus" in re3d.
_NESTED = ("muc4", "muc34", "re3d")

# What these leave out is a mistake, reserved records or misspelt keys; in others it is what no document can hold.
_STRICT = ("standoff", "jsonl")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to correct."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def validate(config: CorpusConfig) -> list[Problem]:
    """Check a corpus, and then those that it adds to its train split.

    Looked for: source files that are missing or differ, text hashes, malformed records, offsets outside the text,
    spans with outer white space, unknown roles and types, spans of one event that overlap, repeated events, repeated
    ids, reserved ids, and the same text twice, within a split or across splits; unknown keys of our JSONL.

    Returns:
        All problems, in the order of the files; empty if there are none.
    """
    folder = Path(config.path)
    found: list[Problem] = []
    if (folder / download.MANIFEST).is_file():
        files = download.source_files(folder)
        found += [Problem("sources", line) for line in download.problems(files, texts.texts_folder(config))]
        if found:
            return found  # every record would fail for the same reason
    reserved = texts.reserved_ids(folder)
    seen_ids: dict[str, str] = {}
    seen_texts: dict[str, str] = {}
    log = Log(config.label_map)
    for reading in open_corpus(config, log).values():
        for where, item in reading:
            if isinstance(item, ConflictEventsError):
                found.append(_problem(where, item))
                continue
            if (error := undeclared(item, config)) is not None:
                found.append(_problem(where, error))
                continue
            found += [Problem(where, what) for what in _document_problems(item)]
            if config.format not in _NESTED:
                found += [Problem(where, what) for what in _overlaps(item.role_spans, "the document")]
            if item.id in reserved:
                found.append(Problem(where, f"id {item.id!r} is reserved: take the record out"))
            digest = text_digest(item.text)
            for seen, key, what in ((seen_ids, item.id, f"id {item.id!r}"), (seen_texts, digest, "the text")):
                if key in seen:
                    found.append(Problem(where, f"{what} stands at {seen[key]}, too"))
                seen.setdefault(key, where)
    if config.format in _STRICT:
        found += [Problem(*line.split(": ", 1)) for line in log.left_out]
    for extra in config.extra.values():
        found += validate(extra)
    return found


def _problem(where: str, error: ConflictEventsError) -> Problem:
    """An error with the more exact of the two places."""
    exact = error.where and not error.where.startswith(f"{where}: ")
    return Problem(error.where if exact and error.where else where, error.what)


def _document_problems(document: Document) -> Iterator[str]:
    for span in document.spans:
        if span.text != span.text.strip():
            yield f"{span.role} {span.text!r} at {span.start} begins or ends with white space"
    if len(set(document.events)) < len(document.events):
        yield "an event is written twice"
    for event in document.events:
        yield from _overlaps((event.trigger, *event.arguments), f"the event {event.trigger.text!r}")


def _overlaps(spans: Iterable[Span], where: str) -> Iterator[str]:
    for one, other in overlapping(spans):
        yield f"{one} and {other} overlap in {where}"

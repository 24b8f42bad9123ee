"""The input in pieces, and what came of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from conflict_events.articles import Article, BadRecord, Columns, Record, Source
from conflict_events.extraction import Extraction

# Enough to fill batches of windows of like length, little to hold.
_RECORDS = 256
_CHARACTERS = 200_000


class Place(NamedTuple):
    """Where reading goes on: a source's number, and how many of its records are done."""

    source: int
    record: int


START = Place(0, 0)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that are worked on together.

    Attributes:
        records: of one source, one after the other.
        next: what comes after them.
        read: bytes of the source's files up to there.
    """

    records: tuple[Record, ...]
    next: Place
    read: int


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in an article.

    Attributes:
        rendered: as it is written.
        events: how many.
        spans: how many.
        skipped: whether the first pass found it not worth reading.
        shown: the article and its extraction, if they are to be shown.
    """

    rendered: str
    events: int
    spans: int
    skipped: bool = False
    shown: tuple[Article, Extraction] | None = None


Result = Found | BadRecord


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a chunk: a result for each record, and the chunk's ``next`` and ``read``."""

    results: tuple[Result, ...]
    next: Place
    read: int


def chunks(sources: Sequence[Source], columns: Columns, start: Place, most: int = _RECORDS) -> Iterator[Chunk]:
    """The records of the sources from a place on.

    A chunk ends with its source, and is otherwise as long as the records allow: those after a chunk are cut the same
    way whether one begins there or long before.

    Args:
        sources: all of the input.
        columns: where text and id stand.
        start: the place; the ``next`` of a chunk.
        most: records in a chunk.
    """
    for number in range(start.source, len(sources)):
        yield from chunks_of(sources[number], number, columns, start.record if number == start.source else 0, most)


def chunks_of(source: Source, number: int, columns: Columns, skip: int = 0, most: int = _RECORDS) -> Iterator[Chunk]:
    """The chunks of one source, which is the ``number``-th of the input, without its first ``skip`` records."""
    reading = source.read(columns)
    records: list[Record] = []
    characters, at = 0, skip
    for at, record in enumerate(islice(reading, skip, None), start=skip + 1):
        records.append(record)
        characters += len(record.text) if isinstance(record, Article) else 0
        if len(records) >= min(most, _RECORDS) or characters >= _CHARACTERS:
            yield Chunk(tuple(records), Place(number, at), reading.position)
            records, characters = [], 0
    if records:
        yield Chunk(tuple(records), Place(number, at), reading.position)

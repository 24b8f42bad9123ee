"""A text file is one article; its id is its name."""

from __future__ import annotations

from collections.abc import Iterator

from conflict_events.articles.files import BROKEN, File
from conflict_events.articles.records import BadRecord, Columns, Record, article, decoded


def read(file: File, columns: Columns) -> Iterator[Record]:
    """The article of a ``.txt`` file; an empty file is an empty text."""
    try:
        with file.open() as stream:
            yield article(file.name, "", decoded(stream.read()), {})
    except (ValueError, *BROKEN) as error:
        yield BadRecord(file.where, str(error))

"""Where a wording stands in a text, and annotation that marks each wording once spread to all of these places."""

from __future__ import annotations

import re
from dataclasses import replace

from conflict_events.schema import Document, Span


def occurrences(text: str, wording: str) -> list[tuple[int, int]]:
    """Half-open character offsets of every place where a wording stands as whole words, however they are spaced."""
    words = r"\s+".join(map(re.escape, wording.split()))
    return [match.span() for match in re.finditer(rf"(?<!\w){words}(?!\w)", text)]


def mark_occurrences(document: Document) -> Document:
    """The document with each role span's wording marked, in its role, wherever it stands as whole words.

    Spans may then overlap, as they may before: ``farm`` is marked inside of ``the farm gate``, too.
    """
    found = set(document.role_spans)
    for role, wording in {(span.role, span.text) for span in document.role_spans}:
        found.update(Span.of(document.text, role, *place) for place in occurrences(document.text, wording))
    return replace(document, role_spans=tuple(sorted(found)))

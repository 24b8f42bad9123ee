"""Annotation that marks each wording once, spread to every place where the wording stands."""

from __future__ import annotations

import re
from dataclasses import replace

from conflict_events.schema import Document, Span


def mark_occurrences(document: Document) -> Document:
    """The document with each role span's wording marked, in its role, wherever it stands as whole words.

    Spans may then overlap, as they may before: ``farm`` is marked inside of ``the farm gate``, too.
    """
    found = set(document.role_spans)
    for role, wording in {(span.role, span.text) for span in document.role_spans}:
        for match in re.finditer(rf"(?<!\w){re.escape(wording)}(?!\w)", document.text):
            found.add(Span.of(document.text, role, match.start(), match.end()))
    return replace(document, role_spans=tuple(sorted(found)))

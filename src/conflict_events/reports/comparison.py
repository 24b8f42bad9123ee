"""The comparison page: every difference with its interval, and the documents that changed, as each system read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from conflict_events.reports import write_page
from conflict_events.reports.error_browser import visible
from conflict_events.schema import Document

_Piece = tuple[str, tuple[str, ...], bool]
"""Text, the roles in which a system has it, and whether it is annotated in any role."""


def write_comparison_report(path: Path, record: Mapping[str, Any], documents: Sequence[Document]) -> None:
    """Write an HTML page on a comparison.

    Args:
        path: of the page.
        record: the content of ``compare.json``.
        documents: with the texts.
    """
    texts = {document.id: document.text for document in documents}
    farthest = max(
        (abs(found[end]) for found in record["differences"].values() for end in ("low", "high")), default=0.0
    )
    write_page(
        path,
        "comparison.html",
        m=record,
        visible=visible,
        differences=[
            (name.rpartition(".")[2].replace("_", " "), found, _bar(found, farthest))
            for name, found in record["differences"].items()
        ],
        documents=[
            (held, [list(_pieces(texts[held["id"]], held["spans"], side)) for side in "ab"])
            for held in record["changes"]["documents"]
        ],
    )


def _bar(found: Mapping[str, float], farthest: float) -> tuple[float, float, float]:
    """Where the interval begins, how wide it is and where the difference lies, in percent of the column."""
    low, value, high = (50 + 50 * found[key] / farthest if farthest else 50.0 for key in ("low", "difference", "high"))
    return low, high - low, value


def _pieces(text: str, spans: Sequence[Mapping[str, Any]], side: str) -> Iterator[_Piece]:
    """A text as one system read it; what any of its runs has counts."""
    edges = {0, len(text)} | {edge for span in spans for edge in (span["start"], span["end"])}
    for start, end in pairwise(sorted(edges)):
        held = [span for span in spans if span["start"] <= start and end <= span["end"]]
        roles = tuple(span["role"] for span in held if span[side])
        yield visible(text[start:end]), roles, any(span["annotated"] for span in held)

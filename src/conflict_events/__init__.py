"""Conflict events from news text: who attacked whom or what, where, with what weapon."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from conflict_events.errors import ConflictEventsError
from conflict_events.extraction import Extraction
from conflict_events.schema import Document, Event, EventType, Role, Span

if TYPE_CHECKING:
    from conflict_events.extractor import EventExtractor

__version__ = version("conflict-events")
__all__ = [
    "ConflictEventsError", "Document", "Event", "EventExtractor", "EventType", "Extraction", "Role", "Span",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # The extractor brings torch; importing the package for its value types must not.
    if name == "EventExtractor":
        from conflict_events.extractor import EventExtractor

        return EventExtractor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What comes out for an article: events, role spans and, on request, incidents; and its JSON record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conflict_events.schema import Event, EventType, Role, Span


@dataclass(frozen=True, slots=True)
class Incident:
    """Mentions of one act inside an article.

    Args:
        numbers: which of the article's events they are, from 0.
        mentions: the events themselves, in text order; the first names the type.
    """

    numbers: tuple[int, ...]
    mentions: tuple[Event, ...]

    @property
    def type(self) -> EventType:
        return self.mentions[0].type

    def traced(self) -> dict[Role, list[tuple[Span, int]]]:
        """The union of the mentions' arguments by role, each span once, with the number of the first event that has it.

        Spans are in text order; scores are not what makes two spans different.
        """
        union: dict[Role, dict[tuple[str, int, int], tuple[Span, int]]] = {role: {} for role in Role}
        for number, event in zip(self.numbers, self.mentions, strict=True):
            for span in event.arguments:
                union[Role(span.role)].setdefault(span.key, (span, number))
        return {role: sorted(found.values()) for role, found in union.items()}

    def to_record(self, incident_id: str) -> dict[str, Any]:
        """The incident of an extraction record; every argument names the event that it comes from."""
        record: dict[str, Any] = {
            "id": incident_id,
            "type": self.type.value,
            "events": [f"E{number + 1}" for number in self.numbers],
        }
        for role, found in self.traced().items():
            record[role.value] = [span.to_record() | {"event": f"E{number + 1}"} for span, number in found]
        return record


@dataclass(frozen=True, slots=True)
class Filler:
    """Who or what fills a role in an article, once: mentions of one actor, target, place or weapon.

    Args:
        name: the mention that says most, at its first place.
        mentions: all of them, ``name`` among them, in text order; all of one role.
    """

    name: Span
    mentions: tuple[Span, ...]

    def to_record(self) -> dict[str, Any]:
        """The filler of an extraction record: its role, its name and, half-open, where it is mentioned."""
        mentions = [[span.start, span.end] for span in self.mentions]
        return {"role": self.name.role} | self.name.to_record() | {"mentions": mentions}


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the extractor found in one article: events, and all role spans whether or not an event took them.

    ``incidents`` groups the events that are mentions of the same act, ``fillers`` the spans that name the same; None
    unless that was asked for. ``skipped`` is whether the first pass found the article not worth reading.
    """

    events: tuple[Event, ...]
    spans: tuple[Span, ...]
    id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    incidents: tuple[Incident, ...] | None = None
    fillers: tuple[Filler, ...] | None = None
    skipped: bool = False

    def to_record(self) -> dict[str, Any]:
        """The extraction record, ready for JSON; events are numbered E1, E2 ... in text order, incidents I1, I2 ..."""
        record: dict[str, Any] = {
            "id": self.id,
            "events": [event.to_record(f"E{n}") for n, event in enumerate(self.events, start=1)],
            "spans": [{"role": span.role} | span.to_record() for span in self.spans],
            "meta": dict(self.meta),
            "model": self.model,
        }
        if self.skipped:
            record["skipped"] = True
        if self.incidents is not None:
            record["incidents"] = [incident.to_record(f"I{n}") for n, incident in enumerate(self.incidents, start=1)]
        if self.fillers is not None:
            record["fillers"] = [filler.to_record() for filler in self.fillers]
        return record

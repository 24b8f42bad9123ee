"""One incident, one record: mentions of the same act inside an article, grouped.

"Bombed" in the first sentence and "the strike" in the fifth are two events of the annotation, and one incident. Two
mentions go together if they have the same event type and do not contradict each other: their targets have nothing in
common (neither a span nor a head word), and nor have their locations or their attackers. A mention joins the latest
group with all of whose members it goes together, of the last 200 of its type, which a text of book length has; a role
that one of two mentions leaves open contradicts nothing.

Chosen on annotated groups of two dev splits; docs/experiments.md has the figures and the rules that did worse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from conflict_events.extraction import Incident
from conflict_events.schema import Event, EventType, Role, Span
from conflict_events.text import head

_LAST = 200
_COMPARED = (Role.TARGET, Role.LOCATION, Role.ATTACKER)


def incidents(events: Sequence[Event]) -> list[Incident]:
    """Group the events of one article; every event stands in exactly one incident.

    Args:
        events: in text order.

    Returns:
        Incidents, in the order of their first mentions.
    """
    named = [_Named.of(event) for event in events]
    groups: list[list[int]] = []
    by_type: dict[EventType, list[list[int]]] = defaultdict(list)
    for number, event in enumerate(named):
        alike = by_type[event.type]
        for group in reversed(alike[-_LAST:]):
            if all(_together(named[member], event) for member in group):
                group.append(number)
                break
        else:
            alike.append([number])
            groups.append(alike[-1])
    return [Incident(tuple(group), tuple(events[number] for number in group)) for group in groups]


@dataclass(frozen=True, slots=True)
class _Named:
    """An event's type, and whom and what it names in each role: where they stand, and their head words."""

    type: EventType
    places: dict[Role, set[tuple[int, int]]]
    heads: dict[Role, set[str]]

    @classmethod
    def of(cls, event: Event) -> _Named:
        spans = {role: event.by_role(role) for role in _COMPARED}
        places = {role: {(span.start, span.end) for span in found} for role, found in spans.items()}
        return cls(event.type, places, {role: set(map(_core, found)) for role, found in spans.items()})

    def contradicts(self, other: _Named, role: Role) -> bool:
        """Whether both name somebody or something in this role, and nothing in common."""
        if not self.places[role] or not other.places[role]:
            return False
        return self.places[role].isdisjoint(other.places[role]) and self.heads[role].isdisjoint(other.heads[role])


def _together(one: _Named, other: _Named) -> bool:
    apart = {role for role in _COMPARED if one.contradicts(other, role)}
    return not (Role.TARGET in apart and len(apart) > 1)


def _core(span: Span) -> str:
    start, end = head(span.text)
    return span.text[start:end].lower()

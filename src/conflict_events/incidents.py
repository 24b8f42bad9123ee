"""One incident, one record: mentions of the same act inside an article, grouped.

"Bombed" in the first sentence and "the strike" in the fifth are two events of the annotation, and one incident. Two
mentions go together if they have the same event type and do not contradict each other: their targets have nothing in
common (neither a span nor a head word), and nor have their locations or their attackers. A mention joins the latest
group with all of whose members it goes together; a role that one of two mentions leaves open contradicts nothing.

Chosen on annotated groups of two dev splits; docs/experiments.md has the figures and the rules that did worse.
"""

from __future__ import annotations

from collections.abc import Sequence

from conflict_events.extraction import Incident
from conflict_events.schema import Event, Role, Span
from conflict_events.text import head


def incidents(events: Sequence[Event]) -> list[Incident]:
    """Group the events of one article; every event stands in exactly one incident.

    Args:
        events: in text order.

    Returns:
        Incidents, in the order of their first mentions.
    """
    groups: list[list[int]] = []
    for number, event in enumerate(events):
        for group in reversed(groups):
            if all(_together(events[member], event) for member in group):
                group.append(number)
                break
        else:
            groups.append([number])
    return [Incident(tuple(group), tuple(events[number] for number in group)) for group in groups]


def _together(one: Event, other: Event) -> bool:
    if one.type != other.type:
        return False
    apart = {role for role in (Role.TARGET, Role.LOCATION, Role.ATTACKER) if _contradict(one, other, role)}
    return not (Role.TARGET in apart and len(apart) > 1)


def _contradict(one: Event, other: Event, role: Role) -> bool:
    """Whether both name somebody or something in this role, and nothing in common."""
    left, right = one.by_role(role), other.by_role(role)
    if not left or not right:
        return False
    same_place = {(span.start, span.end) for span in left} & {(span.start, span.end) for span in right}
    return not same_place and not (set(map(_core, left)) & set(map(_core, right)))


def _core(span: Span) -> str:
    start, end = head(span.text)
    return span.text[start:end].lower()

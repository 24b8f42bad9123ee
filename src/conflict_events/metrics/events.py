"""Event scores: triggers and arguments, found and named, as event-extraction papers define them.

- Trigger identification: the span is right; classification: and the event type (Ji and Grishman 2008).
- Argument identification: the span and the event type are right, whatever the role and whichever mention of the type
  it belongs to; classification: and the role (Lin et al. 2020, OneIE). With ``+`` in TextEE (Huang et al. 2024) the
  trigger must be right, too: ``attached``.
- ``linked``: trigger, role and argument are right, whatever the event type: what this project reports first, since it
  scores the linking alone, as agreement of annotators is measured.

Spans match exactly, by their head word, or by sharing a character.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from conflict_events.metrics.score import Counts, Score, check_same_documents
from conflict_events.schema import Document, Event, EventType, Span
from conflict_events.text import head_of

_Place = tuple[int, int]
_Item = tuple[tuple[str, ...], tuple[_Place, ...]]  # labels that must be equal, spans that must match


class Match(StrEnum):
    """When two spans are the same."""

    EXACT = "exact"
    HEAD = "head"
    OVERLAP = "overlap"


@dataclass(frozen=True)
class EventScores:
    """Counts of every event score, by document.

    Attributes:
        counts: ``trigger_identification``, ``trigger_classification``, ``argument_identification``,
            ``argument_classification``, ``attached_identification``, ``attached_classification``, ``linked``.
        same_type: shape ``(documents, 2)``: triggers found with the right type, triggers found.
    """

    counts: Mapping[str, Counts]
    same_type: Counts

    @property
    def type_accuracy(self) -> float:
        """Share of the triggers found whose event type is right; 0 if none is found."""
        right, found = self.same_type.sum(axis=0)
        return float(right / found) if found else 0.0

    def to_record(self) -> dict[str, Any]:
        record: dict[str, Any] = {name: Score.of(counts).to_record() for name, counts in self.counts.items()}
        return record | {"type_accuracy": self.type_accuracy}


def event_scores(
    gold: Sequence[Document], predicted: Sequence[Iterable[Event]], match: Match = Match.EXACT
) -> EventScores:
    """Score predicted events.

    Args:
        gold: annotated documents.
        predicted: the events of each, in the same order.
        match: when spans are the same. With ``overlap``, an item is right if it matches any item of the other side.

    Raises:
        ValueError: if the two sides differ in their number of documents.
    """
    check_same_documents(gold, predicted)
    rows: dict[str, list[tuple[int, int, int, int]]] = {}
    types: list[tuple[int, int]] = []
    for document, events in zip(gold, predicted, strict=True):
        annotated, guessed = _items(document.events, match), _items(events, match)
        for name in annotated:
            right, found = _met(guessed[name], annotated[name], match), _met(annotated[name], guessed[name], match)
            rows.setdefault(name, []).append((len(right), len(guessed[name]), len(found), len(annotated[name])))
        typed = _met(guessed["trigger_classification"], annotated["trigger_classification"], match)
        # One trigger may have several types: it counts once.
        types.append((len({places for _, places in typed}), rows["trigger_identification"][-1][0]))
    return EventScores(
        {name: np.array(counts, dtype=np.float64) for name, counts in rows.items()}
        or dict.fromkeys(_items((), match), np.zeros((0, 4))),
        np.array(types, dtype=np.float64).reshape(-1, 2),
    )


def types_by_trigger(events: Iterable[Event]) -> dict[tuple[str, int, int], set[EventType]]:
    """The event types of each trigger: one, or more where it stands for several events."""
    types: dict[tuple[str, int, int], set[EventType]] = defaultdict(set)
    for event in events:
        types[event.trigger.key].add(event.type)
    return types


def _items(events: Iterable[Event], match: Match) -> dict[str, set[_Item]]:
    def place(span: Span) -> _Place:
        return head_of(span) if match is Match.HEAD else (span.start, span.end)

    items: dict[str, set[_Item]] = {
        name: set()
        for name in (
            "trigger_identification", "trigger_classification", "argument_identification", "argument_classification",
            "attached_identification", "attached_classification", "linked",
        )
    }  # fmt: skip
    for event in events:
        kind, trigger = event.type.value, place(event.trigger)
        items["trigger_identification"].add(((), (trigger,)))
        items["trigger_classification"].add(((kind,), (trigger,)))
        for argument in event.arguments:
            role, where = str(argument.role), place(argument)
            items["argument_identification"].add(((kind,), (where,)))
            items["argument_classification"].add(((kind, role), (where,)))
            items["attached_identification"].add(((kind,), (trigger, where)))
            items["attached_classification"].add(((kind, role), (trigger, where)))
            items["linked"].add(((role,), (trigger, where)))
    return items


def _met(items: set[_Item], others: set[_Item], match: Match) -> set[_Item]:
    """Those of ``items`` that the other side has."""
    if match is not Match.OVERLAP:
        return items & others
    alike: dict[tuple[str, ...], list[tuple[_Place, ...]]] = defaultdict(list)
    for labels, places in sorted(others):
        alike[labels].append(places)
    return {item for item in items if any(_overlap(item[1], places) for places in _up_to(item, alike[item[0]]))}


def _up_to(item: _Item, others: Sequence[tuple[_Place, ...]]) -> Iterable[tuple[_Place, ...]]:
    """Those of ``others``, sorted, whose first span begins before that of the item ends; the nearest first."""
    return reversed(others[: bisect_left(others, ((item[1][0][1], -1),))])


def _overlap(one: tuple[_Place, ...], other: tuple[_Place, ...]) -> bool:
    return all(max(a[0], b[0]) < min(a[1], b[1]) for a, b in zip(one, other, strict=True))

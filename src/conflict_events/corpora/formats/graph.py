"""Annotation as tools hold it: labelled regions of a text, and labelled links between them.

An event becomes a region over its trigger, labelled with the event type, and a link from there to each argument,
labelled with the role. An argument's region is labelled with its role, too. brat, Label Studio, doccano and Prodigy
write such graphs down in different ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span, lone_surrogate


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled stretch of text; ``start`` and ``end`` are half-open character offsets."""

    id: str
    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Link:
    """From one region to another, by their ids; an empty label takes that of the region it leads to."""

    head: str
    tail: str
    label: str


def to_graph(document: Document) -> tuple[list[Region], list[Link]]:
    """The regions of a document, in text order, and the links from triggers to arguments."""
    spans = sorted(set(document.role_spans) | {span for event in document.events for span in event.arguments})
    heads = sorted(range(len(document.events)), key=lambda n: document.events[n].trigger)
    # What a region stands for is a span, or the number of an event: two events may have one trigger.
    stands_for: list[Span | int] = [*spans, *heads]

    def region(what: Span | int) -> tuple[int, int, str]:
        event = None if isinstance(what, Span) else document.events[what]
        span = what if isinstance(what, Span) else document.events[what].trigger
        return span.start, span.end, event.type.value if event else str(span.role)

    stands_for.sort(key=region)
    names = {what: f"T{number}" for number, what in enumerate(stands_for, start=1)}
    regions = [Region(names[what], label, start, end) for what in stands_for for start, end, label in [region(what)]]
    links = [
        Link(names[number], names[span], str(span.role))
        for number, event in enumerate(document.events)
        for span in event.arguments
    ]
    return regions, links


def from_graph(
    identifier: str,
    text: str,
    regions: Sequence[Region],
    links: Iterable[Link],
    log: Log,
    where: str,
    layers: frozenset[Layer] = frozenset(),
    meta: Mapping[str, Any] | None = None,
) -> Document:
    """The document of a graph; what it cannot hold goes to ``log``.

    A region whose label is an event type is a trigger; the regions that links lead to from there are its arguments,
    each in the role that its link names, whichever way the link was drawn. Regions that no event takes are role spans.

    Raises:
        DataError: offsets outside the text, a link that leads nowhere, two spans of one event that overlap, two
            regions that cross.
    """
    if not identifier:
        raise DataError("the document has no id", remedy="give every document a unique, non-empty id")
    if (at := lone_surrogate(text)) is not None:
        raise DataError(f"the text holds half a surrogate pair at character {at}", remedy="write the character whole")
    labels = {region.id: log.label(region.label) for region in regions}
    by_id = {region.id: region for region in regions}
    if len(by_id) < len(regions):
        raise DataError("two regions have the same id", remedy="number the regions anew")
    links = list(links)
    ends = {end for link in links for end in (link.head, link.tail)}
    _no_crossing([region for region in regions if labels[region.id] is not None or region.id in ends], text)
    taken: set[str] = set()
    arguments: dict[str, list[Span]] = defaultdict(list)
    types = set(EventType)
    for link in links:
        for end in (link.head, link.tail):
            if end not in by_id:
                raise DataError(f"a link {link.label!r} leads to region {end!r}, which there is not")
        if labels[link.tail] in types and labels[link.head] not in types and link.label:
            link = Link(link.tail, link.head, link.label)  # drawn from the argument to the trigger
        head, tail = by_id[link.head], by_id[link.tail]
        role = log.label(link.label) if link.label else labels[link.tail]
        if labels[link.head] not in types or labels[link.tail] in types or role not in set(Role):
            log.leave_out(where, f"link {link.label!r} from {_shown(head, text)} to {_shown(tail, text)}")
            continue
        taken.add(link.tail)
        arguments[link.head].append(Span.of(text, role, tail.start, tail.end))
    events, role_spans = [], []
    for region in regions:
        label = labels[region.id]
        if label in types:
            trigger = Span.of(text, TRIGGER, region.start, region.end)
            events.append(Event(EventType(label), trigger, tuple(arguments[region.id])))
            for one, other in overlapping((trigger, *events[-1].arguments)):
                raise DataError(
                    f"{one} and {other} overlap in the event {trigger.text!r}",
                    remedy="keep one of them, or shorten it",
                )
        elif label == "" and region.id not in taken:
            log.leave_out(where, f"a region without a label: {text[region.start : region.end]!r} at {region.start}")
        elif label is not None and region.id not in taken:
            role_spans.append(Span.of(text, label, region.start, region.end))
    events.sort(key=lambda event: event.trigger)
    return Document(identifier, text, layers, tuple(sorted(set(role_spans))), tuple(events), dict(meta or {}))


def overlapping(spans: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    """Every two of the spans that share a character."""
    for one, other in combinations(sorted(spans), 2):
        if max(one.start, other.start) < min(one.end, other.end):
            yield one, other


def _no_crossing(regions: Iterable[Region], text: str) -> None:
    for region in regions:
        Span.of(text, TRIGGER, region.start, region.end)  # checks the offsets
    open_regions: list[Region] = []
    for region in sorted(regions, key=lambda r: (r.start, -r.end)):
        while open_regions and open_regions[-1].end <= region.start:
            open_regions.pop()
        if open_regions and open_regions[-1].end < region.end:
            raise DataError(
                f"regions {_shown(open_regions[-1], text)} and {_shown(region, text)} overlap in part",
                remedy="let one hold the other, or keep them apart",
            )
        open_regions.append(region)


def _shown(region: Region, text: str) -> str:
    return f"{region.label} {text[region.start : region.end]!r} at {region.start}"


def spaced(pieces: Sequence[tuple[int, int]], text: str) -> bool:
    """Whether only white space stands between neighbouring pieces."""
    return all(one[1] <= other[0] and not text[one[1] : other[0]].strip() for one, other in pairwise(pieces))

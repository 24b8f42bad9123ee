"""Documents that every graph format can hold, and what of them must come back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

from hypothesis import strategies as st

from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span

# Everything that moves offsets in careless readers: line breaks of all kinds, wide, combining and invisible characters.
CHARACTERS = st.one_of(
    st.sampled_from("ab \r\n\t\v\f\u00a0\u00ad\u2028\u2029\x85\x1c\x00\ufeff🙂e\u0301אب\"\\{}#-:;,.'"),
    st.characters(codec="utf-8"),
)
TEXTS = st.one_of(st.text(CHARACTERS, max_size=30), st.text("abe .\r\n\u0301🙂", min_size=10, max_size=30))
IDS = st.text(CHARACTERS, min_size=1, max_size=6)
ROLES = st.sampled_from([*(role.value for role in Role), TRIGGER, "perp_individual", "weapon2"])
_KEYS = st.one_of(st.sampled_from(["id", "source", "text", "layers"]), st.text(CHARACTERS, max_size=4))
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(CHARACTERS, max_size=6),
)  # fmt: skip
METAS = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS,
        lambda values: st.lists(values, max_size=2) | st.dictionaries(_KEYS, values, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)

Place = tuple[int, int]


def crosses(one: Place, other: Place) -> bool:
    """Whether each of two places has characters that the other has not, and some that it has."""
    return one[0] < other[0] < one[1] < other[1] or other[0] < one[0] < other[1] < one[1]


def overlaps(one: Place, other: Place) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


@st.composite
def places(draw: st.DrawFn, text: str) -> list[Place]:
    """Places in a text that nest, touch or keep apart, but never cross."""
    if not text:
        return []
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=min(4, len(text) + 1), max_size=8)))
    pieces = list(pairwise(cuts))
    found: list[Place] = draw(st.lists(st.sampled_from(pieces), min_size=1, max_size=5, unique=True))
    for candidate in draw(st.lists(st.sampled_from(list(combinations(cuts, 2))), max_size=3)):
        if not any(crosses(candidate, other) for other in found):
            found.append(candidate)
    return found


@st.composite
def events(draw: st.DrawFn, text: str, among: Sequence[Place]) -> Event:
    """An event whose spans are ``among`` these places and do not overlap."""
    trigger = draw(st.sampled_from(among))
    free = [place for place in among if not overlaps(place, trigger)]
    arguments: list[Span] = []
    while free and draw(st.integers(0, 3)):
        place = draw(st.sampled_from(free))
        arguments.append(Span.of(text, draw(st.sampled_from(Role)).value, *place))
        free = [other for other in free if not overlaps(place, other)]
    return Event(draw(st.sampled_from(EventType)), Span.of(text, TRIGGER, *trigger), tuple(arguments))


@st.composite
def documents(draw: st.DrawFn, max_events: int = 3, ids: st.SearchStrategy[str] = IDS) -> Document:
    """A document with all that a graph can hold.

    Events share triggers (of the same type or another) and arguments (in the same role or another), role spans stand
    outside of events or where an argument stands, and spans nest. No two spans cross, none of one event overlap.
    """
    text = draw(TEXTS)
    among = draw(places(text))
    role_spans: list[Span] = []
    found: list[Event] = []
    if among:
        drawn = draw(st.lists(st.tuples(ROLES, st.sampled_from(among)), max_size=4))
        role_spans = [Span.of(text, role, *place) for role, place in drawn]
        found = draw(st.lists(events(text, among), max_size=max_events))
    layers = draw(st.frozensets(st.sampled_from(Layer)))
    return Document(draw(ids), text, layers, tuple(sorted(role_spans)), tuple(found), draw(METAS))


def unique(some: st.SearchStrategy[Document], max_size: int = 3) -> st.SearchStrategy[list[Document]]:
    """Documents of one corpus: no two have the same id."""
    return st.lists(some, max_size=max_size, unique_by=lambda document: document.id)


def content(document: Document) -> dict[str, Any]:
    """What must come back from a file, to be compared with ``==``.

    A role span where an event has an argument in the same role is no other region than that, and events have no order.
    """
    return {
        "id": document.id,
        "text": document.text,
        "layers": document.layers,
        "spans": document.spans,
        "events": sorted(document.events, key=lambda event: (event.trigger, event.type, event.arguments)),
        "meta": dict(document.meta),
    }

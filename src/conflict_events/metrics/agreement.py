"""How far two annotations of the same documents agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conflict_events.errors import DataError
from conflict_events.metrics.events import types_by_trigger
from conflict_events.schema import TRIGGER, Document, Span


@dataclass(frozen=True, slots=True)
class Agreement:
    """F1 of one annotation against the other, as fractions; symmetric, so neither counts as gold.

    Attributes:
        documents: annotated twice.
        triggers: same start and end.
        roles: role spans with the same role, start and end.
        roles_overlap: role spans that share a character with one of the same role.
        types: share of the shared triggers that have the same event type, or types (accuracy).
        arguments: event arguments with the same trigger, role and span.
    """

    documents: int
    triggers: float
    roles: float
    roles_overlap: float
    types: float
    arguments: float

    def to_record(self) -> dict[str, Any]:
        return asdict(self)


def agreement(first: Sequence[Document], second: Sequence[Document]) -> Agreement:
    """Agreement of two annotations. Where neither side has anything to compare, a figure is 1.

    Args:
        first: documents of one annotator.
        second: the same documents by the other; the order does not matter.

    Raises:
        DataError: if the two have other documents or other texts.
    """
    others = {document.id: document for document in second}
    same = {document.id for document in first} == others.keys()
    if not same or not len(first) == len(second) == len(others):
        raise DataError(
            f"the annotators have different documents: {len(first)} and {len(second)}",
            remedy="compare the same documents, each once",
        )
    triggers, roles, overlap, arguments = _Counts(), _Counts(), _Counts(), _Counts()
    shared = same_type = 0
    for one in first:
        other = others[one.id]
        if one.text != other.text:
            raise DataError(f"document {one.id!r} has two texts", remedy="annotate the same text")
        types = [types_by_trigger(document.events) for document in (one, other)]
        triggers.add(types[0].keys(), types[1].keys())
        both = types[0].keys() & types[1].keys()
        shared += len(both)
        same_type += sum(types[0][trigger] == types[1][trigger] for trigger in both)
        spans = [[s for s in document.spans if s.role != TRIGGER] for document in (one, other)]
        roles.add({s.key for s in spans[0]}, {s.key for s in spans[1]})
        overlap.sizes += len(spans[0]) + len(spans[1])
        overlap.twice_shared += _touched(spans[0], spans[1]) + _touched(spans[1], spans[0])
        arguments.add(*({(e.trigger.key, s.key) for e in d.events for s in e.arguments} for d in (one, other)))
    return Agreement(
        documents=len(first),
        triggers=triggers.f1,
        roles=roles.f1,
        roles_overlap=overlap.f1,
        types=same_type / shared if shared else 1.0,
        arguments=arguments.f1,
    )


@dataclass
class _Counts:
    twice_shared: int = 0
    sizes: int = 0

    def add(self, one: Iterable[Any], other: Iterable[Any]) -> None:
        left, right = set(one), set(other)
        self.twice_shared += 2 * len(left & right)
        self.sizes += len(left) + len(right)

    @property
    def f1(self) -> float:
        return self.twice_shared / self.sizes if self.sizes else 1.0


def _touched(spans: Sequence[Span], others: Sequence[Span]) -> int:
    """How many of the spans share a character with another one of their role."""
    return sum(any(s.role == o.role and max(s.start, o.start) < min(s.end, o.end) for o in others) for s in spans)

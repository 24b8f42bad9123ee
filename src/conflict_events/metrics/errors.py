"""What is wrong, span by span: boundaries, roles, misses, inventions, event types and links.

Annotated and predicted spans of a document are aligned one to one (:mod:`conflict_events.metrics.alignment`); only
spans that share a character can be partners. Of all alignments the one is taken that has the most pairs with the same
role and boundaries (right), then the most with the same boundaries (wrong role), the most with the same role
(boundary), the most pairs, the most shared characters. A span that could stand in several groups therefore stands in
the first of: right, wrong role, boundary, role and boundary, missed or spurious, as far as each partner is to be had
once. Every span is in exactly one of these groups, in whatever order spans are given.

Two more kinds are about events, and come on top of what is said of the spans:

- ``wrong_type``: annotated and predicted events have the same trigger, but not the same types. Types that only one
  side has are paired in alphabetical order; one without a partner is an event too few or too many on a right trigger.
- ``wrong_event``: a link between a trigger and an argument that are both right as spans, but linked on one side only.
  Of each argument, links wanting and links too many are paired in text order: attached to another event than annotated;
  without a partner: to none, or to one more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any

from conflict_events.errors import DataError
from conflict_events.metrics.alignment import align, distinct
from conflict_events.metrics.events import types_by_trigger
from conflict_events.metrics.score import check_same_documents
from conflict_events.schema import Document, Event, EventType, Span

NONE = "none"  # the label of spans without a partner

_Key = tuple[str, int, int]
_Partners = tuple[Span | None, Span | None]  # annotated, predicted
_Right = Mapping[_Key, tuple[Span, Span]]  # the spans that both sides have: annotated and predicted


class ErrorKind(StrEnum):
    """The groups of errors."""

    BOUNDARY = "boundary"
    WRONG_ROLE = "wrong_role"
    ROLE_AND_BOUNDARY = "role_and_boundary"
    MISSED = "missed"
    SPURIOUS = "spurious"
    WRONG_TYPE = "wrong_type"
    WRONG_EVENT = "wrong_event"
    CUT = "cut_by_window"


@dataclass(frozen=True, slots=True)
class Error:
    """One error.

    Attributes:
        document: which of the documents given, from 0.
        kind: the group.
        gold: the annotated span; None if spurious. The trigger of a wrong type, the argument of a wrong event.
        predicted: the predicted span; None if missed or cut.
        gold_type: of a wrong type: the annotated one; None if there is one event too many.
        predicted_type: of a wrong type: the predicted one; None if there is one event too few.
        gold_trigger: of a wrong event: what the argument should be linked to; None if it has one link too many.
        predicted_trigger: of a wrong event: what it is linked to; None if it has one link too few.
    """

    document: int
    kind: ErrorKind
    gold: Span | None
    predicted: Span | None
    gold_type: EventType | None = None
    predicted_type: EventType | None = None
    gold_trigger: Span | None = None
    predicted_trigger: Span | None = None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a span annotated in one role is predicted in another.

    Attributes:
        labels: the roles, and ``none`` last.
        counts: rows by annotated role, columns by predicted role. Row ``none``: predictions without a partner; column
            ``none``: annotated spans without one. The rest of a row are pairs that overlap, whatever their boundaries.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def to_record(self) -> dict[str, Any]:
        return {"labels": list(self.labels), "counts": [list(row) for row in self.counts]}


def find_errors(
    documents: Sequence[Document],
    spans: Sequence[Iterable[Span]],
    events: Sequence[Iterable[Event]] | None,
    roles: Sequence[str],
    cut: Sequence[Collection[Span]] | None = None,
) -> list[Error]:
    """Every error, by document: those of spans in text order, then those of types, then those of links.

    Args:
        documents: annotated documents.
        spans: predicted spans of each, in the same order; repeats of a ``(role, start, end)`` count once.
        events: predicted events of each; None for a system that finds no events: then links and types are no errors.
        roles: the role inventory; spans of other roles, and links that need them, are left out on both sides.
        cut: the annotated spans of each document that no window showed whole; one of them that is missed is ``CUT``.

    Raises:
        ValueError: if the arguments differ in their number of documents.
        DataError: if a predicted span is not of its document's text.
    """
    for given in (spans, events, cut):
        if given is not None:
            check_same_documents(documents, given)
    found = []
    for number, (document, guesses) in enumerate(zip(documents, spans, strict=True)):
        pairs = _partners(document, guesses, roles)
        hidden = {span.key for span in cut[number]} if cut else set()
        found += [
            Error(number, kind, one, other) for one, other in pairs if (kind := _kind(one, other, hidden)) is not None
        ]
        if events is not None:
            right = {one.key: (one, other) for one, other in pairs if one and other and one.key == other.key}
            guessed = list(events[number])
            found += _type_errors(number, document.events, guessed, right)
            found += _link_errors(number, document.events, guessed, right)
    return found


def confusion(documents: Sequence[Document], spans: Sequence[Iterable[Span]], roles: Sequence[str]) -> Confusion:
    """Roles against roles, over the alignment of :func:`find_errors`.

    Raises:
        ValueError: if the two sides differ in their number of documents.
        DataError: if a predicted span is not of its document's text.
    """
    check_same_documents(documents, spans)
    labels = (*roles, NONE)
    counts = [[0] * len(labels) for _ in labels]
    for document, guesses in zip(documents, spans, strict=True):
        for one, other in _partners(document, guesses, roles):
            row, column = (roles.index(span.role) if span else -1 for span in (one, other))
            counts[row][column] += 1
    return Confusion(labels, tuple(map(tuple, counts)))


def _partners(document: Document, spans: Iterable[Span], roles: Sequence[str]) -> list[_Partners]:
    """Every annotated and predicted span once, with its partner or None, in text order."""
    gold, predicted = distinct(document.spans, roles), distinct(spans, roles)
    for span in predicted:
        if document.text[span.start : span.end] != span.text:
            raise DataError(
                f"the text has no {span}",
                where=f"document {document.id!r}",
                remedy="give predictions for the same documents, in the same order",
            )
    pairs = align(gold, predicted, _rank)
    taken, used = {one.key for one, _ in pairs}, {other.key for _, other in pairs}
    partners: list[_Partners] = [
        *pairs,
        *((span, None) for span in gold if span.key not in taken),
        *((None, span) for span in predicted if span.key not in used),
    ]
    return sorted(partners, key=lambda pair: [(span.start, span.end) for span in pair if span])


def _rank(one: Span, other: Span) -> tuple[int, ...]:
    role, place = one.role == other.role, (one.start, one.end) == (other.start, other.end)
    return int(role and place), int(place), int(role), 1


def _kind(one: Span | None, other: Span | None, hidden: Collection[_Key]) -> ErrorKind | None:
    """The group of an annotated and a predicted span that are partners; None if that is right."""
    if one is None:
        return ErrorKind.SPURIOUS
    if other is None:
        return ErrorKind.CUT if one.key in hidden else ErrorKind.MISSED
    role, place = one.role == other.role, (one.start, one.end) == (other.start, other.end)
    if role and place:
        return None
    return ErrorKind.WRONG_ROLE if place else ErrorKind.BOUNDARY if role else ErrorKind.ROLE_AND_BOUNDARY


def _type_errors(number: int, gold: Iterable[Event], predicted: Iterable[Event], right: _Right) -> Iterator[Error]:
    annotated, guessed = types_by_trigger(gold), types_by_trigger(predicted)
    for key in sorted(annotated.keys() & guessed.keys() & right.keys()):
        wanting, wrong = sorted(annotated[key] - guessed[key]), sorted(guessed[key] - annotated[key])
        for gold_type, predicted_type in zip_longest(wanting, wrong):
            yield Error(number, ErrorKind.WRONG_TYPE, *right[key], gold_type, predicted_type)


def _link_errors(number: int, gold: Iterable[Event], predicted: Iterable[Event], right: _Right) -> Iterator[Error]:
    annotated, linked = _links(gold, right), _links(predicted, right)
    for key, (argument, guess) in sorted(right.items(), key=lambda item: item[1][0]):
        wanting, wrong = sorted(annotated[key] - linked[key]), sorted(linked[key] - annotated[key])
        for gold_trigger, predicted_trigger in zip_longest(wanting, wrong):
            yield Error(
                number,
                ErrorKind.WRONG_EVENT,
                argument,
                guess,
                gold_trigger=right[gold_trigger][0] if gold_trigger else None,
                predicted_trigger=right[predicted_trigger][1] if predicted_trigger else None,
            )


def _links(events: Iterable[Event], right: _Right) -> dict[_Key, set[_Key]]:
    """Triggers by argument, as far as both are right as spans."""
    found: dict[_Key, set[_Key]] = defaultdict(set)
    for event in events:
        for argument in event.arguments:
            if event.trigger.key in right and argument.key in right:
                found[argument.key].add(event.trigger.key)
    return found

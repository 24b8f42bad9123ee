"""The documents in which two systems differ, with what each found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from conflict_events.evaluation.results import Result, Run
from conflict_events.schema import Document, Event, Layer, Span

_DOCUMENTS = 20  # that are listed
_SIDES = ("a", "b")

_Items = Mapping[Hashable, dict[str, Any]]
"""What is the same on two sides, and how it is told."""


def changes(one: Sequence[Run], other: Sequence[Run]) -> dict[str, Any]:
    """``count``, the number of documents with different predictions, and ``documents``, the most different ones.

    A document has every annotated or predicted span, event (trigger and type) and link (trigger and argument), with
    ``annotated`` 1 or 0, and the share of the runs of ``a`` and of ``b`` that have it. Its ``errors`` are what is
    missed and what is spurious among these, in the mean of the runs; documents are ranked by the distance of the two.

    Args:
        one: the runs of the first system, on the same documents with the same roles as
        other: those of the second.
    """
    roles = one[0].roles
    with_events = all(run.finds_events for run in (*one, *other))
    changed: list[dict[str, Any]] = []
    for number, result in enumerate(one[0].results):
        document = result.document
        sides = [[run.results[number] for run in runs] for runs in (one, other)]
        found = {"spans": _found(document, sides, lambda item: _spans(item.spans, roles))}
        if with_events and Layer.EVENTS in document.layers:
            found["events"] = _found(document, sides, lambda item: _events(item.events))
            found["links"] = _found(document, sides, lambda item: _links(item.events))
        items = [item for held in found.values() for item in held]
        if any(item["a"] != item["b"] for item in items):
            errors = {side: sum(abs(item["annotated"] - item[side]) for item in items) for side in _SIDES}
            changed.append({"id": document.id, "errors": errors, **found})
    changed.sort(key=lambda d: (-abs(d["errors"]["a"] - d["errors"]["b"]), -sum(d["errors"].values()), d["id"]))
    return {"count": len(changed), "documents": changed[:_DOCUMENTS]}


def _found(
    document: Document, sides: Sequence[Sequence[Result]], items_of: Callable[[Document | Result], _Items]
) -> list[dict[str, Any]]:
    annotated = items_of(document)
    found = [[items_of(result) for result in side] for side in sides]
    told = {key: item for items in (*found[1], *found[0], annotated) for key, item in items.items()}
    counts = [Counter(key for items in side for key in items) for side in found]
    records = [
        item
        | {"annotated": int(key in annotated)}
        | {name: count[key] / len(side) for name, count, side in zip(_SIDES, counts, sides, strict=True)}
        for key, item in told.items()
    ]
    return sorted(records, key=lambda item: (item["start"], item["end"], -item["annotated"], -item["a"]))


def _spans(spans: Iterable[Span], roles: Sequence[str]) -> _Items:
    return {span.key: {"role": str(span.role)} | _place(span) for span in spans if span.role in roles}


def _events(events: Iterable[Event]) -> _Items:
    return {(e.trigger.key, e.type): {"type": e.type.value} | _place(e.trigger) for e in events}


def _links(events: Iterable[Event]) -> _Items:
    return {
        (event.trigger.key, argument.key): {"role": str(argument.role)}
        | _place(argument)
        | {"trigger": _place(event.trigger)}
        for event in events
        for argument in event.arguments
    }


def _place(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.text}

"""Scores of parts: by length of the span or document, event type, seen wording, and what the documents' meta says.

An item falls into a part by a property of its own. Precision is over the predicted items of a part, recall over the
annotated ones; an item is right if the other side has it, in whatever part: a span in an event of the wrong type is
found all the same. Where the property is one of the span or of the document, both sides fall into the same part.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from conflict_events.corpora.statistics import grouping_keys
from conflict_events.evaluation.counts import score_record
from conflict_events.evaluation.results import Result, Run
from conflict_events.schema import TRIGGER, Document, EventType, Layer, Span

_MOST_VALUES = 12  # of a meta key; more are no grouping
# The most words of each part, and its name
_SPAN_WORDS = ((1, "1"), (2, "2"), (4, "3-4"), (8, "5-8"), (math.inf, "9+"))
_DOCUMENT_WORDS = ((99, "0-99"), (249, "100-249"), (499, "250-499"), (math.inf, "500+"))

_Key = tuple[Any, ...]
_KINDS = ("roles", "trigger", "linked")
_Items = dict[_Key, tuple[Span, set[EventType]]]


@dataclass(frozen=True, slots=True)
class _Property:
    """What sorts items into parts.

    Attributes:
        values: in the order of the record.
        of: the values of an item, from its span (of a link, the argument) and the types of the events that it is in.
        of_document: the value of all items of a document, instead.
    """

    values: Sequence[str]
    of: Callable[[Span, Collection[EventType]], Collection[str]] = lambda _, __: ()
    of_document: Callable[[Document], str] | None = None


def slices(runs: Sequence[Run], seen: Callable[[Span], bool] | None = None) -> dict[str, Any]:
    """Scores by slice and value: ``{"documents", "roles", "trigger", "linked"}``.

    ``documents`` are those of the value or, where it is one of spans, those with an annotated or predicted item of the
    value. ``linked`` is null where no events are scored.

    Args:
        runs: of one system, over the same documents.
        seen: whether a span's wording stands in the training data.
    """
    documents = [result.document for result in runs[0].results]
    properties = {
        "span_length": _Property(_names(_SPAN_WORDS), lambda span, _: [_bin(span.text, _SPAN_WORDS)]),
        "document_length": _Property(_names(_DOCUMENT_WORDS), of_document=lambda d: _bin(d.text, _DOCUMENT_WORDS)),
    }
    if runs[0].with_events:
        properties["event_type"] = _Property([kind.value for kind in EventType], lambda _, types: types)
    if seen is not None:
        properties["seen"] = _Property(["seen", "unseen"], lambda span, _: ["seen" if seen(span) else "unseen"])
    for key in grouping_keys(documents):
        values = sorted({_value(document, key) for document in documents})
        if len(values) <= _MOST_VALUES and key not in properties:
            properties[key] = _Property(values, of_document=lambda document, key=key: _value(document, key))  # type: ignore[misc]
    return {name: _slice(runs, part) for name, part in properties.items()}


def _slice(runs: Sequence[Run], part: _Property) -> dict[str, Any]:
    """One slice: the values that any item or document has."""
    tables = [_table(run, part) for run in runs]
    record = {}
    for value in part.values:
        held = [table.get(value, {}) for table in tables]
        if not any(held):
            continue
        counts = {kind: [np.array([row[kind] for row in rows.values()]) for rows in held] for kind in _KINDS}
        record[value] = {
            "documents": len(set().union(*held)),
            **{kind: score_record(of_runs) for kind, of_runs in counts.items()},
        }
        if not runs[0].with_events:
            record[value]["linked"] = None
    return record


def _table(run: Run, part: _Property) -> dict[str, dict[int, dict[str, list[int]]]]:
    """By value and document, a row of counts of each kind."""
    table: dict[str, dict[int, dict[str, list[int]]]] = defaultdict(
        lambda: defaultdict(lambda: {kind: [0, 0, 0, 0] for kind in _KINDS})
    )
    for number, result in enumerate(run.results):
        document = result.document
        whole = part.of_document(document) if part.of_document else None
        if whole is not None:
            table[whole][number]  # a document without any item is one, too
        predicted, annotated = (_items(run, document, side) for side in (result, document))
        for kind in _KINDS:
            for column, one, other in ((0, predicted[kind], annotated[kind]), (2, annotated[kind], predicted[kind])):
                for key, (span, types) in one.items():
                    for value in part.of(span, types) if whole is None else (whole,):
                        row = table[value][number][kind]
                        row[column] += key in other
                        row[column + 1] += 1
    return table


def _items(run: Run, document: Document, side: Result | Document) -> dict[str, _Items]:
    """What is scored of one side of a document, with its span and event types."""
    types: dict[_Key, set[EventType]] = defaultdict(set)
    links: _Items = {}
    for event in side.events if run.finds_events and Layer.EVENTS in document.layers else ():
        types[event.trigger.key].add(event.type)
        for argument in event.arguments:
            types[argument.key].add(event.type)
            links.setdefault((event.trigger.key, argument.key), (argument, set()))[1].add(event.type)
    scored = {span.key: (span, types[span.key]) for span in side.spans if span.role in run.roles}
    return {
        "roles": {key: item for key, item in scored.items() if key[0] != TRIGGER},
        "trigger": {key: item for key, item in scored.items() if key[0] == TRIGGER},
        "linked": links,
    }


def _names(bins: Sequence[tuple[float, str]]) -> list[str]:
    return [name for _, name in bins]


def _bin(text: str, bins: Sequence[tuple[float, str]]) -> str:
    words = len(text.split())
    return next(name for most, name in bins if words <= most)


def _value(document: Document, key: str) -> str:
    value = document.meta.get(key)
    return "" if value is None else str(value)

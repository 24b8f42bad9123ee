"""Predictions as files: extraction records, one a line, as ``scripts/predict.py`` writes them; of any system.

Reading is strict. A record for a document that is not scored, a document without a record, an offset that is off by
one or a role of another name would all show as a lower score and nothing else; here each is an error that names the
line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from conflict_events.corpora.reading import lines, parse_line
from conflict_events.errors import ConflictEventsError, DataError, InputError
from conflict_events.evaluation.results import Gold, Result, Run
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Document, Event, Role, Span
from conflict_events.writers import JsonlWriter

FILE = "predictions.jsonl"
# What else is a list or an object may be meant as spans or events.
_RECORD = {"spans", "events", "meta", "incidents", "fillers"}
_EVENT = {"trigger", *Role}
_FOUND = ("spans", "events")
_SHOWN = 5  # of the documents without a prediction


def write_predictions(
    path: Path,
    documents: Iterable[Document],
    found: Iterable[tuple[Iterable[Span], Iterable[Event]]],
    model: str | None,
    finds_events: bool,
) -> None:
    """Write what a system found.

    ``spans`` holds role spans and, other than ``predict.py`` has it, the triggers that no event has. A system that
    does not look for events has no key ``events``.

    Args:
        path: of the file.
        documents: in the order of ``found``.
        found: spans, triggers among them, and events of each document.
        model: the system's name.
        finds_events: whether it looks for events.
    """
    with JsonlWriter(path) as writer:
        for document, (spans, events) in zip(documents, found, strict=True):
            kept = tuple(events)
            triggers = {event.trigger.key for event in kept}
            rest = tuple(span for span in spans if span.key not in triggers)
            record = Extraction(kept, rest, document.id, document.meta, model).to_record()
            if not finds_events:
                del record["events"]
            writer.write(record)


def read_predictions(path: Path, gold: Gold, roles: Sequence[str] | None = None) -> Run:
    """Read predictions and align them with the documents that are scored.

    Args:
        path: of the file.
        gold: the documents.
        roles: those to score, if that is settled; spans of others are then left alone. None for all of the corpus: a
            span in any other is then an error.

    Returns:
        The run. ``finds_events`` is whether records have the key ``events``.

    Raises:
        InputError: if there is no such file.
        DataError: naming file, line and document, for a malformed record, a document that is not among the gold or
            stands there twice, offsets outside of its text, a ``text`` that does not stand there, an unknown role or
            event type; and for documents without a record.
    """
    if not path.is_file():
        raise InputError("there is no such file of predictions", where=str(path), remedy="check the path")
    documents = {document.id: document for document in gold.documents}
    known = {*gold.roles, TRIGGER} if roles is None else None
    found: dict[str, tuple[str, Result]] = {}
    names: set[str] = set()
    shape: tuple[str, ...] = ()
    for where, line in lines(path):
        record = parse_line(where, line)
        document = _document(record, where, documents, gold)
        if document.id in found:
            raise DataError(
                f"document {document.id!r} has a second record, the first is {found[document.id][0]}",
                where=where,
                remedy="keep one record for each document",
            )
        try:
            shape = _shape(record, shape)
            result = _result(record, document, known, gold.corpus)
        except ConflictEventsError as error:
            raise error.at(f"document {document.id!r}").at(where) from None
        found[document.id] = (where, result)
        names.add(str(record.get("model") or path.stem))
    if missing := [identifier for identifier in documents if identifier not in found]:
        raise DataError(
            f"{len(missing)} of {len(documents)} documents of split {gold.split!r} have no prediction: "
            + ", ".join(map(repr, missing[:_SHOWN])) + (", ..." if len(missing) > _SHOWN else ""),
            where=str(path),
            remedy='write a record for every document; with nothing in it: {"id": ..., "spans": [], "events": []}',
        )  # fmt: skip
    scored = gold.roles if roles is None else tuple(roles)
    results = gold.scored((found[document.id][1] for document in gold.documents), scored)
    return Run(", ".join(sorted(names)), results, "events" in shape, scored)


def _document(record: Mapping[str, Any], where: str, documents: Mapping[str, Document], gold: Gold) -> Document:
    identifier = record.get("id")
    if not isinstance(identifier, str):
        raise DataError("the record has no 'id'", where=where, remedy="give the id of the document it belongs to")
    if identifier not in documents:
        raise DataError(
            f"document {identifier!r} is not among the {len(documents)} that are scored",
            where=where,
            remedy=f"predict split {gold.split!r} of corpus {gold.corpus!r}, or choose corpus=, split= and limit= "
            "as the predictions were made",
        )
    return documents[identifier]


def _shape(record: Mapping[str, Any], shape: tuple[str, ...]) -> tuple[str, ...]:
    """Which of ``spans`` and ``events`` a record has: the same as those before it."""
    _check_keys(record, _RECORD, "call what was found 'spans' and 'events', and put anything else into 'meta'")
    has = tuple(key for key in _FOUND if key in record)
    if not has or (shape and has != shape):
        raise DataError(
            f"the record has {' and '.join(map(repr, has)) or 'neither spans nor events'}"
            + (f", those before it have {' and '.join(map(repr, shape))}" if shape else ""),
            remedy="give every record the same keys, with an empty list where nothing was found",
        )
    return has


def _result(record: Mapping[str, Any], document: Document, known: Collection[str] | None, corpus: str) -> Result:
    text = record.get("text")
    if text is not None and text != document.text:
        raise DataError("the record's 'text' is not that of the document", remedy="predict on the corpus as it is")
    spans = [_span(document.text, item, _role(item)) for item in _list(record, "spans")]
    events = [_event(document.text, item) for item in _list(record, "events")]
    for span in (*spans, *(argument for event in events for argument in event.arguments)):
        if known is not None and span.role not in known:
            raise DataError(
                f"role {span.role!r} of [{span.start}, {span.end}) is not one of corpus {corpus!r}",
                remedy=f"rename it to one of {', '.join(sorted(known))}, or leave such spans out",
            )
    return Result.of(document, spans, events)


def _list(record: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = record.get(key, [])
    if not isinstance(value, list):
        raise DataError(f"{key!r} must be a list, not {type(value).__name__}", remedy="write [...], empty for nothing")
    return value


def _role(item: Any) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("role"), str):
        raise DataError(f"span {item!r} has no 'role'", remedy='write {"role": ..., "start": ..., "end": ...}')
    return str(item["role"])


def _span(text: str, item: Any, role: str) -> Span:
    if not isinstance(item, Mapping) or not {"start", "end"} <= item.keys():
        raise DataError(f"{role} {item!r} is malformed", remedy='write {"start": ..., "end": ..., "text": ...}')
    if any(type(item[key]) is not int for key in ("start", "end")):
        raise DataError(f"{role} {item!r} has offsets that are no integers", remedy="count characters: 0, 1, 2, ...")
    span = Span.of(text, role, item["start"], item["end"], _score(item))
    if item.get("text", span.text) != span.text:
        raise DataError(
            f"{role} span [{span.start}, {span.end}) is {item['text']!r}, but {span.text!r} stands there",
            remedy="count Unicode characters from the start of the text, half-open, the text unchanged",
        )
    return span


def _event(text: str, item: Any) -> Event:
    if not isinstance(item, Mapping) or not {"type", "trigger"} <= item.keys():
        raise DataError(f"event {item!r} is malformed", remedy="an event needs a 'type' and a 'trigger'")
    _check_keys(item, _EVENT, f"roles are {', '.join(Role)}")
    trigger = _span(text, item["trigger"], TRIGGER)
    arguments = tuple(_span(text, place, role.value) for role in Role for place in _list(item, role.value))
    return Event(item["type"], trigger, arguments, _score(item), _score(item, "type_score"))


def _check_keys(item: Mapping[str, Any], known: Collection[str], remedy: str) -> None:
    if unknown := sorted(key for key, value in item.items() if key not in known and isinstance(value, list | dict)):
        raise DataError(f"there are unknown keys {unknown}", remedy=remedy)


def _score(item: Mapping[str, Any], key: str = "score") -> float | None:
    score = item.get(key)
    if score is None:
        return None
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0.0 <= score <= 1.0:
        raise DataError(f"score {score!r} is not a number in [0, 1]", remedy="give a confidence, or leave it out")
    return float(score)

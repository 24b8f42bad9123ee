"""The value types: spans, events and documents.

Offsets everywhere are half-open character offsets (Python ``str`` indices) into the *original* text, so that
``document.text[span.start:span.end] == span.text`` holds for every span of every document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from conflict_events.errors import DataError

TRIGGER = "trigger"
ROLE_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


class Role(StrEnum):
    """What a span does in an event. Corpora may declare other role names for their tag sets."""

    ATTACKER = "attacker"
    TARGET = "target"
    LOCATION = "location"
    WEAPON = "weapon"


class EventType(StrEnum):
    """The kind of violent act; the guidelines define each."""

    AIR_STRIKE = "air_strike"
    SHELLING = "shelling"
    BOMBING = "bombing"
    ARMED_CLASH = "armed_clash"
    ARMED_ATTACK = "armed_attack"
    ABDUCTION = "abduction"
    TERRITORY_CAPTURE = "territory_capture"
    OTHER_VIOLENCE = "other_violence"


class Layer(StrEnum):
    """What a source annotates: role spans only, or events with triggers and linked arguments."""

    ROLES = "roles"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text in a role. Ordered by position.

    Args:
        start: first character.
        end: one past the last character.
        role: ``attacker``, ``target``, ``location``, ``weapon``, ``trigger``, or a corpus's own role name.
        text: the characters themselves.
        score: confidence in [0, 1], or None for annotated spans.

    Raises:
        DataError: offsets that are negative, empty or do not fit the text; a malformed role; a score outside [0, 1].
    """

    start: int
    end: int
    role: str
    text: str
    score: float | None = None

    def __post_init__(self) -> None:
        if type(self.start) is not int or type(self.end) is not int:
            raise DataError(f"span offsets must be integers, not {self.start!r} and {self.end!r}")
        if not 0 <= self.start < self.end:
            raise DataError(
                f"span [{self.start}, {self.end}) is empty or negative",
                remedy="give half-open character offsets with 0 <= start < end",
            )
        if not isinstance(self.role, str) or not ROLE_NAME.match(self.role):
            raise DataError(f"role {self.role!r} is not a name", remedy="use lower-case letters, digits and _")
        if len(self.text) != self.end - self.start:
            raise DataError(f"span [{self.start}, {self.end}) does not fit its text {self.text!r}")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise DataError(f"score {self.score!r} of span [{self.start}, {self.end}) is outside [0, 1]")

    @classmethod
    def of(cls, document_text: str, role: str, start: int, end: int, score: float | None = None) -> Span:
        """The span ``document_text[start:end]``.

        Raises:
            DataError: if the offsets are not integers or leave the text.
        """
        if type(start) is not int or type(end) is not int:
            raise DataError(f"span offsets must be integers, not {start!r} and {end!r}")
        if start < 0 or end > len(document_text):
            raise DataError(
                f"{role} span [{start}, {end}) leaves the text of {len(document_text)} characters",
                remedy="offsets count Unicode characters, not bytes or UTF-16 units",
            )
        return cls(start, end, role, document_text[start:end], score)

    def __str__(self) -> str:
        return f"{self.role} {self.text!r} at {self.start}"

    def __lt__(self, other: Span) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[int, int, str, float]:
        return (self.start, self.end, self.role, -1.0 if self.score is None else self.score)

    @property
    def key(self) -> tuple[str, int, int]:
        """``(role, start, end)``: what makes two spans the same in scoring."""
        return (self.role, self.start, self.end)

    def moved(self, by: int) -> Span:
        """The span in a text that has ``by`` more characters before it."""
        return replace(self, start=self.start + by, end=self.end + by)

    def to_record(self) -> dict[str, Any]:
        """``{"start", "end", "text"}`` and, if there is one, ``"score"``."""
        record: dict[str, Any] = {"start": self.start, "end": self.end, "text": self.text}
        if self.score is not None:
            record["score"] = round(self.score, 4)
        return record


@dataclass(frozen=True, slots=True)
class Event:
    """One violent act: a trigger, its type, and the spans that take part in it.

    Args:
        type: one of :class:`EventType`.
        trigger: the span (role ``trigger``) that names the act.
        arguments: spans whose roles are those of :class:`Role`, in text order.
        score: confidence in [0, 1] that the act and its type are right, or None for annotated events.
        type_score: confidence in [0, 1] that the type is right if there is such an event, or None.

    Raises:
        DataError: an unknown type, a trigger in another role, an argument in a role that events do not have.
    """

    type: EventType
    trigger: Span
    arguments: tuple[Span, ...] = ()
    score: float | None = None
    type_score: float | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "type", EventType(self.type))
        except ValueError:
            raise DataError(
                f"event type {self.type!r} is unknown", remedy=f"use one of {', '.join(EventType)}"
            ) from None
        if self.trigger.role != TRIGGER:
            raise DataError(f"the trigger of an event has role {self.trigger.role!r}, not {TRIGGER!r}")
        for argument in self.arguments:
            if argument.role not in set(Role):
                raise DataError(f"an event argument has role {argument.role!r}", remedy=f"use one of {', '.join(Role)}")
        object.__setattr__(self, "arguments", tuple(sorted(set(self.arguments))))

    def by_role(self, role: Role) -> tuple[Span, ...]:
        """The arguments in this role, in text order."""
        return tuple(argument for argument in self.arguments if argument.role == role)

    def moved(self, by: int) -> Event:
        """The event in a text that has ``by`` more characters before it."""
        arguments = tuple(argument.moved(by) for argument in self.arguments)
        return replace(self, trigger=self.trigger.moved(by), arguments=arguments)

    def to_record(self, event_id: str) -> dict[str, Any]:
        """The event of an extraction record."""
        record: dict[str, Any] = {"id": event_id, "type": self.type.value}
        if self.score is not None:
            record["score"] = round(self.score, 4)
        if self.type_score is not None:
            record["type_score"] = round(self.type_score, 4)
        record["trigger"] = self.trigger.to_record()
        for role in Role:
            record[role.value] = [span.to_record() for span in self.by_role(role)]
        return record


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its annotation.

    Args:
        id: unique within its corpus.
        text: the original text, unchanged.
        layers: what the source annotates.
        role_spans: role spans given directly (a corpus without events); events bring their own.
        events: annotated events.
        meta: anything carried along (source, region, style).

    Raises:
        DataError: a span whose text is not that of the document.
    """

    id: str
    text: str
    layers: frozenset[Layer] = frozenset()
    role_spans: tuple[Span, ...] = ()
    events: tuple[Event, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for span in self.spans:
            if self.text[span.start : span.end] != span.text:
                raise DataError(f"{span.role} span [{span.start}, {span.end}) is {span.text!r}, the text is not")

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every distinct span: role spans, triggers and arguments, in text order."""
        spans = set(self.role_spans)
        for event in self.events:
            spans.add(event.trigger)
            spans.update(event.arguments)
        return tuple(sorted(spans))

    @classmethod
    def from_record(cls, record: Mapping[str, Any], text: str | None = None) -> Document:
        """Read an annotated record; ``text`` stands in for a stand-off record's missing text.

        Raises:
            DataError: a missing or ill-typed key, or anything the value types refuse.
        """
        text = record.get("text") if text is None else text
        identifier = record.get("id")
        if not isinstance(identifier, str) or not identifier:
            raise DataError("the record has no 'id'", remedy="give every document a unique, non-empty string id")
        if not isinstance(text, str):
            raise DataError(f"document {identifier!r} has no 'text'", remedy="give the text as a string")
        if lone_surrogate(identifier) is not None:
            raise DataError(f"the id {identifier!r} holds half a surrogate pair", remedy="write the character whole")
        if (at := lone_surrogate(text)) is not None:
            raise DataError(
                f"the text of {identifier!r} holds half a surrogate pair at character {at}",
                remedy="write the character whole",
            )
        try:
            layers = frozenset(map(_layer, _list(record, "layers")))
            meta = record.get("meta")
            if meta is not None and not isinstance(meta, Mapping):
                raise DataError(f"'meta' must be an object, not {type(meta).__name__}")
            if meta and lone_surrogate(json.dumps(meta, ensure_ascii=False, default=str)) is not None:
                raise DataError("'meta' holds half a surrogate pair", remedy="write the character whole")
            spans = tuple(_span_from(text, item) for item in _list(record, "spans"))
            events = tuple(_event_from(text, item) for item in _list(record, "events"))
            return cls(identifier, text, layers, spans, events, dict(meta or {}))
        except DataError as error:
            raise error.at(f"document {identifier!r}") from None

    def to_record(self) -> dict[str, Any]:
        """The annotated record of this document (inverse of :meth:`from_record`)."""
        record: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "layers": [layer.value for layer in Layer if layer in self.layers],
            "spans": [{"role": s.role, "start": s.start, "end": s.end} for s in sorted(self.role_spans)],
            "events": [
                {"type": event.type.value, "trigger": [event.trigger.start, event.trigger.end]}
                | {role.value: [[s.start, s.end] for s in event.by_role(role)] for role in Role}
                for event in self.events
            ],
        }
        if self.meta:
            record["meta"] = dict(self.meta)
        return record


def lone_surrogate(text: str) -> int | None:
    """Where ``text`` holds half a surrogate pair, which UTF-8 and tokenizers cannot take; None if nowhere."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return error.start
    return None


def _list(record: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = record.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise DataError(f"{key!r} must be a list, not {type(value).__name__}")
    return value


def _layer(name: Any) -> Layer:
    try:
        return Layer(name)
    except ValueError as error:
        raise DataError(str(error), remedy=f"layers are {', '.join(Layer)}") from None


def _span_from(text: str, item: Any) -> Span:
    if not isinstance(item, Mapping) or not {"role", "start", "end"} <= item.keys():
        raise DataError(f"span {item!r} is malformed", remedy='write {"role": ..., "start": ..., "end": ...}')
    return Span.of(text, item["role"], item["start"], item["end"])


def _event_from(text: str, item: Any) -> Event:
    if not isinstance(item, Mapping) or "type" not in item or "trigger" not in item:
        raise DataError(f"event {item!r} is malformed", remedy="an event needs a 'type' and a 'trigger'")
    unknown = item.keys() - {"type", "trigger", *Role}
    if unknown:
        raise DataError(f"event has unknown keys {sorted(unknown)}", remedy=f"roles are {', '.join(Role)}")
    trigger = _pair(text, TRIGGER, item["trigger"])
    arguments = tuple(_pair(text, role.value, pair) for role in Role for pair in _list(item, role.value))
    return Event(item["type"], trigger, arguments)


def _pair(text: str, role: str, pair: Any) -> Span:
    if not isinstance(pair, list) or len(pair) != 2:
        raise DataError(f"{role} {pair!r} is malformed", remedy="write [start, end]")
    return Span.of(text, role, pair[0], pair[1])

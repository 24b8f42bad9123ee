"""Confidence: raw scores of a checkpoint to probabilities of being right, and what is too unsure to report.

A score is *calibrated* if, of the things scored 0.8, 80 % are right. Five kinds of things have scores:

- ``span``: a role span; right if role, start and end are.
- ``trigger``: a trigger; right if start and end are.
- ``type``: the type of an event whose trigger is right.
- ``argument``: a span in an event; right if trigger, role and span are.
- ``event``: right if trigger and type are.

Each kind has its own Platt scaling (:mod:`conflict_events.metrics.calibration`); spans, triggers and arguments have
thresholds. Both are fitted on dev when a checkpoint is trained, and stored in it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from conflict_events.errors import CheckpointError
from conflict_events.metrics.calibration import Scaling
from conflict_events.schema import TRIGGER, Document, Event, Layer, Span


class Kind(StrEnum):
    """What a score is of."""

    SPAN = "span"
    TRIGGER = "trigger"
    TYPE = "type"
    ARGUMENT = "argument"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A thing found, and whether it is right.

    Attributes:
        kind: what it is.
        item: what makes two of its kind the same.
        score: its score, if it has one.
        right: whether it is annotated.
    """

    kind: Kind
    item: Hashable
    score: float | None
    right: bool


def judged(document: Document, spans: Iterable[Span], events: Iterable[Event]) -> Iterator[Judgement]:
    """What was found in a document, triggers among the spans; events only where the document annotates them."""
    annotated = {span.key for span in document.spans}
    for span in spans:
        yield Judgement(_kind(span), span.key, span.score, span.key in annotated)
    if Layer.EVENTS not in document.layers:
        return
    types = {(event.trigger.key, event.type) for event in document.events}
    links = {(event.trigger.key, span.key) for event in document.events for span in event.arguments}
    for event in events:
        named = (event.trigger.key, event.type)
        if event.trigger.key in annotated:
            yield Judgement(Kind.TYPE, named, event.type_score, named in types)
        yield Judgement(Kind.EVENT, named, event.score, named in types)
        for span in event.arguments:
            link = (event.trigger.key, span.key)
            yield Judgement(Kind.ARGUMENT, link, span.score, link in links)


def _kind(span: Span) -> Kind:
    return Kind.TRIGGER if span.role == TRIGGER else Kind.SPAN


@dataclass(frozen=True, slots=True)
class Confidence:
    """Scalings and thresholds; without any, scores are what the model gives and nothing is left out.

    Attributes:
        scaling: of raw scores, by kind.
        thresholds: on calibrated scores, by kind; what is below is left out.
    """

    scaling: Mapping[Kind, Scaling] = field(default_factory=dict)
    thresholds: Mapping[Kind, float] = field(default_factory=dict)

    def at(self, min_score: float) -> Confidence:
        """The same scalings with one threshold for everything but types, in place of the fitted ones."""
        return replace(self, thresholds={kind: min_score for kind in Kind if kind is not Kind.TYPE})

    def spans(self, spans: Iterable[Span]) -> list[Span]:
        """Those that are sure enough, triggers among them, with raw scores still: events are yet to be made of them."""
        return [span for span in spans if self._keeps(span, _kind(span))]

    def events(self, events: Iterable[Event]) -> list[Event]:
        """The events that are sure enough, without unsure arguments, with calibrated scores."""
        scored = [
            replace(
                event,
                trigger=self.scaled(event.trigger),
                arguments=tuple(
                    self._scaled(a, Kind.ARGUMENT) for a in event.arguments if self._keeps(a, Kind.ARGUMENT)
                ),
                score=self._score(event.score, Kind.EVENT),
                type_score=self._score(event.type_score, Kind.TYPE),
            )
            for event in events
        ]
        least = self.thresholds.get(Kind.EVENT, 0.0)
        return [event for event in scored if event.score is None or event.score >= least]

    def scaled(self, span: Span) -> Span:
        """The role span or trigger with a calibrated score."""
        return self._scaled(span, _kind(span))

    def to_record(self) -> dict[str, Any]:
        """As JSON: ``{"scaling": {kind: [slope, offset]}, "thresholds": {kind: confidence}}``."""
        return {
            "scaling": {kind.value: [s.slope, s.offset] for kind, s in self.scaling.items()},
            "thresholds": {kind.value: threshold for kind, threshold in self.thresholds.items()},
        }

    @classmethod
    def from_record(cls, record: Any) -> Confidence:
        """Read :meth:`to_record`'s JSON.

        Raises:
            CheckpointError: if it is something else, or a threshold is outside [0, 1].
        """
        try:
            scaling = {Kind(name): Scaling(float(a), float(b)) for name, (a, b) in record["scaling"].items()}
            thresholds = {Kind(name): float(value) for name, value in record["thresholds"].items()}
            if not all(math.isfinite(number) for s in scaling.values() for number in (s.slope, s.offset)):
                raise ValueError("a scaling is not finite")
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise CheckpointError(f"the calibration is malformed ({error!r})") from None
        wrong = [f"{kind}={value}" for kind, value in thresholds.items() if not 0.0 <= value <= 1.0]
        if wrong:
            raise CheckpointError(f"thresholds are outside [0, 1]: {', '.join(wrong)}")
        return cls(scaling, thresholds)

    def _score(self, raw: float | None, kind: Kind) -> float | None:
        return raw if raw is None or kind not in self.scaling else self.scaling[kind](raw)

    def _scaled(self, span: Span, kind: Kind) -> Span:
        return replace(span, score=self._score(span.score, kind))

    def _keeps(self, span: Span, kind: Kind) -> bool:
        score = self._score(span.score, kind)
        return score is None or score >= self.thresholds.get(kind, 0.0)

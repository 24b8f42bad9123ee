"""Whether the scores of spans, triggers, arguments and events mean what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from conflict_events.evaluation.results import Run
from conflict_events.metrics.calibration import expected_calibration_error, precision_recall, reliability
from conflict_events.schema import TRIGGER, Event, EventType

_POINTS = 200  # of a curve that are kept
_Key = tuple[str, int, int]


@dataclass
class _Outcomes:
    """Predictions of one kind."""

    confidence: list[float | None] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    annotated: int = 0

    def add(self, scores: dict[Any, float | None], gold: set[Any]) -> None:
        """The predictions of a document, by what makes two of them the same."""
        self.confidence += scores.values()
        self.right += [item in gold for item in scores]
        self.annotated += len(gold)


def calibration(runs: Sequence[Run]) -> dict[str, Any]:
    """Reliability and the precision-recall curve of ``spans``, ``triggers``, ``arguments`` and ``events``.

    A span or trigger is right if role and boundaries are; an argument if trigger, role and argument are; an event if
    trigger and type are. A kind is there if something of it was predicted and all of it has scores. Predictions of
    several runs are taken together.
    """
    found: dict[str, _Outcomes] = {kind: _Outcomes() for kind in ("spans", "triggers", "arguments", "events")}
    for run in runs:
        for result in run.results:
            for kind, is_trigger in (("spans", False), ("triggers", True)):
                ours, theirs = (
                    {s.key: s.score for s in side if s.role in run.roles and (s.role == TRIGGER) == is_trigger}
                    for side in (result.spans, result.document.spans)
                )
                found[kind].add(ours, set(theirs))
        for result in run.with_events:
            predicted, annotated = result.events, result.document.events
            found["arguments"].add(dict(_links(predicted)), {link for link, _ in _links(annotated)})
            found["events"].add({_named(e): e.score for e in predicted}, set(map(_named, annotated)))
    return {kind: _record(outcomes) for kind, outcomes in found.items() if _scored(outcomes.confidence)}


def _scored(confidence: Sequence[float | None]) -> bool:
    return bool(confidence) and None not in confidence


def _named(event: Event) -> tuple[_Key, EventType]:
    return event.trigger.key, event.type


def _links(events: Sequence[Event]) -> Iterator[tuple[tuple[_Key, _Key], float | None]]:
    for event in events:
        for argument in event.arguments:
            yield (event.trigger.key, argument.key), argument.score


def _record(outcomes: _Outcomes) -> dict[str, Any]:
    confidence = np.array(outcomes.confidence, dtype=np.float64)
    curve = precision_recall(confidence, outcomes.right, outcomes.annotated)
    kept = np.unique(np.linspace(0, len(curve) - 1, min(len(curve), _POINTS)).round().astype(int))
    return {
        "count": len(confidence),
        "ece": expected_calibration_error(confidence, outcomes.right),
        "bins": [asdict(held) for held in reliability(confidence, outcomes.right)],
        "curve": [asdict(curve[n]) for n in kept],
    }

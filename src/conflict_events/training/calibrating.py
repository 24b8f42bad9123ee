"""Confidence fitted on dev: what each raw score is worth, and from where on a thing is worth reporting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from conflict_events.confidence import Confidence, Kind, judged
from conflict_events.metrics.bootstrap import difference
from conflict_events.metrics.calibration import Scaling
from conflict_events.metrics.events import event_scores
from conflict_events.metrics.score import Counts, Score, exact_counts
from conflict_events.schema import TRIGGER, Document, Event, Layer
from conflict_events.tagging import Reading

Outcome = tuple[float, bool]
"""A raw score, and whether what it scored is right."""

_GRID = tuple(step / 20 for step in range(13))  # 0 to 0.6: what is surer than that is not left out
_LEAST = 20  # outcomes: from fewer nothing is learnt


def outcomes(documents: Sequence[Document], readings: Sequence[Reading]) -> dict[Kind, list[Outcome]]:
    """Every score of the readings with whether it was right, by kind; events only where documents annotate them."""
    found: dict[Kind, list[Outcome]] = {kind: [] for kind in Kind}
    for document, reading in zip(documents, readings, strict=True):
        for judgement in judged(document, reading.spans, reading.events):
            if judgement.score is not None:
                found[judgement.kind].append((judgement.score, judgement.right))
    return found


def fit_confidence(documents: Sequence[Document], readings: Sequence[Reading]) -> Confidence:
    """Scalings under which the outcomes are most likely, and thresholds where leaving things out surely helps.

    A threshold is the best of a grid by F1, and kept only if the 95 % interval of the gain (paired bootstrap over
    documents) is above 0: on a hundred documents the best of thirteen thresholds is mostly chance.

    Args:
        documents: annotated, none of them trained on.
        readings: what is found in them, with raw scores and nothing left out.
    """
    scaling = {
        kind: Scaling.fit([score for score, _ in held], [right for _, right in held])
        for kind, held in outcomes(documents, readings).items()
        if len(held) >= _LEAST
    }
    confidence = Confidence(scaling)
    for kind, counts in ((Kind.SPAN, _span_counts), (Kind.TRIGGER, _trigger_counts), (Kind.ARGUMENT, _linked_counts)):
        if kind in scaling:
            confidence = _with_threshold(confidence, kind, lambda c, of=counts: of(documents, readings, c))  # type: ignore[misc]
    return confidence


def _with_threshold(confidence: Confidence, kind: Kind, counts: Callable[[Confidence], Counts]) -> Confidence:
    """The lowest threshold of the grid with the best F1; none where leaving things out does not surely help."""
    without = counts(confidence)
    best, best_counts = confidence, without
    for threshold in _GRID:
        tried = replace(confidence, thresholds={**confidence.thresholds, kind: threshold})
        reached = counts(tried)
        if Score.of(reached).f1 > Score.of(best_counts).f1:
            best, best_counts = tried, reached
    return best if difference([best_counts], [without]).low > 0 else confidence


def _span_counts(documents: Sequence[Document], readings: Sequence[Reading], confidence: Confidence) -> Counts:
    return _key_counts(documents, readings, confidence, triggers=False)


def _trigger_counts(documents: Sequence[Document], readings: Sequence[Reading], confidence: Confidence) -> Counts:
    return _key_counts(documents, readings, confidence, triggers=True)


def _key_counts(
    documents: Sequence[Document], readings: Sequence[Reading], confidence: Confidence, *, triggers: bool
) -> Counts:
    rows = [
        exact_counts(
            (span.key for span in document.spans if (span.role == TRIGGER) is triggers),
            (span.key for span in confidence.spans(reading.spans) if (span.role == TRIGGER) is triggers),
        )
        for document, reading in zip(documents, readings, strict=True)
    ]
    return np.array(rows, dtype=np.float64)


def _linked_counts(documents: Sequence[Document], readings: Sequence[Reading], confidence: Confidence) -> Counts:
    kept = [_kept(reading, confidence) for reading in readings]
    annotated = [(d, k) for d, k in zip(documents, kept, strict=True) if Layer.EVENTS in d.layers]
    return event_scores([d for d, _ in annotated], [k for _, k in annotated]).counts["linked"]


def _kept(reading: Reading, confidence: Confidence) -> Iterable[Event]:
    triggers = {span.key for span in confidence.spans(reading.spans) if span.role == TRIGGER}
    return confidence.events(event for event in reading.events if event.trigger.key in triggers)

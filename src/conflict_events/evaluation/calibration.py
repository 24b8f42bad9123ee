"""Whether the scores of spans, triggers, arguments and events mean what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from conflict_events.confidence import Judgement, Kind, judged
from conflict_events.evaluation.results import Result, Run
from conflict_events.metrics.calibration import expected_calibration_error, precision_recall, reliability
from conflict_events.schema import Document

_POINTS = 200  # of a curve that are kept
_KINDS = {"spans": Kind.SPAN, "triggers": Kind.TRIGGER, "arguments": Kind.ARGUMENT, "events": Kind.EVENT}


@dataclass
class _Outcomes:
    """Predictions of one kind, and how many there are to find."""

    confidence: list[float | None] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    annotated: int = 0


def calibration(runs: Sequence[Run]) -> dict[str, Any]:
    """Reliability and the precision-recall curve of ``spans``, ``triggers``, ``arguments`` and ``events``.

    What is right is said in :mod:`conflict_events.confidence`. A kind is there if something of it was predicted and all
    of it has scores. Predictions of several runs are taken together.
    """
    found = {kind: _Outcomes() for kind in Kind}
    for run in runs:
        for result in run.results:
            for (kind, _), judgement in _items(run, result.document, result).items():
                found[kind].confidence.append(judgement.score)
                found[kind].right.append(judgement.right)
            for kind, _ in _items(run, result.document, result.document):
                found[kind].annotated += 1
    return {name: _record(found[kind]) for name, kind in _KINDS.items() if _scored(found[kind].confidence)}


def _items(run: Run, document: Document, side: Result | Document) -> dict[tuple[Kind, Any], Judgement]:
    """What a side has, each once, as far as it is scored."""
    spans = [span for span in side.spans if span.role in run.roles]
    events = side.events if run.finds_events else ()
    return {(judgement.kind, judgement.item): judgement for judgement in judged(document, spans, events)}


def _scored(confidence: Sequence[float | None]) -> bool:
    return bool(confidence) and None not in confidence


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

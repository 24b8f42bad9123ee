"""The evaluation report: scores with their intervals, figures, and every error in its sentence."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from conflict_events.corpora.statistics import grouping_keys
from conflict_events.metrics.errors import Error
from conflict_events.reports import write_page
from conflict_events.reports.error_browser import MEANING, group_errors, visible
from conflict_events.reports.plots import at_threshold, svg_figures
from conflict_events.schema import Document, Event, Span

_THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_MATCHES = {
    "strict": "role and boundaries must be right",
    "exact": "boundaries must be right, whatever the role",
    "partial": "boundaries must be right, an overlap counts half, whatever the role",
    "type": "the role must be right, and some of the span",
    "head": "the role must be right, and the place of the head word",
    "overlap": "one shared character in the right role is enough",
}
_SLICES = {
    "span_length": "span length in words",
    "document_length": "document length in words",
    "seen": "whether the wording stands in training",
}
_SCRIPT = resources.files("conflict_events.reports") / "templates" / "evaluation.js"


def write_evaluation_report(
    path: Path,
    metrics: Mapping[str, Any],
    documents: Sequence[Document],
    spans: Sequence[Collection[Span]],
    events: Sequence[Collection[Event]],
    errors: Iterable[Error],
    learning_curve: Path | None = None,
) -> None:
    """Write an HTML page on an evaluation: one file that asks nobody for anything and reads without script.

    Args:
        path: of the page.
        metrics: the record of ``metrics.json``; sections whose part it lacks are left out.
        documents: the annotated documents.
        spans: what was found in each, in the same order.
        events: the events found in each.
        errors: of these documents.
        learning_curve: a CSV file with the columns ``series, documents, f1``, a row for each run.

    Raises:
        DataError: if the learning curve cannot be read.
        ValueError: if there are not as many predictions as documents.
    """
    keys = grouping_keys(documents)
    groups = group_errors(documents, spans, events, errors, keys)
    shown = [error for group in groups for error in group.errors]
    script = _SCRIPT.read_text("utf-8")
    write_page(
        path,
        "evaluation.html",
        m=metrics,
        figures={name: Markup(svg) for name, svg in svg_figures(metrics, learning_curve).items()},
        visible=visible,
        thresholds={kind: _kept(held["curve"]) for kind, held in (metrics.get("calibration") or {}).items()},
        matches=_MATCHES,
        slice_names=_SLICES,
        tally=_tally(metrics.get("errors") or {}),
        meaning=MEANING,
        groups=groups,
        shown=len(shown),
        total=sum(group.total for group in groups),
        roles=sorted({role for error in shown for role in error.roles}),
        keys=[(visible(key), sorted({error.groups[n] for error in shown})) for n, key in enumerate(keys)],
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _kept(curve: Sequence[Mapping[str, float]]) -> list[tuple[float, Mapping[str, float]]]:
    """Precision and recall of what is left at each threshold at which anything is."""
    return [(threshold, point) for threshold in _THRESHOLDS if (point := at_threshold(curve, threshold))]


def _tally(errors: Mapping[str, Any]) -> list[tuple[str, int, Mapping[str, int], float]]:
    """``(kind, total, by role, share of the largest kind)``, the most frequent first; kinds that occur."""
    ranked = sorted(errors.items(), key=lambda item: (-item[1]["total"], item[0]))
    most = max((held["total"] for held in errors.values()), default=0)
    return [(kind, held["total"], held["per_role"], held["total"] / most) for kind, held in ranked if held["total"]]

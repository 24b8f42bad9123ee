"""Counts by document behind the scores, each under the path that its score has in ``metrics.json``.

From them come intervals, differences of systems and scores of parts. For spans they are sets of ``(role, start, end)``,
which gives the numbers of seqeval (:mod:`conflict_events.metrics.strict`) document by document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from conflict_events.corpora.entities import Entities, annotated_entities
from conflict_events.evaluation.results import Result, Run
from conflict_events.fillers import fillers
from conflict_events.metrics.bootstrap import Statistic, interval
from conflict_events.metrics.ceaf_ree import EntityScores, ceaf_ree
from conflict_events.metrics.events import EventScores, Match, event_scores
from conflict_events.metrics.score import Counts, Score, exact_counts, f1, share
from conflict_events.schema import TRIGGER, Span

TYPE_ACCURACY = "type_accuracy"
_SCORE = ("precision", "recall", "f1")


def strict_counts(results: Sequence[Result], roles: Sequence[str]) -> dict[str, Counts]:
    """``scores.roles``, ``scores.overall`` and ``scores.per_role.ROLE``."""
    sides = [(_by_role(result.document.spans), _by_role(result.spans)) for result in results]
    per_role = {
        role: np.array([exact_counts(gold[role], found[role]) for gold, found in sides], np.float64).reshape(-1, 4)
        for role in roles
    }
    nothing = np.zeros((len(results), 4))
    return {
        "scores.roles": sum((counts for role, counts in per_role.items() if role != TRIGGER), nothing),
        "scores.overall": sum(per_role.values(), nothing),
        **{f"scores.per_role.{role}": counts for role, counts in per_role.items()},
    }


def _by_role(spans: Iterable[Span]) -> dict[str, set[tuple[str, int, int]]]:
    keys: dict[str, set[tuple[str, int, int]]] = defaultdict(set)
    for span in spans:
        keys[span.role].add(span.key)
    return keys


def scored_events(run: Run) -> dict[Match, EventScores]:
    """Event scores by match; none where no document has annotated events, or the system finds none."""
    if not (results := run.with_events):
        return {}
    gold, found = [r.document for r in results], [r.events for r in results]
    return {match: event_scores(gold, found, match) for match in Match}


def event_counts(scores: Mapping[Match, EventScores]) -> dict[str, Counts]:
    """``events.MATCH.SCORE`` and ``events.MATCH.type_accuracy``, which has two columns (a share)."""
    counts: dict[str, Counts] = {}
    for match, found in scores.items():
        counts |= {f"events.{match.value}.{name}": rows for name, rows in found.counts.items()}
        counts[f"events.{match.value}.{TYPE_ACCURACY}"] = found.same_type
    return counts


def scored_entities(run: Run) -> EntityScores | None:
    """CEAF-REE of the role fillers that the spans found make, each given by its name.

    None unless every document has its entities annotated.
    """
    annotated = [annotated_entities(result.document) for result in run.results]
    gold = [entities for entities in annotated if entities is not None]
    if len(gold) < len(annotated):
        return None
    found = [_names(result.spans) for result in run.results]
    return ceaf_ree(gold, found, [role for role in run.roles if role != TRIGGER])


def entity_counts(scores: EntityScores | None) -> dict[str, Counts]:
    """``entities.micro`` and ``entities.per_role.ROLE``."""
    if scores is None:
        return {}
    return {
        "entities.micro": scores.totals,
        **{f"entities.per_role.{role}": counts for role, counts in scores.counts.items()},
    }


def _names(spans: Iterable[Span]) -> Entities:
    found: Entities = defaultdict(list)
    for filler in fillers(spans):
        found[filler.name.role].append([filler.name.text])
    return found


def run_counts(run: Run) -> dict[str, Counts]:
    """Every count of a run that intervals and comparisons are made from."""
    return (
        strict_counts(run.results, run.roles) | event_counts(scored_events(run)) | entity_counts(scored_entities(run))
    )


def statistic(path: str) -> Statistic:
    """What is computed from the counts of a path."""
    return share if path.endswith(f".{TYPE_ACCURACY}") else f1


def score_record(runs: Sequence[Counts], *, sure: bool = False) -> dict[str, Any]:
    """The mean score of runs; with ``sure``, the interval of its F1 and, of several runs, the F1 of each."""
    scores = [Score.of(counts) for counts in runs]
    record: dict[str, Any] = {key: float(np.mean([getattr(score, key) for score in scores])) for key in _SCORE}
    record["support"] = scores[0].support
    return record | (certainty(runs) if sure else {})


def certainty(runs: Sequence[Counts]) -> dict[str, Any]:
    """``low`` and ``high`` of the mean F1 of runs and, of several, ``f1_by_seed``."""
    found = interval(runs)
    record: dict[str, Any] = {"low": found.low, "high": found.high}
    if len(runs) > 1:
        record["f1_by_seed"] = [Score.of(counts).f1 for counts in runs]
    return record

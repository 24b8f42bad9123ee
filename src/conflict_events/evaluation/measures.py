"""Everything that ``metrics.json`` holds, of one run or of several seeds of one system (docs/metrics.md)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conflict_events.errors import ConfigError
from conflict_events.evaluation.calibration import calibration
from conflict_events.evaluation.counts import (
    certainty,
    entity_counts,
    event_counts,
    scored_entities,
    scored_events,
    strict_counts,
)
from conflict_events.evaluation.results import Gold, Result, Run
from conflict_events.evaluation.slices import slices
from conflict_events.metrics.errors import Error, ErrorKind, confusion, find_errors
from conflict_events.metrics.matching import match_scores
from conflict_events.metrics.strict import strict_scores
from conflict_events.metrics.unseen import seen_recall, surface_form, surface_forms

FORMAT = 2


def measures(runs: Sequence[Run], gold: Gold, by: str | None = None) -> dict[str, Any]:
    """The content of ``metrics.json``.

    Args:
        runs: what one system found with one or several seeds; of several, numbers are means, and intervals those of the
            mean.
        gold: the documents.
        by: a key of the documents' meta, to give scores of every value, too.

    Raises:
        ConfigError: if runs score different roles, only some of them events, or a document lacks the key ``by``.
    """
    _check_alike(runs)
    forms = surface_forms(gold.train) if gold.train is not None else None
    record: dict[str, Any] = {
        "format": FORMAT,
        **gold.to_record(),
        "model": ", ".join(dict.fromkeys(run.name for run in runs)),
        "seeds": len(runs),
        **_scores(runs),
        "matching": averaged([match_scores(*_sides(run), run.roles).to_record() for run in runs]),
        "unseen": None,
        "calibration": calibration(runs),
        "confusion": averaged([_confusion(run) for run in runs]),
        "slices": slices(runs, None if forms is None else lambda span: surface_form(span) in forms),
        "errors": averaged([_errors(run) for run in runs]),
        "cut": [
            {"id": result.document.id, "role": span.role, "start": span.start, "end": span.end}
            for result in runs[0].results
            for span in sorted(result.cut)
        ],
    }
    if gold.train is not None:
        train = gold.train
        record["unseen"] = averaged([seen_recall(train, *_sides(run), run.roles).to_record() for run in runs])
    if by is not None:
        record["by"] = {value: _scores(part) for value, part in _parts(runs, gold.grouped(by)).items()}
    return record


def errors_of(run: Run) -> list[Error]:
    """Every error of a run; links and types are none where the system finds no events."""
    events = [result.events for result in run.results] if run.finds_events else None
    cut = [result.cut for result in run.results]
    return find_errors([result.document for result in run.results], _sides(run)[1], events, run.roles, cut)


def averaged(records: Sequence[Any]) -> Any:
    """The mean of records of one shape, number by number; what is the same in all of them stays as it is."""
    first = records[0]
    if all(record == first for record in records):
        return first
    if isinstance(first, Mapping):
        return {key: averaged([record[key] for record in records]) for key in first}
    if isinstance(first, list):
        return [averaged(items) for items in zip(*records, strict=True)]
    return float(np.mean(records))


def _check_alike(runs: Sequence[Run]) -> None:
    for run in runs[1:]:
        if (run.roles, run.finds_events) != (runs[0].roles, runs[0].finds_events):
            raise ConfigError(
                f"runs {runs[0].name!r} and {run.name!r} are of different kinds: roles {', '.join(runs[0].roles)} and "
                f"{', '.join(run.roles)}, events {runs[0].finds_events} and {run.finds_events}",
                remedy="average seeds of one system",
            )


def _sides(run: Run) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Annotated and predicted spans by document."""
    return [result.document.spans for result in run.results], [result.spans for result in run.results]


def _scores(runs: Sequence[Run]) -> dict[str, Any]:
    """``scores`` of spans, ``events`` and ``entities`` (null where none are scored), with intervals."""
    strict = averaged([strict_scores(*_sides(run), run.roles).to_record() for run in runs])
    counts = [strict_counts(run.results, run.roles) for run in runs]
    scored = [scored_events(run) for run in runs]
    record: dict[str, Any] = {"scores": strict, "events": None, "entities": None}
    if scored[0]:
        record["events"] = averaged(
            [{match.value: scores.to_record() for match, scores in of_run.items()} for of_run in scored]
        )
        counts = [rows | event_counts(of_run) for rows, of_run in zip(counts, scored, strict=True)]
    entities = [found for run in runs if (found := scored_entities(run)) is not None]
    if entities:
        record["entities"] = averaged([found.to_record() for found in entities])
        counts = [rows | entity_counts(found) for rows, found in zip(counts, entities, strict=True)]
    return _with_intervals(record, counts)


def _with_intervals(record: Mapping[str, Any], counts: Sequence[Mapping[str, Any]], path: str = "") -> dict[str, Any]:
    """The record with ``low`` and ``high`` in every score whose counts are there under its path."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        at = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            value = _with_intervals(value, counts, at)
            if at in counts[0]:
                value |= certainty([rows[at] for rows in counts])
        found[key] = value
    return found


def _confusion(run: Run) -> dict[str, Any]:
    documents = [result.document for result in run.results]
    return confusion(documents, _sides(run)[1], run.roles).to_record()


def _errors(run: Run) -> dict[str, Any]:
    """How many errors of each kind there are, and in which role: the annotated one if there is one."""
    found: dict[ErrorKind, Counter[str]] = defaultdict(Counter)
    for error in errors_of(run):
        span = error.gold or error.predicted
        assert span is not None, "an error is about some span"
        found[error.kind][span.role] += 1
    return {
        kind.value: {
            "total": found[kind].total(),
            "per_role": {role: found[kind][role] for role in run.roles},
        }
        for kind in ErrorKind
    }


def _parts(runs: Sequence[Run], groups: Mapping[str, Sequence[int]]) -> dict[str, list[Run]]:
    """The runs on the documents of every group."""

    def part(run: Run, numbers: Sequence[int]) -> Run:
        results: list[Result] = [run.results[number] for number in numbers]
        return replace(run, results=results)

    return {value: [part(run, numbers) for run in runs] for value, numbers in groups.items()}

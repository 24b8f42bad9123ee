"""Metrics of evaluations as the Hub's model index and as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult

from conflict_events.model_card.escaping import code, plain
from conflict_events.model_card.facts import ModelFacts
from conflict_events.reports.cells import cell, look_up, markdown_table, percent
from conflict_events.schema import TRIGGER

TASK = "token-classification"
_OF_SPANS = {"span_length", "document_length", "event_type", "seen"}  # slices by other keys are of the documents' meta
_CALIBRATED = ("spans", "triggers", "arguments", "events")


def eval_results(facts: ModelFacts) -> list[EvalResult]:
    """Every result, one for each corpus, split and measure; values are fractions."""
    datasets = {corpus.name: corpus.dataset for corpus in facts.corpora}
    results = []
    for record in facts.metrics:
        seeds = record.get("seeds", 1)
        suffix = f", mean of {seeds} seeds" if seeds > 1 else ""
        corpus = str(record["corpus"])
        results += [
            EvalResult(
                task_type=TASK,
                task_name="Conflict event extraction",
                dataset_type=datasets.get(corpus) or corpus,
                dataset_name=corpus,
                dataset_split=str(record["split"]),
                dataset_args={key: record[key] for key in ("documents", "gold_sha256") if key in record},
                metric_type=kind,
                metric_name=name + suffix,
                metric_value=round(value, 4),
                metric_args=args,
            )
            for name, kind, value, args in _measured(record)
        ]
    return results


def _measured(record: Mapping[str, Any]) -> Iterator[tuple[str, str, float, dict[str, Any] | None]]:
    """Name, kind, value and further arguments (the interval) of each measure."""
    yield from _score("roles", look_up(record, "scores.roles"), "strict", all_three=True)
    yield from _score("roles and triggers", look_up(record, "scores.overall"), "strict")
    for role, score in (look_up(record, "scores.per_role") or {}).items():
        yield from _score(role, score, "strict")
    for criterion in record.get("matching") or {}:
        yield from _score("roles", look_up(record, f"matching.{criterion}.roles"), f"{criterion} match")
    for match, measures in (record.get("events") or {}).items():
        for measure, value in measures.items():
            name = measure.replace("_", " ")
            if isinstance(value, Mapping):
                yield from _score(f"events, {name}", value, f"{match} spans")
            elif value is not None:
                yield f"events, {name} ({match} spans)", "accuracy", value, None
    for kind in _CALIBRATED:
        if (error := look_up(record, f"calibration.{kind}.ece")) is not None:
            yield f"expected calibration error of {kind}", "ece", error, None


def _score(
    name: str, score: Any, how: str, *, all_three: bool = False
) -> Iterator[tuple[str, str, float, dict[str, Any] | None]]:
    if not isinstance(score, Mapping):
        return
    interval = {"confidence_interval_95": [round(score[end], 4) for end in ("low", "high")]} if "low" in score else None
    yield f"{name}, F1 ({how})", "f1", score["f1"], interval
    if all_three:
        for kind in ("precision", "recall"):
            yield f"{name}, {kind} ({how})", kind, score[kind], None


def score_table(metrics: Sequence[Mapping[str, Any]]) -> str:
    """The main scores, a row for each evaluation; F1 and accuracy in percent."""
    roles = dict.fromkeys(
        role for record in metrics for role in look_up(record, "scores.per_role") or {} if role != TRIGGER
    )
    head = ["tested on", "roles", *map(plain, roles), TRIGGER, "head word", "linked", "types"]
    rows = []
    for record in metrics:
        scores = look_up(record, "scores.per_role") or {}
        rows.append(
            [
                _tested_on(record, metrics),
                cell(look_up(record, "scores.roles"), "interval"),
                *(cell(scores.get(role)) for role in roles),
                cell(scores.get(TRIGGER), "interval"),
                cell(look_up(record, "matching.head.roles")),
                cell(look_up(record, "events.exact.linked"), "interval"),
                cell(look_up(record, "events.exact.type_accuracy")),
            ]
        )
    return markdown_table(head, rows)


def calibration_table(metrics: Sequence[Mapping[str, Any]]) -> str | None:
    """Expected calibration errors in percent; None if no evaluation has any."""
    rows = []
    for record in metrics:
        errors = [look_up(record, f"calibration.{kind}.ece") for kind in _CALIBRATED]
        if any(error is not None for error in errors):
            rows.append([_tested_on(record, metrics), *(cell(error) for error in errors)])
    return markdown_table(["tested on", *_CALIBRATED], rows) if rows else None


def meta_tables(metrics: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """How scores differ by what is known of the documents: a heading and a table for each key of their meta."""
    for record in metrics:
        for key, values in (record.get("slices") or {}).items():
            if key in _OF_SPANS:
                continue
            rows = [
                [plain(value), str(part["documents"]), *(cell(part.get(kind)) for kind in ("roles", TRIGGER, "linked"))]
                for value, part in values.items()
            ]
            title = f"{_tested_on(record, metrics)}, by {plain(key)}"
            yield title, markdown_table([plain(key), "documents", "roles", TRIGGER, "linked"], rows)


def wordings(metrics: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Of each evaluation that tells: what it is, and the recall of wordings that training has and of others."""
    for record in metrics:
        parts = [look_up(record, f"unseen.roles.{part}.recall") for part in ("seen", "unseen")]
        if None not in parts:
            yield _tested_on(record, metrics), percent(parts[0]), percent(parts[1])


def _tested_on(record: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> str:
    """Corpus, split and size; the systems too, where others were tested on the same."""
    seeds = record.get("seeds", 1)
    task = (record["corpus"], record["split"])
    told = f"{code(record['corpus'])} {plain(record['split'])}, {plain(record['documents'])} documents"
    if seeds > 1:
        told += f", mean of {plain(seeds)} seeds"
    if sum((other["corpus"], other["split"]) == task for other in metrics) > 1:
        told += f" ({plain(record.get('model', ''))})"
    return told

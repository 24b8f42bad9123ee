"""The folder of an evaluation: ``metrics.json``, and ``predictions.jsonl`` beside it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from conflict_events.corpora.reading import parse_line
from conflict_events.errors import ConfigError, DataError, InputError
from conflict_events.evaluation.measures import FORMAT
from conflict_events.evaluation.predictions import FILE, read_predictions
from conflict_events.evaluation.results import Gold, Run
from conflict_events.schema import Span

METRICS = "metrics.json"


def read_metrics(path: Path) -> dict[str, Any]:
    """The content of a ``metrics.json``.

    Raises:
        InputError: if there is no such file.
        DataError: if it is not JSON, or of another format.
    """
    if not path.is_file():
        raise InputError(
            "there is no such file", where=str(path), remedy="give the folder of an evaluation: its output_dir"
        )
    metrics = parse_line(str(path), path.read_bytes())
    if metrics.get("format") != FORMAT:
        raise DataError(
            f"the metrics have format {metrics.get('format')!r}, not {FORMAT}",
            where=str(path),
            remedy="evaluate again with this version",
        )
    return metrics


def load_run(folder: Path, gold: Gold) -> Run:
    """What an evaluation of one system found.

    Raises:
        InputError: if the folder lacks ``metrics.json`` or ``predictions.jsonl``.
        ConfigError: if it was scored on other documents or another annotation than ``gold``.
        DataError: if the predictions do not belong to the documents.
    """
    metrics = read_metrics(folder / METRICS)
    if metrics["gold_sha256"] != gold.sha256:
        raise ConfigError(
            f"the run was scored on {_task(metrics)}, which is not {_task(gold.to_record())}: other documents, or "
            "another annotation of them",
            where=str(folder),
            remedy=f"give corpus={metrics['corpus']} split={metrics['split']} and limit= as it was scored, or evaluate "
            "it again",
        )
    run = read_predictions(folder / FILE, gold, list(metrics["scores"]["per_role"]))
    texts = {document.id: document.text for document in gold.documents}
    cut: dict[str, set[Span]] = defaultdict(set)
    for span in metrics["cut"]:
        cut[span["id"]].add(Span.of(texts[span["id"]], span["role"], span["start"], span["end"]))
    return replace(run, results=[replace(r, cut=frozenset(cut[r.document.id])) for r in run.results])


def _task(record: dict[str, Any]) -> str:
    return f"{record['corpus']} {record['split']} ({record['documents']} documents, {record['gold_sha256'][:12]})"

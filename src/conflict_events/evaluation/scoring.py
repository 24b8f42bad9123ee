"""A system on a split: its predictions, written and scored as they were written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conflict_events.config import CheckpointConfig, EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError
from conflict_events.evaluation.measures import errors_of, measures
from conflict_events.evaluation.predictions import FILE, read_predictions, write_predictions
from conflict_events.evaluation.records import METRICS, load_run
from conflict_events.evaluation.results import Gold, Run
from conflict_events.extractor import EventExtractor
from conflict_events.metrics.errors import Error
from conflict_events.schema import Document, Event, Span
from conflict_events.windows import cut_spans
from conflict_events.writers import write_json


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of an evaluation.

    Attributes:
        metrics: the content of ``metrics.json``.
        runs: what was scored: one run, or one of each seed.
    """

    metrics: dict[str, Any]
    runs: Sequence[Run]

    @property
    def documents(self) -> list[Document]:
        return [result.document for result in self.runs[0].results]

    @property
    def spans(self) -> list[Sequence[Span]]:
        """Of the first run, by document."""
        return [result.spans for result in self.runs[0].results]

    @property
    def events(self) -> list[Sequence[Event]]:
        """Of the first run, by document."""
        return [result.events for result in self.runs[0].results]

    @property
    def errors(self) -> list[Error]:
        """Of the first run."""
        return errors_of(self.runs[0])


def evaluate(config: EvaluateConfig, corpus: Corpus) -> Evaluation:
    """Score a checkpoint, predictions, or several seeds of one system; the packaged model if none is named.

    Writes ``metrics.json`` and, other than of ``config.runs``, ``predictions.jsonl`` into ``config.output_dir``.

    Raises:
        ConfigError: if the checkpoint tags none of the corpus's roles; if documents lack the key ``config.by``.
        CheckpointError: if the checkpoint cannot be loaded.
        DataError: if there are no documents, or predictions do not belong to them.
        InputError: if predictions or the folder of a run are not there.
    """
    gold = Gold.of(corpus, config.split, config.limit)
    if config.by is not None:
        gold.grouped(config.by)  # a key that is not there is told before anything is predicted
    folder = Path(config.output_dir)
    runs = scored_runs(config, gold, folder) or [_model_run(config.model, gold, folder)]
    return Evaluation(scored(runs, gold, folder, config.by), runs)


def scored_runs(config: EvaluateConfig, gold: Gold, folder: Path) -> list[Run]:
    """The runs that a config names; none if it names no system. Predictions of one run are written into ``folder``."""
    if config.runs is not None:
        if len(set(config.runs)) < len(config.runs) or not config.runs:
            raise ConfigError(f"runs={config.runs} are none, or repeat", remedy="name the folder of each seed once")
        return [load_run(Path(run), gold) for run in config.runs]
    if config.predictions is not None:
        run = read_predictions(Path(config.predictions), gold)
        found = ((result.spans, result.events) for result in run.results)
        return [predicted_run(found, gold, folder, run.name, run.finds_events, gold.roles)]
    return [_model_run(config.model, gold, folder)] if config.model.path else []


def scored(runs: Sequence[Run], gold: Gold, folder: Path, by: str | None = None) -> dict[str, Any]:
    """Score runs and write ``metrics.json``."""
    metrics = measures(runs, gold, by)
    write_json(folder / METRICS, metrics)
    return metrics


def predicted_run(
    found: Iterable[tuple[Iterable[Span], Iterable[Event]]],
    gold: Gold,
    folder: Path,
    name: str | None,
    finds_events: bool,
    roles: Collection[str],
) -> Run:
    """What a system found, written and read again: the run is what its file says.

    Args:
        found: spans, triggers among them, and events of each document, in order.
        gold: the documents.
        folder: where ``predictions.jsonl`` is written.
        name: of the system.
        finds_events: whether it looks for events.
        roles: what it knows.

    Raises:
        ConfigError: if the corpus has none of the roles.
    """
    shared = [role for role in gold.roles if role in roles]
    if not shared:
        raise ConfigError(
            f"{name or 'the system'} tags {', '.join(roles)}, the corpus {gold.corpus!r} has {', '.join(gold.roles)}",
            remedy="evaluate on a corpus with the same roles",
        )
    write_predictions(folder / FILE, gold.documents, found, name, finds_events)
    return read_predictions(folder / FILE, gold, shared)


def _model_run(config: CheckpointConfig, gold: Gold, folder: Path) -> Run:
    extractor = EventExtractor.from_config(config)
    texts = [document.text for document in gold.documents]
    found = tqdm(extractor.read_many(texts), total=len(texts), unit=" documents", disable=None)
    run = predicted_run(found, gold, folder, extractor.name, extractor.finds_events, extractor.tagger.scheme.roles)
    tagger, results = extractor.tagger, []
    for text, result, tokens in zip(texts, run.results, tagger.tokenizer(texts), strict=True):
        cut = cut_spans(tagger.windows(text, tokens), tokens.offsets, result.document.spans)
        results.append(replace(result, cut=frozenset(cut)))
    return replace(run, results=results)

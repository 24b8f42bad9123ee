"""Scores of a checkpoint on a corpus, through the extractor, as users get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conflict_events.config import EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError
from conflict_events.extractor import EventExtractor
from conflict_events.metrics.events import Match, event_scores
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Event, Layer, Span
from conflict_events.writers import write_json


@dataclass(frozen=True, slots=True)
class _Result:
    """A document and what was found in it."""

    document: Document
    spans: Sequence[Span]
    events: Sequence[Event]


def evaluate(config: EvaluateConfig, corpus: Corpus) -> dict[str, Any]:
    """Span and event scores, overall and, with ``config.by``, for every value of that key of the documents' meta.

    Writes ``metrics.json`` into ``config.output_dir``.

    Raises:
        ConfigError: if the checkpoint tags none of the corpus's roles, or documents lack the key ``config.by``.
        CheckpointError: if the checkpoint cannot be loaded.
    """
    documents = corpus.split(config.split)[: config.limit]
    extractor = EventExtractor.from_config(config.model)
    roles = [role for role in corpus.config.roles if role in extractor.tagger.scheme.roles]
    if not roles:
        raise ConfigError(
            f"the checkpoint tags {', '.join(extractor.tagger.scheme.roles)}, the corpus {corpus.config.name!r} has "
            f"{', '.join(corpus.config.roles)}",
            remedy="evaluate on a corpus with the same roles",
        )
    for document in documents:
        if config.by is not None and config.by not in document.meta:
            raise ConfigError(
                f"document {document.id!r} has no {config.by!r} in its meta",
                remedy=f"group by one of: {', '.join(map(str, document.meta)) or '(it has none)'}",
            )
    found = extractor.read_many(document.text for document in documents)
    bar = tqdm(found, total=len(documents), unit=" documents", disable=None)
    results = [_Result(document, spans, events) for document, (spans, events) in zip(documents, bar, strict=True)]
    metrics: dict[str, Any] = {
        "corpus": corpus.config.name,
        "split": config.split,
        "documents": len(documents),
        "model": extractor.name,
        **_scores(results, roles, extractor.finds_events),
    }
    if config.by is not None:
        groups: dict[str, list[_Result]] = {}
        for result in results:
            groups.setdefault(str(result.document.meta[config.by]), []).append(result)
        metrics["by"] = {
            value: _scores(group, roles, extractor.finds_events) for value, group in sorted(groups.items())
        }
    write_json(Path(config.output_dir) / "metrics.json", metrics)
    return metrics


def _scores(results: Sequence[_Result], roles: Sequence[str], finds_events: bool) -> dict[str, Any]:
    """``scores`` of spans and, where both sides have events, ``events``: by exact, head and overlapping match."""
    strict = strict_scores([r.document.spans for r in results], [r.spans for r in results], roles)
    record: dict[str, Any] = {"scores": strict.to_record()}
    with_events = [r for r in results if Layer.EVENTS in r.document.layers]
    if finds_events and with_events:
        gold, predicted = [r.document for r in with_events], [r.events for r in with_events]
        record["events"] = {match.value: event_scores(gold, predicted, match).to_record() for match in Match}
    return record

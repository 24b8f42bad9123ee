"""Scores of a checkpoint on a corpus, through the extractor, as users get it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conflict_events.config import EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError
from conflict_events.extractor import EventExtractor
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Span
from conflict_events.writers import write_json


def evaluate(config: EvaluateConfig, corpus: Corpus) -> dict[str, Any]:
    """Strict scores overall and, with ``config.by``, for every value of that key of the documents' meta.

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
    tagged = extractor.tagger.tag_many(document.text for document in documents)
    bar = tqdm(tagged, total=len(documents), unit=" documents", disable=None)
    pairs = [(document, spans) for document, (_, spans) in zip(documents, bar, strict=True)]
    metrics: dict[str, Any] = {
        "corpus": corpus.config.name,
        "split": config.split,
        "documents": len(documents),
        "model": extractor.name,
        "scores": _scores(pairs, roles),
    }
    if config.by is not None:
        groups: dict[str, list[tuple[Document, Sequence[Span]]]] = {}
        for document, spans in pairs:
            groups.setdefault(str(document.meta[config.by]), []).append((document, spans))
        metrics["by"] = {value: _scores(group, roles) for value, group in sorted(groups.items())}
    write_json(Path(config.output_dir) / "metrics.json", metrics)
    return metrics


def _scores(pairs: Sequence[tuple[Document, Sequence[Span]]], roles: Sequence[str]) -> dict[str, Any]:
    return strict_scores([document.spans for document, _ in pairs], [spans for _, spans in pairs], roles).to_record()

"""What is done with a chunk, wherever it is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from conflict_events.articles import Article, BadRecord
from conflict_events.batch.chunks import Chunk, Done, Found, Result
from conflict_events.config import CheckpointConfig
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.writers import WRITERS


class Extractor(Protocol):
    """What :class:`conflict_events.EventExtractor` does for a run."""

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        """The extractions of texts, in their order."""
        ...


Factory = Callable[[int | None], Extractor]
"""Makes an extractor that takes so many cores; None for all. Picklable, so that it can be called anywhere."""


@dataclass(frozen=True)
class Checkpoint:
    """Makes extractors of a checkpoint.

    Attributes:
        config: which, and how it is used.
    """

    config: CheckpointConfig

    def __call__(self, threads: int | None) -> Extractor:
        return EventExtractor.from_config(dataclasses.replace(self.config, threads=self.config.threads or threads))


@dataclass(frozen=True)
class Task:
    """How to work; it goes to other processes and machines, and each makes its own extractor.

    Attributes:
        make: makes the extractor.
        format: of what is written: ``jsonl``, ``csv`` or ``parquet``.
        show: how many articles of a chunk come back with their extractions.
    """

    make: Factory
    format: str
    show: int = 0

    def start(self, threads: int | None = None) -> Callable[[Chunk], Done]:
        """Make an extractor that takes so many cores; what is returned works with it."""
        extractor = self.make(threads)
        return lambda chunk: self._work(chunk, extractor)

    def _work(self, chunk: Chunk, extractor: Extractor) -> Done:
        articles = [record for record in chunk.records if isinstance(record, Article)]
        found = iter(zip(range(len(articles)), articles, _extract(articles, extractor), strict=True))
        results = [record if isinstance(record, BadRecord) else self._result(*next(found)) for record in chunk.records]
        return Done(tuple(results), chunk.next, chunk.read)

    def _result(self, number: int, article: Article, extraction: Extraction | BadRecord) -> Result:
        if isinstance(extraction, BadRecord):
            return extraction
        return Found(
            WRITERS[self.format].render(article.text, extraction),
            len(extraction.events),
            len(extraction.spans),
            extraction.skipped,
            (article, extraction) if number < self.show else None,
        )


def failed(article: Article, reason: str) -> BadRecord:
    """The bad record of an article that could be read, but not worked on."""
    return BadRecord(article.id, reason, {"id": article.id, "text": article.text, "meta": dict(article.meta)})


def _extract(articles: Sequence[Article], extractor: Extractor) -> list[Extraction | BadRecord]:
    try:
        extractions = list(extractor.extract_many(article.text for article in articles))
    except Exception as error:  # torch and tokenizers raise whatever they like
        if len(articles) == 1:
            return [failed(articles[0], f"{type(error).__name__}: {error}")]
        # One of them is at fault: the others must not be lost with it.
        return [result for article in articles for result in _extract([article], extractor)]
    return [
        dataclasses.replace(extraction, id=article.id, meta=article.meta)
        for article, extraction in zip(articles, extractions, strict=True)
    ]

"""The local runner: articles stream in, records stream out, bad ones go to a file of their own."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from conflict_events.articles import Article, BadRecord
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.writers import JsonlWriter, extraction_writer

# Articles read before the encoder runs; it sorts their windows by length, so more of them waste less on padding.
_GROUP = 256


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    articles: int
    events: int
    bad: int
    seconds: float

    def __str__(self) -> str:
        rate = self.articles / self.seconds if self.seconds else 0.0
        return f"{self.articles} articles, {self.events} events, {self.bad} bad records, {rate:.1f} articles/s"


def run(
    records: Iterable[Article | BadRecord],
    extractor: EventExtractor,
    output: Path,
    errors: Path,
    observe: Callable[[Article, Extraction], None] | None = None,
) -> Summary:
    """Extract events from articles and write them in the order of the input.

    ``output`` decides by its suffix: ``.csv`` and ``.parquet`` get a row for each event, others a JSON record for each
    article.

    Bad records, and articles that the extractor fails on, go to ``errors`` with their reasons; the run goes on.
    The error file is written only if there are any. ``observe`` is shown every article with its extraction.

    Raises:
        InputError: if the output cannot be written.
    """
    began = time.perf_counter()
    articles = events = 0
    with (
        extraction_writer(output) as writer,
        JsonlWriter(errors) as bad,
        tqdm(unit=" articles", disable=None) as bar,
    ):
        for result in _results(records, extractor):
            if isinstance(result, BadRecord):
                bad.write(result.to_record())
                continue
            article, extraction = result
            writer.add(article.text, extraction)
            if observe is not None:
                observe(article, extraction)
            articles += 1
            events += len(extraction.events)
            bar.update()
    if not bad.count:
        errors.unlink()
    return Summary(articles, events, bad.count, time.perf_counter() - began)


def _results(
    records: Iterable[Article | BadRecord], extractor: EventExtractor
) -> Iterator[tuple[Article, Extraction] | BadRecord]:
    """What came of every record, in order."""
    iterator = iter(records)
    while group := list(islice(iterator, _GROUP)):
        articles = [record for record in group if isinstance(record, Article)]
        found = iter(zip(articles, _extract(articles, extractor), strict=True))
        for record in group:
            if isinstance(record, BadRecord):
                yield record
                continue
            article, result = next(found)
            yield result if isinstance(result, BadRecord) else (article, result)


def _extract(articles: list[Article], extractor: EventExtractor) -> list[Extraction | BadRecord]:
    try:
        extractions = list(extractor.extract_many(article.text for article in articles))
    except Exception as error:  # torch and tokenizers raise whatever they like
        if len(articles) == 1:
            article = articles[0]
            record = {"id": article.id, "text": article.text, "meta": dict(article.meta)}
            return [BadRecord(article.id, f"{type(error).__name__}: {error}", record)]
        # One of them is at fault: the others must not be lost with it.
        return [result for article in articles for result in _extract([article], extractor)]
    return [
        dataclasses.replace(extraction, id=article.id, meta=article.meta)
        for article, extraction in zip(articles, extractions, strict=True)
    ]

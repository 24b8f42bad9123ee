"""Articles through each system in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm
from transformers import AutoTokenizer, pipeline

from conflict_events.checkpoint import Settings
from conflict_events.config import BenchmarkConfig, EngineKind
from conflict_events.errors import ConfigError
from conflict_events.extractor import EventExtractor
from conflict_events.windows import TextTokenizer

System = Callable[[Sequence[str]], object]
_BATCH = 8  # of the pipeline: it is no faster with others


def inference(config: BenchmarkConfig, folder: Path, texts: Sequence[str]) -> dict[str, Any]:
    """By article length in words, then by system: ``seconds``, ``tokens_per_second``, ``ratio`` to the pipeline.

    Raises:
        ConfigError: if there is no text to make articles of.
    """
    torch.set_num_threads(config.threads)
    systems = {name: _SYSTEMS[name](folder, config.threads) for name in config.systems}
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json")
    record = {}
    for words in config.lengths:
        articles = list(articles_of(texts, words, max(1, config.words // words)))
        tokens = sum(map(len, tokenizer(articles)))
        record[str(words)] = _turns(systems, articles, tokens, config.rounds)
    return record


def articles_of(texts: Sequence[str], words: int, count: int) -> Iterator[str]:
    """Articles of a given number of words, cut from the texts one after the other, again and again.

    Raises:
        ConfigError: if there are no words in them.
    """
    if not any(text.split() for text in texts):
        raise ConfigError("there is no text to measure with", remedy="choose another corpus or split")
    source = (word for text in cycle(texts) for word in text.split(" ") if word)
    for _ in range(count):
        yield " ".join(next(source) for _ in range(words))


def _turns(systems: dict[str, System], articles: Sequence[str], tokens: int, rounds: int) -> dict[str, Any]:
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    for work in systems.values():
        work(articles[:1])  # what is done once is no part of it
    for _ in tqdm(range(rounds), unit=" rounds", disable=None):
        for name, work in systems.items():
            began = time.perf_counter()
            work(articles)
            seconds[name].append(time.perf_counter() - began)
    base = min(seconds["pipeline"]) if "pipeline" in seconds else None
    return {
        name: {
            "articles": len(articles),
            "tokens": tokens,
            "seconds": taken,
            "tokens_per_second": tokens / min(taken),
            "ratio": None if base is None else base / min(taken),
        }
        for name, taken in seconds.items()
    }


def _bare_pipeline(folder: Path, threads: int, **options: Any) -> System:
    """As it comes: one text at a time, in windows of the tokenizer's own length."""
    tagger = pipeline(
        "token-classification",
        model=str(folder),
        aggregation_strategy="first",
        stride=Settings.load(folder).window.overlap,
        device="cpu",
        **options,
    )
    return lambda articles: tagger(list(articles))


def _pipeline(folder: Path, threads: int) -> System:
    """As its users call it who know it: texts in batches, windows of the checkpoint's own size."""
    longest = Settings.load(folder).window.max_tokens
    tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=longest)
    return _bare_pipeline(folder, threads, tokenizer=tokenizer, batch_size=_BATCH)


def _engine(kind: EngineKind) -> Callable[[Path, int], System]:
    def load(folder: Path, threads: int) -> System:
        extractor = EventExtractor.from_pretrained(folder, engine=kind, device="cpu", threads=threads)
        return lambda articles: [extraction.to_record() for extraction in extractor.extract_many(articles)]

    return load


_SYSTEMS: dict[str, Callable[[Path, int], System]] = {
    "bare_pipeline": _bare_pipeline,
    "pipeline": _pipeline,
    "torch": _engine(EngineKind.torch),
    "onnx": _engine(EngineKind.onnx),
}

"""What every baseline is: fitted to annotated documents, then asked for the spans and events of texts."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from conflict_events.config import ModelConfig
from conflict_events.errors import ConfigError, DataError
from conflict_events.linking.rule import TypeModel, assemble
from conflict_events.schema import Document, Event, Span

Prediction = tuple[list[Span], list[Event]]
"""The spans of a text, triggers among them, and its events."""


class Baseline(Protocol):
    """A whole system: spans and events of a text, learned from a corpus."""

    def fit(self, train: Sequence[Document], dev: Sequence[Document], roles: Sequence[str]) -> None:
        """Learn from ``train`` and choose settings on ``dev``; without dev documents the defaults stay.

        Raises:
            DataError: if there is nothing to learn from.
        """
        ...

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """The spans, in text order, and events of each text; offsets are half-open characters into it."""
        ...


class ReadsMany(Protocol):
    """What :class:`~conflict_events.extractor.EventExtractor` does."""

    def read_many(self, texts: Iterable[str]) -> Iterator[tuple[Sequence[Span], Sequence[Event]]]:
        """The spans of each text, triggers among them, and its events."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of baselines; each takes those that it has a use for.

    Attributes:
        seed: of everything random.
        language: of the texts, for sentence boundaries.
        model: the encoder of ``plain_128`` and ``plain_256``.
        epochs: over the train split, for the same.
        learning_rate: its peak, for the same.
        batch_size: documents a step, for the same.
        bf16: mixed precision, for the same.
        extractor: whose spans ``nearest`` takes.
    """

    seed: int = 13
    language: str = "en"
    model: ModelConfig = field(default_factory=ModelConfig)
    epochs: float = 10.0
    learning_rate: float = 3e-4
    batch_size: int = 8
    bf16: bool = False
    extractor: ReadsMany | None = None


def optional_module(name: str) -> Any:
    """A module of the ``baselines`` extra.

    Raises:
        ConfigError: if it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"this baseline needs {error.name}, which is not installed",
            remedy="pip install 'conflict-events[baselines]'",
        ) from None


def check_train(train: Sequence[Document]) -> None:
    """Refuse to learn from nothing.

    Raises:
        DataError: if no document has any text.
    """
    if not any(document.text.strip() for document in train):
        raise DataError(
            f"the train split has no text to learn from, in {len(train)} documents", remedy="check corpus.path"
        )


def events_by_rule(text: str, spans: Sequence[Span], types: TypeModel | None, language: str) -> list[Event]:
    """Events by the sentence rule; none where the corpus annotates no events (``types`` is None)."""
    return assemble(text, spans, types, language) if types else []

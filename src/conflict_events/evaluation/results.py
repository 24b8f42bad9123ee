"""What is scored: the annotated documents of a split, and what a system found in each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from conflict_events.corpora import Corpus
from conflict_events.corpora.fingerprint import fingerprint
from conflict_events.errors import ConfigError, DataError
from conflict_events.schema import TRIGGER, Document, Event, Layer, Span


@dataclass(frozen=True, slots=True)
class Gold:
    """The documents that systems are scored on.

    Attributes:
        corpus: its name.
        split: of the corpus.
        documents: annotated, each id once.
        roles: of the corpus, in its order.
        train: what the corpus has for training; None if it has nothing, or if that is what is scored.
    """

    corpus: str
    split: str
    documents: Sequence[Document]
    roles: tuple[str, ...]
    train: Sequence[Document] | None = None

    @classmethod
    def of(cls, corpus: Corpus, split: str, limit: int | None = None) -> Self:
        """A split of a corpus, or its first documents.

        Raises:
            ConfigError: if the corpus has no such split.
            DataError: if there are no documents, or two have the same id.
        """
        config = corpus.config
        documents = corpus.split(split)[:limit]
        if not documents:
            raise DataError(
                f"there are no documents to score in split {split!r} of corpus {config.name!r}",
                remedy="choose another split=, or a limit= above 0",
            )
        seen: set[str] = set()
        for document in documents:
            if document.id in seen:
                raise DataError(
                    f"two documents of split {split!r} have the id {document.id!r}: predictions cannot tell them apart",
                    remedy="give every document its own id (python scripts/prepare_data.py check=true lists them)",
                )
            seen.add(document.id)
        train = corpus.splits.get("train") if split != "train" else None
        return cls(config.name, split, documents, tuple(config.roles), train)

    @property
    def sha256(self) -> str:
        """The :func:`fingerprint` of the documents: the same for the same task."""
        return fingerprint(self.documents)

    @property
    def has_events(self) -> bool:
        """Whether events are annotated in any document."""
        return any(Layer.EVENTS in document.layers for document in self.documents)

    def grouped(self, key: str) -> dict[str, list[int]]:
        """The numbers of the documents with each value of a key of their meta, by value.

        Raises:
            ConfigError: if a document lacks the key.
        """
        groups: dict[str, list[int]] = defaultdict(list)
        for number, document in enumerate(self.documents):
            if key not in document.meta:
                raise ConfigError(
                    f"document {document.id!r} has no {key!r} in its meta",
                    remedy=f"group by one of: {', '.join(map(str, document.meta)) or '(it has none)'}",
                )
            groups[str(document.meta[key])].append(number)
        return dict(sorted(groups.items()))

    def scored(self, results: Iterable[Result], roles: Collection[str]) -> list[Result]:
        """Results without what is not scored, on both sides.

        Spans and arguments in other roles than ``roles`` are left out. Where some documents have the layer ``events``
        and one does not, nobody looked for its triggers: those found are neither right nor wrong.
        """
        has_events, without_triggers = self.has_events, {*roles} - {TRIGGER}
        kept = []
        for result in results:
            document = result.document
            unread = has_events and Layer.EVENTS not in document.layers
            scored = without_triggers if unread else roles
            annotated, found = (
                () if unread else tuple(replace(event, arguments=_in(scored, event.arguments)) for event in events)
                for events in (document.events, result.events)
            )
            document = replace(document, role_spans=_in(scored, document.role_spans), events=annotated)
            kept.append(replace(result, document=document, spans=_in(scored, result.spans), events=found))
        return kept

    def to_record(self) -> dict[str, Any]:
        """What metrics and comparisons say of it."""
        return {
            "corpus": self.corpus,
            "split": self.split,
            "documents": len(self.documents),
            "gold_sha256": self.sha256,
        }


def _in(roles: Collection[str], spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.role in roles)


@dataclass(frozen=True, slots=True)
class Result:
    """A document and what was found in it.

    Attributes:
        document: as annotated, as far as it is scored.
        spans: every span found, triggers and arguments of events among them, each ``(role, start, end)`` once.
        events: found.
        cut: annotated spans that no window showed whole to the model that was used.
    """

    document: Document
    spans: tuple[Span, ...]
    events: tuple[Event, ...]
    cut: frozenset[Span] = frozenset()

    @classmethod
    def of(cls, document: Document, spans: Iterable[Span], events: Iterable[Event], cut: Collection[Span] = ()) -> Self:
        """The result with the spans of events added to ``spans``; of repeated spans the most confident is kept."""
        found = tuple(events)
        kept: dict[tuple[str, int, int], Span] = {}
        for span in sorted(spans):  # the order of spans ends with their score
            kept[span.key] = span
        for event in found:
            for span in (event.trigger, *event.arguments):
                kept.setdefault(span.key, span)
        return cls(document, tuple(sorted(kept.values())), found, frozenset(cut))


@dataclass(frozen=True, slots=True)
class Run:
    """What one system found in the documents of a split.

    Attributes:
        name: of the system.
        results: one for each document of the gold, in its order.
        finds_events: whether the system looks for events at all; others are scored on spans only.
        roles: those that are scored: of the corpus, and known to the system.
    """

    name: str
    results: Sequence[Result]
    finds_events: bool
    roles: tuple[str, ...]

    @property
    def with_events(self) -> list[Result]:
        """The results of documents whose events are annotated; none if the system finds no events."""
        return [r for r in self.results if Layer.EVENTS in r.document.layers] if self.finds_events else []

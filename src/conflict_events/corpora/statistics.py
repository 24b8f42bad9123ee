"""What a corpus holds: counts, lengths, and texts that stand in it more than once."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from conflict_events.corpora.formats import markup
from conflict_events.corpora.reading import Log
from conflict_events.errors import ConflictEventsError
from conflict_events.metrics.agreement import Agreement, agreement
from conflict_events.schema import Document

_WORD = re.compile(r"\w+")
_SHINGLE = 5  # words
_LARGEST_GROUP = 100  # more values of a meta key than that are no grouping
_BOILERPLATE = 50  # a sequence of words in more documents than that says nothing about two of them


@dataclass(frozen=True)
class SplitCounts:
    """Counts of one split.

    Attributes:
        documents: all of them.
        without_events: documents without events (or, in a corpus without events, without spans).
        words: runs of characters without white space.
        events: all of them.
        types: events by type.
        roles: distinct spans by role, triggers included.
        groups: documents by the values of each key of the meta that groups them.
    """

    documents: int
    without_events: int
    words: int
    events: int
    types: Counter[str]
    roles: Counter[str]
    groups: Mapping[str, Counter[str]]


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Two documents that share text.

    Attributes:
        one: ``split/id``.
        other: ``split/id``.
        share: of the 5-word sequences of the shorter document, how many stand in the other, in [0, 1].
        across: whether they stand in different splits.
    """

    one: str
    other: str
    share: float
    across: bool


def count(documents: Sequence[Document], keys: Iterable[str]) -> SplitCounts:
    """The counts of a split, grouped by the ``keys`` of the documents' meta."""
    return SplitCounts(
        documents=len(documents),
        without_events=sum(not (document.events or document.role_spans) for document in documents),
        words=sum(len(document.text.split()) for document in documents),
        events=sum(len(document.events) for document in documents),
        types=Counter(event.type.value for document in documents for event in document.events),
        roles=Counter(str(span.role) for document in documents for span in document.spans),
        groups={key: Counter(_group(document.meta.get(key)) for document in documents) for key in keys},
    )


def grouping_keys(documents: Iterable[Document]) -> list[str]:
    """Keys of the meta that sort documents into some groups: region, style, source.

    Their values are texts, whole numbers or nothing, 2 to 100 different ones.
    """
    values: dict[str, set[str]] = defaultdict(set)
    others: set[str] = {"split"}
    for document in documents:
        for key, value in document.meta.items():
            if value is None or isinstance(value, str | int):
                values[key].add(_group(value))
            else:
                others.add(key)
    return [key for key, found in values.items() if 1 < len(found) <= _LARGEST_GROUP and key not in others]


def _group(value: object) -> str:
    return "" if value is None else str(value)


def span_lengths(documents: Iterable[Document]) -> dict[str, Counter[int]]:
    """Lengths of the spans of each role in words, how often each occurs."""
    lengths: dict[str, Counter[int]] = defaultdict(Counter)
    for document in documents:
        for span in document.spans:
            lengths[str(span.role)][max(1, len(_WORD.findall(span.text)))] += 1
    return dict(lengths)


def surface_forms(documents: Iterable[Document]) -> dict[str, Counter[str]]:
    """The wordings of the spans of each role, in lower case, how often each occurs."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for document in documents:
        for span in document.spans:
            forms[str(span.role)][" ".join(span.text.lower().split())] += 1
    return dict(forms)


def resemblances(splits: Mapping[str, Sequence[Document]], least: float = 0.25) -> list[Resemblance]:
    """Pairs of documents that share at least ``least`` of their 5-word sequences, most alike first.

    A sequence that stands in more than 50 documents (a header, a disclaimer) is not counted as shared.
    """
    named = [
        (f"{split}/{document.id}", split, document) for split, documents in splits.items() for document in documents
    ]
    shingles = [_shingles(document.text) for _, _, document in named]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in enumerate(shingles):
        for shingle in found:
            holders[shingle].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if 1 < len(numbers) <= _BOILERPLATE:
            shared.update((a, b) for n, a in enumerate(numbers) for b in numbers[n + 1 :])
    pairs = [
        Resemblance(
            named[a][0], named[b][0], common / min(len(shingles[a]), len(shingles[b])), named[a][1] != named[b][1]
        )
        for (a, b), common in shared.items()
    ]
    return sorted((p for p in pairs if p.share >= least), key=lambda p: (-p.share, p.one, p.other))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[start : start + _SHINGLE]) for start in range(len(words) - _SHINGLE + 1)}


def annotators_agree(folder: Path) -> Agreement | None:
    """Agreement of the marked-up articles below ``folder/first`` and ``folder/second``; None if there are none.

    Raises:
        DataError: if an article is not well-formed, or the two sides hold different articles.
    """
    sides: list[list[Document]] = []
    for side in ("first", "second"):
        if not (folder / side).is_dir():
            return None
        documents: list[Document] = []
        for _, item in markup.read(folder / side, Log()):
            if isinstance(item, ConflictEventsError):
                raise item
            documents.append(item)
        sides.append(documents)
    return agreement(*sides) if any(sides) else None

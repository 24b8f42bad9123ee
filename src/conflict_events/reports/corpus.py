"""The corpus report: what stands in an annotated corpus, in counts, lengths, examples and duplicates."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from conflict_events.corpora import Corpus
from conflict_events.corpora.statistics import (
    annotators_agree,
    count,
    grouping_keys,
    resemblances,
    span_lengths,
    surface_forms,
)
from conflict_events.reports import write_page
from conflict_events.schema import TRIGGER, Document, EventType, Role, Span

_EXAMPLES = 3  # for each event type
_CONTEXT = 260  # characters around an event
_LONGEST = 12  # words; longer spans share the last bar
_FORMS = 15
_PAIRS = 50
_ORDER = {str(role): number for number, role in enumerate([*Role, TRIGGER])}


@dataclass(frozen=True)
class Example:
    """A passage with its spans, as pieces of text with the roles that they stand in."""

    id: str
    type: str
    pieces: list[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Table:
    """Counts by split: ``(name, count in each split, their sum, the sum's share of the largest)``."""

    title: str
    rows: list[tuple[str, list[int], int, float]]


def write_corpus_report(corpus: Corpus, path: Path) -> None:
    """Write an HTML page on a corpus.

    Args:
        corpus: the documents; if ``agreement/first`` and ``agreement/second`` stand in its folder, the agreement of
            the two annotators is computed from them.
        path: of the page.
    """
    splits = corpus.splits
    documents = [document for split in splits.values() for document in split]
    keys = grouping_keys(documents)
    counts = {split: count(held, keys) for split, held in splits.items()}
    roles = [role for role in corpus.config.roles if any(role in c.roles for c in counts.values())]
    types = [t.value for t in EventType if any(t.value in c.types for c in counts.values())]
    lengths = span_lengths(documents)
    forms = surface_forms(documents)
    alike = resemblances(splits)
    write_page(
        path,
        "corpus.html",
        name=corpus.config.name,
        counts=counts,
        roles=roles,
        tables=[
            _table("Spans by role", roles, [c.roles for c in counts.values()]),
            _table("Events by type", types, [c.types for c in counts.values()]),
            *(_table(f"Documents by {key}", None, [c.groups[key] for c in counts.values()]) for key in keys),
        ],
        histograms={role: _histogram(lengths[role]) for role in roles if role in lengths},
        forms={role: forms[role].most_common(_FORMS) for role in roles if role in forms},
        distinct={role: len(forms[role]) for role in roles if role in forms},
        examples=list(_examples(documents)),
        agreement=annotators_agree(Path(corpus.config.path) / "agreement"),
        alike=alike[:_PAIRS],
        across=sum(pair.across for pair in alike),
        alike_total=len(alike),
        left_out=corpus.left_out,
    )


def _table(title: str, names: Sequence[str] | None, by_split: Sequence[Counter[str]]) -> Table:
    """A table with these rows; None for all there are, the most frequent first."""
    total: Counter[str] = sum(by_split, Counter())
    most = max(total.values(), default=1)
    held = [name for name, _ in total.most_common()] if names is None else names
    return Table(title, [(name, [c[name] for c in by_split], total[name], total[name] / most) for name in held])


def _histogram(lengths: Counter[int]) -> list[tuple[str, int, float]]:
    """``(length, count, share of the highest bar)``."""
    bars = [lengths[n] for n in range(1, _LONGEST)] + [sum(c for n, c in lengths.items() if n >= _LONGEST)]
    names = [*map(str, range(1, _LONGEST)), f"{_LONGEST}+"]
    return [(name, bar, bar / max(bars)) for name, bar in zip(names, bars, strict=True)]


def _examples(documents: Sequence[Document]) -> Iterator[Example]:
    """Some passages of every event type (or, without events, some with spans), the same ones each time."""
    by_type: dict[str, list[tuple[Document, Span, Sequence[Span]]]] = defaultdict(list)
    for document in sorted(documents, key=lambda d: hashlib.sha256(d.id.encode()).digest()):
        for event in document.events:
            by_type[event.type.value].append((document, event.trigger, (event.trigger, *event.arguments)))
        if not document.events and document.role_spans:
            by_type["no event"].append((document, document.role_spans[0], document.role_spans))
    for kind in [*(t.value for t in EventType), "no event"]:
        seen: set[str] = set()
        for document, anchor, spans in by_type[kind]:
            if document.id not in seen and len(seen) < _EXAMPLES:
                seen.add(document.id)
                yield Example(document.id, kind, list(_pieces(document.text, anchor, spans)))


def _pieces(text: str, anchor: Span, spans: Sequence[Span]) -> Iterator[tuple[str, tuple[str, ...]]]:
    start = max(0, anchor.start - _CONTEXT)
    end = min(len(text), anchor.end + _CONTEXT)
    start = 0 if start == 0 else text.find(" ", start, anchor.start) + 1 or start
    if end < len(text) and (blank := text.rfind(" ", anchor.end, end)) > 0:  # in some scripts there is none
        end = blank
    edges = {start, end} | {edge for s in spans for edge in (s.start, s.end) if start < edge < end}
    cuts = sorted(edges)
    for one, other in pairwise(cuts):
        held = {str(s.role) for s in spans if s.start <= one and other <= s.end}
        yield text[one:other], tuple(sorted(held, key=lambda role: (_ORDER.get(role, len(_ORDER)), role)))

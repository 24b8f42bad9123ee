"""Small systems to score: documents whose annotation and predictions are written out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from conflict_events.evaluation.results import Gold, Result, Run
from conflict_events.schema import Document, Event, EventType, Layer, Role, Span

ROLES = ("attacker", "target", "location", "weapon", "trigger")
TEXT = "rebels bombed the village near hill 3 with mortars . troops fled ."

Marks = Iterable[tuple[str, str]]
"""Role and words, the first place where these stand."""


def span(role: str, words: str, score: float | None = None, text: str = TEXT) -> Span:
    start = text.index(words)
    return Span.of(text, role, start, start + len(words), score)


def event(trigger: str, *arguments: tuple[str, str], kind: str = "bombing", score: float | None = None) -> Event:
    return Event(
        EventType(kind), span("trigger", trigger, score), tuple(span(*item, score) for item in arguments), score
    )


def document(
    name: str,
    *events: Event,
    spans: Iterable[Span] = (),
    layers: Iterable[Layer] = Layer,
    text: str = TEXT,
    **meta: Any,
) -> Document:
    return Document(name, text, frozenset(layers), tuple(spans), tuple(events), meta)


def gold_of(*documents: Document, train: Sequence[Document] | None = None) -> Gold:
    return Gold("made", "dev", documents, ROLES, train)


def run_of(
    gold: Gold, *found: Sequence[Event], spans: Sequence[Iterable[Span]] = (), name: str = "made", events: bool = True
) -> Run:
    """What a system found: events of each document, and further spans."""
    more = [*spans, *([()] * (len(gold.documents) - len(spans)))]
    results = [Result.of(d, s, e) for d, s, e in zip(gold.documents, more, found, strict=True)]
    return Run(name, results, events, gold.roles)


FULL = event("bombed", ("attacker", "rebels"), ("target", "village"), ("location", "hill 3"), ("weapon", "mortars"))


def roles_of(record: dict[str, Any]) -> tuple[float, float, int]:
    return record["precision"], record["recall"], record["support"]


def write_lines(path: Path, *records: Any) -> Path:
    """A JSON-lines file; strings are lines as they are."""
    lines = (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) for record in records)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


ATTACKER = {"role": Role.ATTACKER.value, "start": 0, "end": 6, "text": "rebels", "score": 0.9}
EVENT = {
    "id": "E1", "type": "bombing", "score": 0.8, "trigger": {"start": 7, "end": 13, "text": "bombed"},
    "attacker": [{"start": 0, "end": 6, "text": "rebels", "score": 0.9}], "target": [], "location": [], "weapon": [],
}  # fmt: skip

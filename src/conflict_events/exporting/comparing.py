"""An exported engine against torch, on the articles of a corpus: the same scores in, the same spans and events out?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from conflict_events.engines.base import Engine
from conflict_events.exporting.graphs import example_links
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Event
from conflict_events.scores import Link, LinkScores, Scored
from conflict_events.tagging import Reading, Tagger


@dataclass
class Recorder:
    """An engine that keeps what another one is asked and what it says."""

    engine: Engine
    windows: list[tuple[Sequence[int], Scored]] = field(default_factory=list)
    links: list[tuple[Link, LinkScores]] = field(default_factory=list)

    @property
    def reach(self) -> int | None:
        return self.engine.reach

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        scored = self.engine.run(windows)
        self.windows += zip(windows, scored, strict=True)
        return scored

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        linked = self.engine.link(links)
        self.links += zip(links, linked, strict=True)
        return linked


@dataclass(frozen=True)
class Reference:
    """What torch makes of some articles.

    Attributes:
        tagger: the checkpoint with the torch engine.
        documents: the articles, annotated.
        readings: what is found in each.
        windows: all windows of them, with scores.
        links: all events, and some made up, with scores.
    """

    tagger: Tagger
    documents: Sequence[Document]
    readings: Sequence[Reading]
    windows: Sequence[tuple[Sequence[int], Scored]]
    links: Sequence[tuple[Link, LinkScores]]

    @classmethod
    def of(cls, tagger: Tagger, documents: Sequence[Document]) -> Reference:
        """Read the documents, each by itself; some events are made up, since there may be none in the documents."""
        recorder = Recorder(tagger.engine)
        at_work = dataclasses.replace(tagger, engine=recorder)
        readings = [at_work.read([document.text])[0] for document in documents]
        hidden_size = next((len(scored.states[0]) for _, scored in recorder.windows if scored.states is not None), None)
        if tagger.reach is not None and hidden_size is not None:
            recorder.link(example_links(hidden_size, tagger.reach))
        return cls(tagger, documents, readings, recorder.windows, recorder.links)

    @property
    def role_f1(self) -> float:
        """Of torch's spans, strict and micro-averaged."""
        return self._role_f1(self.readings)

    def differences(self, engine: Engine) -> dict[str, float]:
        """The largest differences of an engine's scores: of ``logits``, ``states`` and ``links``."""
        found = engine.run([window for window, _ in self.windows])
        pairs = [(expected, rows) for (_, expected), rows in zip(self.windows, found, strict=True)]
        differences = {"logits": _largest((a.logits, b.logits) for a, b in pairs)}
        if engine.reach is not None:
            differences["states"] = _largest(
                (a.states, b.states) for a, b in pairs if a.states is not None and b.states is not None
            )
            linked = engine.link([link for link, _ in self.links])
            differences["links"] = _largest(
                both
                for (_, a), b in zip(self.links, linked, strict=True)
                for both in ((a.roles, b.roles), (a.types, b.types))
            )
        return differences

    def agreement(self, engine: Engine) -> dict[str, Any]:
        """What an engine finds in the articles: its role F1, and the shares of spans and events that both find."""
        at_work = dataclasses.replace(self.tagger, engine=engine)
        readings = [at_work.read([document.text])[0] for document in self.documents]
        pairs = list(zip(self.readings, readings, strict=True))
        return {
            "role_f1": self._role_f1(readings),
            "spans_equal": _shared(({s.key for s in a.spans}, {s.key for s in b.spans}) for a, b in pairs),
            "events_equal": _shared((set(map(_key, a.events)), set(map(_key, b.events))) for a, b in pairs),
        }

    def _role_f1(self, readings: Sequence[Reading]) -> float:
        gold = [document.spans for document in self.documents]
        return strict_scores(gold, [reading.spans for reading in readings], self.tagger.scheme.roles).roles.f1


def _key(event: Event) -> tuple[Any, ...]:
    return (event.type, event.trigger.key, *(span.key for span in event.arguments))


def _largest(pairs: Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]) -> float:
    return float(np.max([np.abs(a - b).max(initial=0.0) for a, b in pairs], initial=0.0))  # NaN where a score is none


def _shared(pairs: Iterator[tuple[set[Any], set[Any]]]) -> float:
    """The part of what either side has that both have; 1 where neither has anything."""
    both = either = 0
    for a, b in pairs:
        both += len(a & b)
        either += len(a | b)
    return both / either if either else 1.0

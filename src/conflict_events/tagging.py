"""Texts to role spans and events: tokenise, cut into windows, score, join, decode, link.

Training scores its dev split with this, and the extractor works with it, so that what is measured is what users get.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from conflict_events.confidence import Confidence
from conflict_events.config import DecodingConfig, WindowConfig
from conflict_events.decoding import Scores, decode
from conflict_events.engines.base import Engine
from conflict_events.labels import LabelScheme, gather, tokens_of
from conflict_events.linking.decoding import ROLES, decode_event
from conflict_events.linking.rule import TypeModel, assemble
from conflict_events.linking.surroundings import sentence_numbers, surroundings
from conflict_events.schema import TRIGGER, Event, Span
from conflict_events.scores import Link
from conflict_events.screening import Screen
from conflict_events.text import sections
from conflict_events.windows import TextTokenizer, Tokens, Window, join, windows_of_sentences

# Texts are worked on in groups of about this size: enough to fill batches of windows of like length, little to hold.
# A text that is longer itself is read in parts: the encoder's states for the linker, 1.5 kB a token or more, would fill
# the memory.
_GROUP_CHARACTERS = 200_000
_GROUP_TEXTS = 256


@dataclass(frozen=True, slots=True)
class Reading:
    """What a checkpoint finds in a text: spans, triggers among them, and events.

    ``skipped`` is whether the first pass found the text not worth reading.
    """

    spans: list[Span]
    events: list[Event]
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A trigger, the role spans within its reach, and both as the linker takes them."""

    trigger: Span
    spans: list[Span]
    link: Link


ScoredText = tuple[Tokens, Scores, Scores | None]
"""Tokens, logits, ``(tokens, labels)``, and, for the linker, the encoder's states, ``(tokens, hidden_size)``."""


@dataclass(frozen=True)
class Tagger:
    """A checkpoint at work.

    Attributes:
        tokenizer: the checkpoint's.
        engine: the checkpoint's weights.
        scheme: what its labels mean.
        columns: which columns of the engine's scores make up each label of the scheme.
        window: how documents are cut.
        decoding: how scores become spans.
        reach: of the linker, in tokens; None if there is none.
        types: for events by the sentence rule, where there is no linker; None gives spans only.
        language: of the texts, for the sentence rule.
        confidence: what scores are worth, and what is left out.
        screen: the first pass, with a threshold; without one, every text is read.
    """

    tokenizer: TextTokenizer
    engine: Engine
    scheme: LabelScheme
    columns: Sequence[Sequence[int]]
    window: WindowConfig
    decoding: DecodingConfig
    reach: int | None = None
    types: TypeModel | None = None
    language: str = "en"
    confidence: Confidence = field(default_factory=Confidence)
    screen: Screen | None = None

    @property
    def finds_events(self) -> bool:
        """Whether it was trained with events; others give spans only."""
        return self.reach is not None or self.types is not None

    def read_many(self, texts: Iterable[str]) -> Iterator[tuple[str, Reading]]:
        """Each text with what is found in it, in the order given; worked on in groups as they are asked for."""
        group: list[str] = []
        characters = 0
        for text in texts:
            group.append(text)
            characters += len(text)
            if characters >= _GROUP_CHARACTERS or len(group) >= _GROUP_TEXTS:
                yield from zip(group, self.read(group), strict=True)
                group, characters = [], 0
        yield from zip(group, self.read(group), strict=True)

    def read(self, texts: Sequence[str]) -> list[Reading]:
        """The spans of each text, in text order, and its events, in the order of their triggers, with scores."""
        readings = iter(self._read_together([text for text in texts if len(text) <= _GROUP_CHARACTERS]))
        return [next(readings) if len(text) <= _GROUP_CHARACTERS else self._read_in_parts(text) for text in texts]

    def _read_in_parts(self, text: str) -> Reading:
        spans: list[Span] = []
        events: list[Event] = []
        skipped = True
        for start, end in sections(text, _GROUP_CHARACTERS, self.language):
            (part,) = self._read_together([text[start:end]])
            spans += [span.moved(start) for span in part.spans]
            events += [event.moved(start) for event in part.events]
            skipped &= part.skipped
        return Reading(spans, events, skipped)

    def _read_together(self, texts: Sequence[str]) -> list[Reading]:
        tokenised = self.tokenizer(texts)
        worth = [self.screen is None or self.screen.passes(tokens.ids) for tokens in tokenised]
        readings = iter(self._read(list(compress(texts, worth)), list(compress(tokenised, worth))))
        return [next(readings) if is_read else Reading([], [], skipped=True) for is_read in worth]

    def _read(self, texts: Sequence[str], tokenised: Sequence[Tokens]) -> list[Reading]:
        scored = list(self.score(texts, tokenised))
        decoded = decode(texts, [s[0] for s in scored], [s[1] for s in scored], self.scheme, self.decoding)
        spans = [self.confidence.spans(found) for found in decoded]
        events = self._linked(texts, spans, scored) if self.reach is not None else self._assembled(texts, spans)
        return [
            Reading([self.confidence.scaled(span) for span in found], self.confidence.events(made))
            for found, made in zip(spans, events, strict=True)
        ]

    def _assembled(self, texts: Sequence[str], spans: Sequence[list[Span]]) -> list[list[Event]]:
        """Events by the sentence rule."""
        if self.types is None:
            return [[] for _ in texts]
        return [assemble(text, found, self.types, self.language) for text, found in zip(texts, spans, strict=True)]

    def _linked(
        self, texts: Sequence[str], spans: Sequence[list[Span]], scored: Sequence[ScoredText]
    ) -> list[list[Event]]:
        """Events by the linker: one for each trigger."""
        candidates: list[list[_Candidate]] = [
            list(self._candidates(text, found, tokens, states)) if states is not None else []
            for text, found, (tokens, _, states) in zip(texts, spans, scored, strict=True)
        ]
        linked = iter(self.engine.link([candidate.link for of_text in candidates for candidate in of_text]))
        return [
            [decode_event(text, candidate.trigger, candidate.spans, next(linked)) for candidate in of_text]
            for text, of_text in zip(texts, candidates, strict=True)
        ]

    def _candidates(self, text: str, spans: Sequence[Span], tokens: Tokens, states: Scores) -> Iterator[_Candidate]:
        """An event to be for each trigger."""
        assert self.reach is not None
        triggers = [span for span in spans if span.role == TRIGGER]
        if not triggers:
            return
        roles = [span for span in spans if span.role in ROLES]
        places = np.array([_place(tokens, span) for span in roles], dtype=np.int64).reshape(-1, 2)
        anchors = [_place(tokens, trigger) for trigger in triggers]
        around = surroundings(sentence_numbers(text, tokens, self.language), anchors, self.reach)
        for trigger, (first, last), seen in zip(triggers, anchors, around, strict=True):
            near = np.flatnonzero((places[:, 0] >= seen.start) & (places[:, 1] < seen.end))
            yield _Candidate(
                trigger,
                [roles[number] for number in near],
                Link(
                    states[seen.start : seen.end],
                    first - seen.start,
                    last - seen.start,
                    seen.sentence,
                    seen.between,
                    places[near] - seen.start,
                ),
            )

    def windows(self, text: str, tokens: Tokens) -> list[Window]:
        """The windows in which a text is read."""
        whole = len(tokens) + self.tokenizer.special_tokens <= self.window.max_tokens
        numbers = np.zeros(len(tokens), np.int64) if whole else sentence_numbers(text, tokens, self.language)
        return windows_of_sentences(numbers, self.window, self.tokenizer.special_tokens)

    def score(self, texts: Sequence[str], tokenised: Sequence[Tokens]) -> Iterator[ScoredText]:
        """The scores of each text, which comes with its tokens."""
        cuts = [self.windows(text, tokens) for text, tokens in zip(texts, tokenised, strict=True)]
        frames = [
            self.tokenizer.frame(tokens, window)
            for tokens, windows in zip(tokenised, cuts, strict=True)
            for window in windows
        ]
        rows = iter(self.engine.run(frames))
        first = len(self.tokenizer.prefix)
        for tokens, windows in zip(tokenised, cuts, strict=True):
            parts = [next(rows) for _ in windows]
            logits = [
                gather(part.logits[first : first + len(w)], self.columns)
                for part, w in zip(parts, windows, strict=True)
            ]
            states = [
                part.states[first : first + len(w)]
                for part, w in zip(parts, windows, strict=True)
                if part.states is not None
            ]
            yield (
                tokens,
                join(windows, logits) if logits else np.empty((0, len(self.columns)), np.float32),
                join(windows, states) if states else None,
            )


def _place(tokens: Tokens, span: Span) -> tuple[int, int]:
    """A span's first and last token."""
    touched = tokens_of(tokens.offsets, span.start, span.end)
    return int(touched[0]), int(touched[-1])

"""Which tokens around a trigger the linker sees, and where they stand to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conflict_events.scores import Ints
from conflict_events.text import SentenceIndex
from conflict_events.windows import Tokens

FARTHEST_SENTENCE = 2
"""Sentences further away than that count as that far."""

MOST_BETWEEN = 3
"""More triggers between a token and its trigger than that count as that many."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The tokens within reach of a trigger.

    Attributes:
        start: the first of them, among the tokens they were taken from.
        end: one past the last one.
        sentence: shape ``(end - start,)``; how many sentences after the trigger's a token stands (before it: negative),
            plus ``FARTHEST_SENTENCE``.
        between: shape ``(end - start,)``; how many other triggers begin between a token and the trigger.
    """

    start: int
    end: int
    sentence: Ints
    between: Ints


def surroundings(sentences: Ints, triggers: Sequence[tuple[int, int]], reach: int) -> list[Surroundings]:
    """What the linker sees around each trigger.

    Args:
        sentences: the number of each token's sentence, shape ``(tokens,)``.
        triggers: first and last token of each, in text order.
        reach: how many tokens to each side.
    """
    begins = np.array([first for first, _ in triggers], dtype=np.int64)
    found = []
    for number, (first, last) in enumerate(triggers):
        start, end = max(0, first - reach), min(len(sentences), last + 1 + reach)
        away = np.clip(sentences[start:end] - sentences[first], -FARTHEST_SENTENCE, FARTHEST_SENTENCE)
        at = np.arange(start, end)
        # Triggers begun before a token: from `number` up for tokens after this trigger, below for those before it.
        begun = np.searchsorted(begins, at, side="right")
        between = np.where(at >= first, begun - number - 1, number - begun)
        found.append(Surroundings(start, end, away + FARTHEST_SENTENCE, np.clip(between, 0, MOST_BETWEEN)))
    return found


def sentence_numbers(text: str, tokens: Tokens, language: str) -> Ints:
    """The number of each token's sentence, shape ``(tokens,)``."""
    starts = np.array([start for start, _ in SentenceIndex(text, language).bounds[1:]], dtype=np.int64)
    return np.searchsorted(starts, tokens.offsets[:, 0], side="right")

"""Sentence boundaries of the original text (sentencex: rules and abbreviations, no model)."""

from __future__ import annotations

import bisect
import re

import sentencex

# sentencex 1.0.32 panics on a multi-byte space between an initial and its full stop ("J\u00a0. Smith"); it is shown
# plain spaces instead, one for one, so that offsets stay.
_SPACE = re.compile(r"[^\S\r\n]")


def sentences(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Half-open character offsets of the sentences of ``text``; together they cover every character once.

    A line break ends a sentence only where a paragraph does (an empty line), or where sentencex finds an end of
    sentence: wire copy is often broken in mid-sentence.
    """
    found = sentencex.get_sentence_boundaries(language, _SPACE.sub(" ", text))
    bounds = sorted({0, *(boundary["start_index"] for boundary in found)})
    return [(start, end) for start, end in zip(bounds, [*bounds[1:], len(text)], strict=True) if start < end]


class SentenceIndex:
    """Finds the sentence of a character in logarithmic time."""

    def __init__(self, text: str, language: str = "en") -> None:
        self.bounds = sentences(text, language)
        self._starts = [start for start, _ in self.bounds]

    def number(self, offset: int) -> int:
        """Which sentence (from 0) holds the character at ``offset``."""
        return max(bisect.bisect_right(self._starts, offset) - 1, 0)

"""Where a text may be cut (sentences by sentencex: rules and abbreviations, no model), and the heads of phrases."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

import sentencex

from conflict_events.schema import Span

# sentencex 1.0.32 panics on a multi-byte space between an initial and its full stop ("J\u00a0. Smith"); it is shown
# plain spaces instead, one for one, so that offsets stay.
_SPACE = re.compile(r"[^\S\r\n]")
_SPACES = re.compile(r"\s+")

EMPTY_LINE = re.compile(r"(?>\r\n|\r|\n)[^\S\r\n]*(?:\r\n|\r|\n)\s*")

# What ends a noun phrase's core: "commander of the 5th brigade", "two men (both farmers)", "troops who fled"; but not
# in the middle of a word or number: "a surface-to-air missile", "1,500 troops".
_AFTER_HEAD = frozenset(
    [
        "of",
        "in",
        "at",
        "on",
        "near",
        "from",
        "with",
        "for",
        "by",
        "to",
        "into",
        "inside",
        "outside",
        "between",
        "among",
        "around",
        "along",
        "against",
        "under",
        "over",
        "behind",
        "beside",
        "aboard",
        "including",
        "belonging",
        "carrying",
        "who",
        "which",
        "that",
        "whose",
        "where",
        "known",
        "called",
        "named",
        "alias",
    ]
)
_TOKEN = re.compile(
    r"(?P<word>\w+(?:['\u2019\u2011-]\w+|(?<=\d)[.,:\u2013](?=\d)\w+)*)|(?P<break>[,;:()\[\]\u2013\u2014])"
)
_APOSTROPHE = re.compile("['\u2019]")


def head(phrase: str) -> tuple[int, int]:
    """Offsets of a noun phrase's head: the last word before the first preposition, bracket, comma or relative pronoun.

    A rule instead of a parser, as is usual for names and noun phrases of news; the whole phrase where it has no word.
    What stands before the first word ends nothing, nor does the first word.
    """
    found: re.Match[str] | None = None
    for token in _TOKEN.finditer(phrase):
        ends = token["break"] or _APOSTROPHE.split(token["word"].lower())[0] in _AFTER_HEAD
        if found and ends:
            break
        found = token if token["word"] else found
    return found.span() if found else (0, len(phrase))


def head_of(span: Span) -> tuple[int, int]:
    """Offsets of a span's head word in the document."""
    start, end = head(span.text)
    return span.start + start, span.start + end


def sentences(text: str, language: str = "en") -> list[tuple[int, int]]:
    """Half-open character offsets of the sentences of ``text``; together they cover every character once.

    A line break ends a sentence only where a paragraph does (an empty line), or where sentencex finds an end of
    sentence: wire copy is often broken in mid-sentence.
    """
    found = sentencex.get_sentence_boundaries(language, _SPACE.sub(" ", text))
    bounds = sorted({0, *(boundary["start_index"] for boundary in found)})
    return [(start, end) for start, end in zip(bounds, [*bounds[1:], len(text)], strict=True) if start < end]


def sections(text: str, longest: int, language: str = "en") -> Iterator[tuple[int, int]]:
    """Half-open character offsets of parts of at most ``longest`` characters; together they cover every character once.

    A part ends where a paragraph does; if none ends in its last tenth, then where a sentence does, or else a word.
    """
    start = 0
    while len(text) - start > longest:
        end = start + longest
        tail = text[end - longest // 10 : end]
        ends = (
            [line.end() for line in EMPTY_LINE.finditer(tail)]
            or [at for at, _ in sentences(tail, language)[1:]]
            or [space.end() for space in _SPACES.finditer(tail)]
            or [len(tail)]
        )
        end -= len(tail) - ends[-1]
        yield start, end
        start = end
    yield start, len(text)


class SentenceIndex:
    """Finds the sentence of a character in logarithmic time."""

    def __init__(self, text: str, language: str = "en") -> None:
        self.bounds = sentences(text, language)
        self._starts = [start for start, _ in self.bounds]

    def number(self, offset: int) -> int:
        """Which sentence (from 0) holds the character at ``offset``."""
        return max(bisect.bisect_right(self._starts, offset) - 1, 0)

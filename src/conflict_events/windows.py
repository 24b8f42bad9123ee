"""Documents to token windows that never lose text.

A document is tokenised once, as a whole; windows are slices of its tokens. Every token is *owned* by exactly one
window, so that scores of windows join back into scores of the document without gaps or doubles.

To train on, windows overlap: an event that the end of one cuts is whole in the next. To read, they hold whole
sentences, the first of them for context alone (docs/experiments.md, section 19).
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from conflict_events.config import WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.labels import Offsets, tokens_of
from conflict_events.schema import Span
from conflict_events.text import EMPTY_LINE

# Marks that a tokenizer may drop but that belong to the character before them.
_TRAILING_CATEGORIES = ("Mn", "Me", "Mc", "Cf")
_ALPHANUMERIC = np.array([chr(code).isalnum() for code in range(128)])


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenised text without special tokens.

    Attributes:
        ids: shape ``(tokens,)``.
        offsets: half-open character offsets into the original text, shape ``(tokens, 2)``; no token begins or ends
            with white space, and a token of white space alone has an empty pair.
        continues: shape ``(tokens,)``; True where a token goes on with the word of the one before it.
        breaks: shape ``(tokens,)``; True where an empty line stands before the token.
    """

    ids: npt.NDArray[np.int64]
    offsets: Offsets
    continues: npt.NDArray[np.bool_]
    breaks: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens ``[start, end)`` of a document, of which the window owns ``[own_start, own_end)``."""

    start: int
    end: int
    own_start: int
    own_end: int

    def __len__(self) -> int:
        return self.end - self.start

    def moved(self, by: int) -> Window:
        """The window in a document that has ``by`` more tokens before it."""
        return Window(self.start + by, self.end + by, self.own_start + by, self.own_end + by)


class TextTokenizer:
    """A ``tokenizer.json`` used without truncation, with offsets that hold for the original text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        bare = tokenizer.encode("a", add_special_tokens=False).ids
        framed = tokenizer.encode("a").ids
        at = next((i for i in range(len(framed)) if framed[i : i + len(bare)] == bare), 0)
        self.prefix: list[int] = framed[:at]
        self.suffix: list[int] = framed[at + len(bare) :]

    @classmethod
    def from_file(cls, path: Path) -> TextTokenizer:
        """Load ``tokenizer.json``.

        Raises:
            CheckpointError: if there is no such file or it is not a tokenizer.
        """
        if not path.is_file():
            raise CheckpointError(
                "there is no tokenizer.json",
                where=str(path.parent),
                remedy="save a fast tokenizer: AutoTokenizer.from_pretrained(...).save_pretrained(folder)",
            )
        try:
            return cls(Tokenizer.from_file(str(path)))
        except Exception as error:  # tokenizers raises bare Exception
            raise CheckpointError(f"tokenizer.json cannot be read ({error})", where=str(path)) from None

    @property
    def special_tokens(self) -> int:
        """How many tokens a window's frame takes."""
        return len(self.prefix) + len(self.suffix)

    @property
    def highest_id(self) -> int:
        """The largest id that any token has."""
        return max(self._tokenizer.get_vocab().values(), default=-1)

    def __call__(self, texts: Sequence[str]) -> list[Tokens]:
        """Tokenise whole texts."""
        encodings = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [_tokens(text, encoding.ids, encoding.offsets) for text, encoding in zip(texts, encodings, strict=True)]

    def frame(self, tokens: Tokens, window: Window) -> list[int]:
        """The token ids of a window as the encoder takes them, special tokens included."""
        return [*self.prefix, *tokens.ids[window.start : window.end].tolist(), *self.suffix]


def windows_of(length: int, config: WindowConfig, special_tokens: int) -> list[Window]:
    """Cut ``length`` tokens into as few windows as fit, all of about the same size (less padding than a short rest).

    A token is owned by the window in which it has the most context on its shorter side.

    Args:
        length: tokens of the document, without special tokens.
        config: window size and least overlap.
        special_tokens: how many of a window's tokens its frame takes.

    Returns:
        Windows in order; what they own partitions ``range(length)``. No window for an empty document.

    Raises:
        ConfigError: if the frame leaves no room beside the overlap.
    """
    size, overlap = _room(config, special_tokens), config.overlap
    if length == 0:
        return []
    count = 1 if length <= size else -(-(length - overlap) // (size - overlap))
    width = min(-(-(length + (count - 1) * overlap) // count), size)
    starts = [round(i * (length - width) / max(count - 1, 1)) for i in range(count)]
    # Equal windows: a token has the most context in the one whose middle is nearest, so ownership changes in
    # the middle of an overlap.
    middles = [(start + width + following) // 2 for start, following in pairwise(starts)]
    bounds = [0, *middles, length]
    return [Window(s, min(s + width, length), bounds[i], bounds[i + 1]) for i, s in enumerate(starts)]


def windows_of_sentences(sentences: npt.NDArray[np.int64], config: WindowConfig, special_tokens: int) -> list[Window]:
    """Cut a document into windows of whole sentences, all of about the same size.

    Before the sentences that it owns, a window shows, for context, those that fit into the overlap. A sentence that
    fits into no window is cut into several, as by :func:`windows_of`.

    Args:
        sentences: the number of each token's sentence, ascending, shape ``(tokens,)``.
        config: window size and overlap.
        special_tokens: how many of a window's tokens its frame takes.

    Returns:
        Windows in order; what they own partitions ``range(len(sentences))``.

    Raises:
        ConfigError: if the frame leaves no room beside the overlap.
    """
    size = _room(config, special_tokens)
    length = len(sentences)
    starts = [0, *(np.flatnonzero(np.diff(sentences)) + 1).tolist(), length]
    windows: list[Window] = []
    at = 0
    while at < length:
        following = bisect_right(starts, at)
        ends = starts[following : bisect_right(starts, at + size)] or starts[following : following + 1]
        even = at + (length - at) / -(-(length - at) // size)
        end = min(ends, key=lambda end: abs(end - even))
        if end - at <= size:
            start = starts[bisect_left(starts, max(at - config.overlap, end - size))]
            windows.append(Window(start, end, at, end))
        else:
            windows += [window.moved(at) for window in windows_of(end - at, config, special_tokens)]
        at = end
    return windows


def _room(config: WindowConfig, special_tokens: int) -> int:
    """How many tokens of text a window holds."""
    size = config.max_tokens - special_tokens
    if size <= config.overlap:
        raise ConfigError(
            f"window.max_tokens={config.max_tokens} leaves {size} tokens of text, with an overlap of {config.overlap}",
            remedy="raise window.max_tokens or lower window.overlap",
        )
    return size


def join(windows: Sequence[Window], scores: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Scores of windows, each ``(len(window), labels)``, to scores of the document, ``(tokens, labels)``."""
    owned = [s[w.own_start - w.start : w.own_end - w.start] for w, s in zip(windows, scores, strict=True)]
    return np.concatenate(owned)


def cut_spans(windows: Sequence[Window], offsets: Offsets, spans: Iterable[Span]) -> list[Span]:
    """The spans that no window holds whole: training cannot show them to the encoder."""
    cut = []
    for span in spans:
        tokens = tokens_of(offsets, span.start, span.end)
        if len(tokens) and not any(w.start <= tokens[0] and tokens[-1] < w.end for w in windows):
            cut.append(span)
    return cut


def _is_mark(character: str) -> bool:
    # Of the symbols that modify (Sk) only skin tones: ` and ^ are punctuation.
    return unicodedata.category(character) in _TRAILING_CATEGORIES or "\U0001f3fb" <= character <= "\U0001f3ff"


def _in_word(text: str, at: int) -> bool:
    """Whether a letter or digit, with its marks, ends at ``at``."""
    while at > 0 and _is_mark(text[at - 1]):
        at -= 1
    return at > 0 and text[at - 1].isalnum()


def _tokens(text: str, ids: list[int], pairs: list[tuple[int, int]]) -> Tokens:
    codes = np.frombuffer(f"{text}\0".encode("utf-32-le", "surrogatepass"), dtype="<u4")
    offsets = _mend(text, codes, pairs)
    starts, ends = offsets[:, 0], offsets[:, 1]
    continues = np.zeros(len(offsets), dtype=bool)
    adjacent = np.flatnonzero((starts[1:] == ends[:-1]) & (ends[1:] > starts[1:]) & (starts[1:] > 0)) + 1
    before, first = codes[starts[adjacent] - 1], codes[starts[adjacent]]
    in_ascii = (before < len(_ALPHANUMERIC)) & (first < len(_ALPHANUMERIC))
    plain = adjacent[in_ascii]
    continues[plain] = _ALPHANUMERIC[before[in_ascii]] & _ALPHANUMERIC[first[in_ascii]]
    for i in adjacent[~in_ascii]:
        character = text[starts[i]]
        continues[i] = (character.isalnum() or _is_mark(character)) and _in_word(text, int(starts[i]))
    # Several tokens of one character (byte fallback) share its offsets: they are one word, too.
    continues[1:] |= (starts[1:] < ends[:-1]) & (ends[1:] > starts[1:])
    breaks = np.zeros(len(offsets), dtype=bool)
    for line in EMPTY_LINE.finditer(text):
        after = int(np.searchsorted(starts, line.end()))
        breaks[after : after + 1] = True
    return Tokens(np.array(ids, dtype=np.int64), offsets, continues, breaks)


def _mend(text: str, codes: npt.NDArray[np.uint32], pairs: list[tuple[int, int]]) -> Offsets:
    """Trim white space off tokens (byte-level and sentencepiece tokenizers count the space before a word in), and
    give marks that a tokenizer drops (accents, joiners) to the token before them.

    Args:
        text: what was tokenised.
        codes: its code points, and one more.
        pairs: offsets as the tokenizer gives them.
    """
    offsets = np.fromiter(chain.from_iterable(pairs), dtype=np.int64, count=2 * len(pairs)).reshape(-1, 2)
    starts, ends = offsets[:, 0], offsets[:, 1]
    edges = np.stack([codes[starts], codes[ends - 1]])
    suspect = ((edges <= 0x20) | (edges > 0x7E)).any(axis=0) | (codes[ends] > 0x7E)
    for i in np.flatnonzero(suspect & (starts < ends)):
        start, end = pairs[i]
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if start < end < len(text) and text[end] > "\x7f":
            limit = pairs[i + 1][0] if i + 1 < len(pairs) else len(text)
            while end < limit and _is_mark(text[end]):
                end += 1
        offsets[i] = start, end
    return offsets

"""Texts to role spans: tokenise, cut into windows, score, join, decode.

Training scores its dev split with this, and the extractor works with it, so that what is measured is what users get.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from conflict_events.config import DecodingConfig, WindowConfig
from conflict_events.decoding import Scores, decode
from conflict_events.labels import LabelScheme
from conflict_events.schema import Span
from conflict_events.windows import TextTokenizer, Tokens, join, windows_of

# Texts are worked on in groups of about this size: enough to fill batches of windows of like length, little to hold.
_GROUP_CHARACTERS = 400_000
_GROUP_TEXTS = 256


class Engine(Protocol):
    """Runs the encoder over windows of token ids."""

    def run(self, windows: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float32]]:
        """Logits of shape ``(len(window), columns)`` for each window, in the order given."""
        ...


@dataclass(frozen=True)
class Tagger:
    """A checkpoint at work.

    Attributes:
        tokenizer: the checkpoint's.
        engine: the checkpoint's weights.
        scheme: what its labels mean.
        columns: which column of the engine's scores holds each label of the scheme.
        window: how documents are cut.
        decoding: how scores become spans.
    """

    tokenizer: TextTokenizer
    engine: Engine
    scheme: LabelScheme
    columns: Sequence[int]
    window: WindowConfig
    decoding: DecodingConfig

    def tag_many(self, texts: Iterable[str]) -> Iterator[tuple[str, list[Span]]]:
        """Each text with its spans, in the order given; worked on in groups as they are asked for."""
        group: list[str] = []
        characters = 0
        for text in texts:
            group.append(text)
            characters += len(text)
            if characters >= _GROUP_CHARACTERS or len(group) >= _GROUP_TEXTS:
                yield from zip(group, self.tag(group), strict=True)
                group, characters = [], 0
        yield from zip(group, self.tag(group), strict=True)

    def tag(self, texts: Sequence[str]) -> list[list[Span]]:
        """The spans of each text, in text order, with scores."""
        scored = zip(texts, self.score(texts), strict=True)
        return [decode(text, tokens, scores, self.scheme, self.decoding) for text, (tokens, scores) in scored]

    def score(self, texts: Sequence[str]) -> Iterator[tuple[Tokens, Scores]]:
        """Tokens and logits, shape ``(tokens, labels)``, of each text."""
        tokenised = self.tokenizer(texts)
        cuts = [windows_of(len(tokens), self.window, self.tokenizer.special_tokens) for tokens in tokenised]
        frames = [
            self.tokenizer.frame(tokens, window)
            for tokens, windows in zip(tokenised, cuts, strict=True)
            for window in windows
        ]
        rows = iter(self.engine.run(frames))
        first = len(self.tokenizer.prefix)
        for tokens, windows in zip(tokenised, cuts, strict=True):
            parts = [next(rows)[first : first + len(window), self.columns] for window in windows]
            yield tokens, join(windows, parts) if parts else np.empty((0, len(self.columns)), np.float32)

"""What engines take and give: windows of token ids to scores, events' surroundings to scores of their arguments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Scored:
    """A window's logits, ``(tokens, labels)``, and, for a linker, the encoder's states, ``(tokens, hidden_size)``."""

    logits: Floats
    states: Floats | None


@dataclass(frozen=True, slots=True)
class Link:
    """A trigger, the role spans within its reach, and what the linker sees around them.

    Positions count from the first token that the linker sees.

    Attributes:
        states: of the tokens in reach, ``(tokens, hidden_size)``.
        first: the trigger's first token.
        last: its last token.
        sentence: which sentence each token is in, counted from the trigger's, ``(tokens,)``.
        between: how many other triggers stand between each token and the trigger, ``(tokens,)``.
        spans: first and last token of each span, ``(spans, 2)``.
    """

    states: Floats
    first: int
    last: int
    sentence: Ints
    between: Ints
    spans: Ints


@dataclass(frozen=True, slots=True)
class LinkScores:
    """Logits of no role and each role for every span, ``(spans, roles + 1)``, and of event types, ``(types,)``."""

    roles: Floats
    types: Floats

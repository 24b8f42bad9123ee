"""The BIO scheme (IOB2): roles to labels, spans to label ids, and which label may follow which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.schema import Span

OUTSIDE = 0
IGNORE = -100
"""The label id that torch's cross entropy leaves out by default."""

Offsets = npt.NDArray[np.int64]
"""Shape ``(tokens, 2)``: half-open character offsets of each token; an empty pair stands for no text."""


@dataclass(frozen=True)
class LabelScheme:
    """Labels ``O, B-ROLE, I-ROLE ...`` of an ordered role inventory.

    Label id 0 is ``O``; role number k (from 0) has ``B-`` at 2k+1 and ``I-`` at 2k+2.

    Raises:
        ConfigError: for an empty inventory or a repeated role.
    """

    roles: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.roles or len(set(self.roles)) != len(self.roles):
            raise ConfigError(f"roles {list(self.roles)} are empty or repeat", remedy="name each role once")

    @classmethod
    def from_id2label(
        cls, id2label: Mapping[int, str], label_map: Mapping[str, str | None] | None = None
    ) -> tuple[LabelScheme, list[tuple[int, ...]]]:
        """The scheme of a checkpoint's labels, and the columns of its scores that make up each of the scheme's labels.

        Args:
            id2label: of the checkpoint, numbered from 0 without gaps.
            label_map: types of the checkpoint (``PER`` for ``B-PER`` and ``I-PER``, in any case) to roles, None to
                drop one. Several may become one role; others keep their name, in lower case.

        Raises:
            CheckpointError: if the labels are no BIO set (``LABEL_0`` and the like, an I- without its B-, no O).
            ConfigError: if the map names a type that is not there, or leaves no role.
        """
        column = {label.upper(): number for number, label in id2label.items()}
        kinds = [label[2:].upper() for _, label in sorted(id2label.items()) if label.upper().startswith("B-")]
        expected = {"O"} | {f"{prefix}-{kind}" for kind in kinds for prefix in "BI"}
        if not kinds or set(column) != expected or sorted(id2label) != list(range(len(expected))):
            raise CheckpointError(
                f"the checkpoint's labels are not a BIO scheme: {sorted(id2label.values())}",
                remedy="a token classifier needs id2label with O, B-ROLE and I-ROLE for every role, numbered from 0",
            )
        renamed = {kind.upper(): role for kind, role in (label_map or {}).items()}
        if unknown := sorted(renamed.keys() - set(kinds)):
            raise ConfigError(f"label_map names {', '.join(unknown)}", remedy=f"the labels are {', '.join(kinds)}")
        roles = {kind: renamed.get(kind, kind) for kind in kinds}
        kept = {kind: role.lower() for kind, role in roles.items() if role}
        if not kept:
            raise ConfigError("label_map drops every label", remedy=f"map one of {', '.join(kinds)} to a role")
        scheme = cls(tuple(dict.fromkeys(kept.values())))
        outside = ["O", *(f"{prefix}-{kind}" for kind in kinds if kind not in kept for prefix in "BI")]
        groups = [outside] + [
            [f"{prefix}-{kind}" for kind in kinds if kept.get(kind) == role] for role in scheme.roles for prefix in "BI"
        ]
        return scheme, [tuple(column[label] for label in group) for group in groups]

    @property
    def columns(self) -> list[tuple[int, ...]]:
        """The columns of scores that are in the scheme's own order."""
        return [(number,) for number in range(len(self.labels))]

    @property
    def labels(self) -> list[str]:
        """All label names, in the order of their ids."""
        return ["O"] + [f"{prefix}-{role.upper()}" for role in self.roles for prefix in "BI"]

    @property
    def id2label(self) -> dict[int, str]:
        return dict(enumerate(self.labels))

    @property
    def label2id(self) -> dict[str, int]:
        return {label: number for number, label in enumerate(self.labels)}

    def of_roles(self, roles: Collection[str]) -> list[bool]:
        """Which labels are ``B-`` or ``I-`` of these roles, in the order of their ids."""
        return [False] + [role in roles for role in self.roles for _ in "BI"]

    def begin(self, role: str) -> int:
        """The id of ``B-ROLE``."""
        return 2 * self.roles.index(role) + 1

    def inside(self, role: str) -> int:
        """The id of ``I-ROLE``."""
        return 2 * self.roles.index(role) + 2

    def encode(self, offsets: Offsets, spans: Sequence[Span]) -> tuple[npt.NDArray[np.int64], list[Span]]:
        """Label ids of the tokens, and the spans that single-label BIO cannot hold.

        A token belongs to a span if they share a character. Where spans compete for a token the longer one is kept,
        then the earlier one. A span is lost if it competes, covers no token, or has a role outside the scheme; a span
        that begins or ends inside a token is encoded as the tokens it touches (and decodes wider than it was).

        Args:
            offsets: character offsets of the tokens, in text order, shape ``(tokens, 2)``.
            spans: annotated spans of the same text.

        Returns:
            Label ids, shape ``(tokens,)``, and the lost spans.
        """
        labels = np.full(len(offsets), OUTSIDE, dtype=np.int64)
        lost: list[Span] = []
        for span in sorted(spans, key=lambda s: (s.start - s.end, s.start, s.role)):
            touched = tokens_of(offsets, span.start, span.end)
            if span.role not in self.roles or len(touched) == 0 or labels[touched[0] : touched[-1] + 1].any():
                lost.append(span)
                continue
            labels[touched[0] : touched[-1] + 1] = self.inside(span.role)  # tokens of white space within it, too
            labels[touched[0]] = self.begin(span.role)
        return labels, lost

    def transitions(self) -> npt.NDArray[np.bool_]:
        """Shape ``(labels, labels)``: True where the column's label may follow the row's (IOB2)."""
        size = len(self.labels)
        allowed = np.ones((size, size), dtype=bool)
        for role in self.roles:
            allowed[:, self.inside(role)] = False
            allowed[[self.begin(role), self.inside(role)], self.inside(role)] = True
        return allowed


def gather(logits: npt.NDArray[np.float32], columns: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
    """A checkpoint's scores in the order of a scheme.

    Args:
        logits: shape ``(tokens, labels of the checkpoint)``.
        columns: those that make up each label of the scheme. The probability of the label is the sum of theirs.

    Returns:
        Logits, shape ``(tokens, len(columns))``.
    """
    if all(len(group) == 1 for group in columns):
        return logits[:, [number for (number,) in columns]]
    return np.stack([np.logaddexp.reduce(logits[:, list(group)], axis=1) for group in columns], axis=1)


def is_inside(labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which label ids are I- labels: those have even ids above 0."""
    ids = np.asarray(labels)
    inside: npt.NDArray[np.bool_] = (ids > OUTSIDE) & (ids % 2 == 0)
    return inside


def tokens_of(offsets: Offsets, start: int, end: int) -> npt.NDArray[np.int64]:
    """Indices of the tokens that share a character with ``[start, end)``."""
    shared = np.minimum(offsets[:, 1], end) > np.maximum(offsets[:, 0], start)
    return np.flatnonzero(shared)

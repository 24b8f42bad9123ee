"""How well mentions are grouped: MUC, B-cubed, CEAF-e, and their mean, the CoNLL score.

Sources: MUC: Vilain et al. 1995. B-cubed: Bagga and Baldwin 1998. CEAF-e: Luo 2005, similarity phi-4. The mean of the
three F1 values: the CoNLL-2012 shared task (Pradhan et al. 2012). Mentions that only one side has are groups of their
own on that side and wanting on the other, as the reference scorer counts them.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from conflict_events.metrics.score import Score, check_same_documents

Group = Collection[Hashable]


@dataclass(frozen=True, slots=True)
class CoreferenceScores:
    """Scores over all documents together, as fractions."""

    muc: Score
    b_cubed: Score
    ceaf_e: Score

    @property
    def conll(self) -> float:
        """The mean F1 of the three."""
        return (self.muc.f1 + self.b_cubed.f1 + self.ceaf_e.f1) / 3


def coreference_scores(gold: Sequence[Sequence[Group]], predicted: Sequence[Sequence[Group]]) -> CoreferenceScores:
    """Score groupings.

    Args:
        gold: the groups of each document; a mention stands in one group at most, groups of one are groups.
        predicted: those of the same documents.

    Raises:
        ValueError: if the sides differ in their number of documents, or a mention stands in two groups of one side.
    """
    check_same_documents(gold, predicted)
    muc: list[tuple[float, ...]] = []
    b_cubed: list[tuple[float, ...]] = []
    ceaf: list[tuple[float, ...]] = []
    for key, response in zip(gold, predicted, strict=True):
        ours, theirs = [frozenset(g) for g in response if g], [frozenset(g) for g in key if g]
        found, wanted = _group_of(ours), _group_of(theirs)
        muc.append((*_links(ours, wanted), *_links(theirs, found)))
        b_cubed.append((*_shares(found, wanted), *_shares(wanted, found)))
        similarity = np.array([[2 * len(a & b) / (len(a) + len(b)) for b in theirs] for a in ours])
        similarity = similarity.reshape(len(ours), len(theirs))
        best = float(similarity[linear_sum_assignment(-similarity)].sum())
        ceaf.append((best, len(ours), best, len(theirs)))
    return CoreferenceScores(*(Score.of(np.array(rows, dtype=np.float64)) for rows in (muc, b_cubed, ceaf)))


def _group_of(groups: Sequence[frozenset[Hashable]]) -> dict[Hashable, frozenset[Hashable]]:
    found = {mention: group for group in groups for mention in group}
    if len(found) < sum(map(len, groups)):
        raise ValueError("a mention stands in two groups")
    return found


def _links(groups: Sequence[frozenset[Hashable]], other: Mapping[Hashable, frozenset[Hashable]]) -> tuple[int, int]:
    """MUC: links of the groups that the other side has, and links."""
    right = total = 0
    for group in groups:
        parts = {other.get(mention, frozenset({mention})) for mention in group}
        right += len(group) - len(parts)
        total += len(group) - 1
    return right, total


def _shares(
    one: Mapping[Hashable, frozenset[Hashable]], other: Mapping[Hashable, frozenset[Hashable]]
) -> tuple[float, int]:
    """B-cubed: for every mention the share of its group that is right; and mentions."""
    return sum(len(group & other.get(m, frozenset())) / len(group) for m, group in one.items()), len(one)

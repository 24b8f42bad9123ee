"""Span scores that tell how wrong a span is: boundaries, role, head word, overlap.

Spans of both sides are aligned one to one (:mod:`conflict_events.metrics.alignment`), and each pair is judged by one
of these criteria:

========  ==================================================================================================
strict    right if role and boundaries are
exact     right if the boundaries are, whatever the role
partial   right if the boundaries are, half right if the spans overlap, whatever the role
type      right if the role is and the spans overlap
head      right if the role is and the head word stands at the same place (:func:`conflict_events.text.head`)
========  ==================================================================================================

The first four are the schemas of SemEval-2013 task 9.1 (Segura-Bedmar et al. 2013), with the categories of MUC-5
(Chinchor and Sundheim 1993): a pair is correct (COR), partially correct (PAR) or incorrect (INC), an annotated span
without a partner is missing (MIS), a predicted one spurious (SPU). Precision is (COR + PAR / 2) / (COR + INC + PAR +
SPU), recall (COR + PAR / 2) / (COR + INC + PAR + MIS). Each criterion has the alignment that is best by it: the highest
credit, then the most correct pairs, the most pairs, the most pairs of one role. So no score depends on the order of
the spans, and each is the highest that an alignment can give; categories of a document are added, credit never lost.

By ``overlap`` a span is right if it shares a character with any span of its role on the other side, however many do
(as in the overlap scores of opinion holders, Breck et al. 2007); with one partner each this would be ``type``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from conflict_events.metrics.alignment import align, distinct, shared
from conflict_events.metrics.score import Counts, Score, check_same_documents
from conflict_events.schema import TRIGGER, Span
from conflict_events.text import head_of

Outcomes = npt.NDArray[np.int64]
"""Shape ``(documents, 5)``: spans that are correct, incorrect, partially correct, missing, spurious."""


class Criterion(StrEnum):
    """What makes a predicted span right."""

    STRICT = "strict"
    EXACT = "exact"
    PARTIAL = "partial"
    TYPE = "type"
    HEAD = "head"
    OVERLAP = "overlap"


@dataclass(frozen=True)
class CriterionCounts:
    """Counts by document under one criterion; right predictions and found spans count by their credit, half or whole.

    Attributes:
        per_role: a predicted span counts in its own role, an annotated one in its own, also where partners differ in
            role. From the alignment of all spans, so that they add up to ``overall``.
        roles: all roles but the trigger, as though there were no triggers on either side.
        overall: everything.
        outcomes: the MUC-5 categories of ``roles`` and ``overall``; none by ``overlap``, which aligns nothing.
    """

    per_role: Mapping[str, Counts]
    roles: Counts
    overall: Counts
    outcomes: Mapping[str, Outcomes]

    def to_record(self) -> dict[str, Any]:
        return {
            "roles": Score.of(self.roles).to_record(),
            "overall": Score.of(self.overall).to_record(),
            "per_role": {role: Score.of(counts).to_record() for role, counts in self.per_role.items()},
        }


@dataclass(frozen=True)
class MatchScores:
    """Counts under every criterion."""

    counts: Mapping[Criterion, CriterionCounts]

    def to_record(self) -> dict[str, Any]:
        """Scores by criterion, without the strict ones: those are seqeval's (:mod:`conflict_events.metrics.strict`)."""
        return {
            criterion.value: counts.to_record()
            for criterion, counts in self.counts.items()
            if criterion is not Criterion.STRICT
        }


def match_scores(
    gold: Sequence[Iterable[Span]], predicted: Sequence[Iterable[Span]], roles: Sequence[str]
) -> MatchScores:
    """Score spans under every criterion.

    Args:
        gold: annotated spans of each document; repeats of a ``(role, start, end)`` count once.
        predicted: predicted spans of the same documents, in the same order.
        roles: the role inventory; spans of other roles are left out on both sides.

    Returns:
        Scores; where nothing is annotated or nothing predicted, the undefined precision, recall and F1 are 0.

    Raises:
        ValueError: if the two sides differ in their number of documents.
    """
    check_same_documents(gold, predicted)
    sides = [(distinct(ours, roles), distinct(theirs, roles)) for ours, theirs in zip(gold, predicted, strict=True)]
    return MatchScores({criterion: _counts(sides, roles, criterion) for criterion in Criterion})


_Spans = list[Span]
_Judged = list[tuple[Span, float]]  # every span of a side, with its credit


def _counts(sides: Sequence[tuple[_Spans, _Spans]], roles: Sequence[str], criterion: Criterion) -> CriterionCounts:
    arguments = [role for role in roles if role != TRIGGER]
    table, outcomes = _table(sides, roles, criterion)
    without_triggers = [(distinct(gold, arguments), distinct(predicted, arguments)) for gold, predicted in sides]
    argument_table, argument_outcomes = _table(without_triggers, arguments, criterion)
    return CriterionCounts(
        per_role={role: table[:, number] for number, role in enumerate(roles)},
        roles=argument_table.sum(axis=1),
        overall=table.sum(axis=1),
        outcomes={} if criterion is Criterion.OVERLAP else {"roles": argument_outcomes, "overall": outcomes},
    )


def _table(
    sides: Sequence[tuple[_Spans, _Spans]], roles: Sequence[str], criterion: Criterion
) -> tuple[npt.NDArray[np.float64], Outcomes]:
    """Counts, shape ``(documents, roles, 4)``, and the categories of all these roles together."""
    rows, outcomes = [], []
    for gold, predicted in sides:
        if criterion is Criterion.OVERLAP:
            found, right = _touched(gold, predicted), _touched(predicted, gold)
        else:
            found, right, categories = _aligned(gold, predicted, _CREDIT[criterion])
            outcomes.append(categories)
        rows.append([(*_of_role(right, role), *_of_role(found, role)) for role in roles])
    table = np.array(rows, dtype=np.float64).reshape(len(sides), len(roles), 4)
    return table, np.array(outcomes, dtype=np.int64).reshape(-1, 5)


def _of_role(judged: _Judged, role: str) -> tuple[float, int]:
    credits = [credit for span, credit in judged if span.role == role]
    return sum(credits), len(credits)


def _touched(spans: _Spans, others: _Spans) -> _Judged:
    return [(s, float(any(s.role == other.role and shared(s, other) for other in others))) for s in spans]


def _aligned(
    gold: _Spans, predicted: _Spans, credit: Callable[[Span, Span], float]
) -> tuple[_Judged, _Judged, tuple[int, int, int, int, int]]:
    """Both sides, judged, and how many spans fall into each category."""

    def rank(one: Span, other: Span) -> tuple[int, ...]:
        value = credit(one, other)
        return int(2 * value), int(value == 1), 1, int(one.role == other.role)

    pairs = [(one, other, credit(one, other)) for one, other in align(gold, predicted, rank)]
    found = {one: value for one, _, value in pairs}
    right = {other: value for _, other, value in pairs}
    credits = list(found.values())
    return (
        [(span, found.get(span, 0.0)) for span in gold],
        [(span, right.get(span, 0.0)) for span in predicted],
        (
            credits.count(1.0), credits.count(0.0), credits.count(0.5),
            len(gold) - len(pairs), len(predicted) - len(pairs),
        ),
    )  # fmt: skip


def _same_place(one: Span, other: Span) -> bool:
    return (one.start, one.end) == (other.start, other.end)


# The credit of two spans that overlap.
_CREDIT: dict[Criterion, Callable[[Span, Span], float]] = {
    Criterion.STRICT: lambda one, other: float(one.key == other.key),
    Criterion.EXACT: lambda one, other: float(_same_place(one, other)),
    Criterion.PARTIAL: lambda one, other: 1.0 if _same_place(one, other) else 0.5,
    Criterion.TYPE: lambda one, other: float(one.role == other.role),
    Criterion.HEAD: lambda one, other: float(one.role == other.role and head_of(one) == head_of(other)),
}

"""Strict span scores with seqeval: a span counts only if role, start and end are all right.

seqeval compares tag sequences over tokens. To score spans of the text, whatever tokenizer found them, each document
is cut into *atoms* at every boundary of a gold or predicted span, so that tags hold every span exactly; and each
role gets a sequence of its own, so that one stretch of text may stand in two roles.

Source: seqeval 1.2.2 (Nakayama 2018), ``mode="strict"``, ``scheme=IOB2``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from conflict_events.metrics.score import Score, check_same_documents
from conflict_events.schema import TRIGGER, Span


@dataclass(frozen=True, slots=True)
class StrictScores:
    """Scores per role, over all roles but the trigger, and over everything."""

    per_role: dict[str, Score]
    roles: Score
    overall: Score

    def to_record(self) -> dict[str, Any]:
        return {
            "roles": self.roles.to_record(),
            "overall": self.overall.to_record(),
            "per_role": {role: score.to_record() for role, score in self.per_role.items()},
        }


def strict_scores(
    gold: Sequence[Iterable[Span]], predicted: Sequence[Iterable[Span]], roles: Sequence[str]
) -> StrictScores:
    """Strict micro-averaged scores.

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
    true: dict[str, list[list[str]]] = {role: [] for role in roles}
    found: dict[str, list[list[str]]] = {role: [] for role in roles}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        keys, guesses = {span.key for span in gold_spans}, {span.key for span in predicted_spans}
        for role in roles:
            pairs = _tag_pairs(
                {(start, end) for name, start, end in keys if name == role},
                {(start, end) for name, start, end in guesses if name == role},
                role.upper(),
            )
            for tags, guessed in pairs:
                true[role].append(tags)
                found[role].append(guessed)
    per_role = {role: _score(true[role], found[role]) for role in roles}
    arguments = [role for role in roles if role != TRIGGER]
    return StrictScores(
        per_role=per_role,
        roles=_score(_joined(true, arguments), _joined(found, arguments)),
        overall=_score(_joined(true, roles), _joined(found, roles)),
    )


def _joined(sequences: dict[str, list[list[str]]], roles: Sequence[str]) -> list[list[str]]:
    return [tags for role in roles for tags in sequences[role]]


def _score(true: list[list[str]], found: list[list[str]]) -> Score:
    if not any(tag != "O" for tags in (*true, *found) for tag in tags):
        return Score(0.0, 0.0, 0.0, 0)
    report = classification_report(true, found, output_dict=True, mode="strict", scheme=IOB2, zero_division=0)[
        "micro avg"
    ]
    return Score(float(report["precision"]), float(report["recall"]), float(report["f1-score"]), int(report["support"]))


def _tag_pairs(
    gold: set[tuple[int, int]], predicted: set[tuple[int, int]], label: str
) -> list[tuple[list[str], list[str]]]:
    """Tag sequences of one role in one document: (gold, predicted), over the same atoms.

    Spans of one role that overlap each other cannot share a sequence. Those that do not fit go to further sequences,
    the same spans of both sides to the same one.
    """
    pairs = []
    rest_gold, rest_predicted = sorted(gold), sorted(predicted)
    while rest_gold or rest_predicted:
        shared = _disjoint(sorted(set(rest_gold) & set(rest_predicted)), [])
        now_gold = _disjoint(rest_gold, shared)
        now_predicted = _disjoint(rest_predicted, shared)
        bounds = sorted({offset for span in (*now_gold, *now_predicted) for offset in span})
        pairs.append((_tags(bounds, now_gold, label), _tags(bounds, now_predicted, label)))
        rest_gold = [span for span in rest_gold if span not in now_gold]
        rest_predicted = [span for span in rest_predicted if span not in now_predicted]
    return pairs


def _disjoint(spans: list[tuple[int, int]], kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """``kept`` and those of ``spans`` that overlap nothing taken before."""
    taken = list(kept)
    for start, end in spans:
        if (start, end) not in taken and all(end <= s or e <= start for s, e in taken):
            taken.append((start, end))
    return taken


def _tags(bounds: list[int], spans: list[tuple[int, int]], label: str) -> list[str]:
    tags = ["O"] * (len(bounds) - 1)
    for start, end in spans:
        first, last = bounds.index(start), bounds.index(end)
        tags[first:last] = [f"B-{label}"] + [f"I-{label}"] * (last - first - 1)
    return tags

"""Precision, recall and F1 from counts; and that seqeval's strict scores are the same numbers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.score import Score, exact_counts, f1
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Span

TEXT = "x" * 8
ROLES = ("attacker", "target", "trigger")
SPANS = st.lists(
    st.builds(
        lambda role, pair: Span.of(TEXT, role, *pair),
        st.sampled_from(ROLES),
        st.sampled_from(list(combinations(range(9), 2))),
    ),
    max_size=6,
)
# right, predicted, found, annotated; of a real document the first is at most the second, the third at most the fourth.
ROW = st.builds(
    lambda right, wrong, found, missed: (right, right + wrong, found, found + missed), *[st.integers(0, 5)] * 4
)


def test_counts_of_several_documents_worked_by_hand() -> None:
    # 3 of 4 predictions are right; 4 of 8 annotated items are found (one prediction met two of them).
    score = Score.of(np.array([[2.0, 3, 3, 4], [1, 1, 1, 4]]))
    assert score == Score(3 / 4, 1 / 2, pytest.approx(3 / 5), 8)


def test_a_single_row_needs_no_second_dimension() -> None:
    assert Score.of(np.array([1.0, 2, 1, 4])) == Score(1 / 2, 1 / 4, pytest.approx(1 / 3), 4)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((0, 0, 0, 0), Score(0.0, 0.0, 0.0, 0)),
        ((0, 3, 0, 0), Score(0.0, 0.0, 0.0, 0)),  # nothing annotated
        ((0, 0, 0, 3), Score(0.0, 0.0, 0.0, 3)),  # nothing predicted
        ((0, 2, 0, 3), Score(0.0, 0.0, 0.0, 3)),  # nothing right
        ((2, 2, 2, 2), Score(1.0, 1.0, 1.0, 2)),
    ],
)
def test_undefined_scores_are_zero(row: tuple[float, ...], expected: Score) -> None:
    assert Score.of(np.array([row], dtype=np.float64)) == expected


def test_no_documents_score_zero() -> None:
    assert Score.of(np.zeros((0, 4))) == Score(0.0, 0.0, 0.0, 0)


def test_the_record_has_every_number() -> None:
    record = Score.of(np.array([[1.0, 2, 1, 1]])).to_record()
    assert record == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
    assert type(record["support"]) is int


def test_exact_counts_count_repeats_once() -> None:
    assert exact_counts([1, 2, 2, 3], iter([2, 2, 4])) == (1, 2, 1, 3)
    assert exact_counts([], []) == (0, 0, 0, 0)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=4))
def test_f1_of_arrays_is_that_of_each_row(rows: list[tuple[int, ...]]) -> None:
    totals = np.array(rows, dtype=np.float64)
    one_by_one = [Score.of(row).f1 for row in totals]
    assert f1(totals).tolist() == pytest.approx(one_by_one)
    assert f1(totals[None, :, :]).shape == (1, len(rows))
    assert float(f1(totals[0])) == pytest.approx(one_by_one[0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(SPANS, SPANS, st.booleans()), max_size=3))
def test_strict_scores_of_seqeval_are_those_of_exact_counts(
    documents: list[tuple[list[Span], list[Span], bool]],
) -> None:
    gold = [annotated for annotated, _, _ in documents]
    predicted = [[*(annotated if repeat else []), *guesses] for annotated, guesses, repeat in documents]
    scores = strict_scores(gold, predicted, ROLES)
    for kept, score in [
        (ROLES, scores.overall),
        (ROLES[:2], scores.roles),
        *(((r,), scores.per_role[r]) for r in ROLES),
    ]:
        sides = [[[span.key for span in spans if span.role in kept] for spans in side] for side in (gold, predicted)]
        counted = Score.of(np.array([exact_counts(*pair) for pair in zip(*sides, strict=True)], dtype=np.float64))
        assert score.support == counted.support
        assert (score.precision, score.recall, score.f1) == pytest.approx(
            (counted.precision, counted.recall, counted.f1)
        )

"""Intervals hold what they should, and differences are those of the same documents."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from conflict_events.metrics.bootstrap import Difference, Interval, difference, interval
from conflict_events.metrics.score import Counts, Score


def documents(number: int, seed: int, right: float = 0.6) -> Counts:
    """Documents with a few predictions and annotated items each, of which a share is right."""
    random = np.random.default_rng(seed)
    predicted, annotated = random.integers(1, 6, size=(2, number))
    hits = random.binomial(np.minimum(predicted, annotated), right)
    return np.stack([hits, predicted, hits, annotated], axis=1).astype(np.float64)


def exact(right: list[int]) -> Counts:
    """Documents with one prediction and one annotated item each; F1 is the share that is right."""
    return np.array([[hit, 1, hit, 1] for hit in right], dtype=np.float64)


def recall(totals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return totals[:, 0] / totals[:, 1]


# Intervals


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_the_value_which_is_the_score_of_all_documents(seed: int) -> None:
    counts = documents(30, seed)
    found = interval([counts], resamples=300)
    assert found.value == pytest.approx(Score.of(counts).f1)
    assert 0 <= found.low < found.value < found.high <= 1


def test_equal_documents_leave_no_doubt() -> None:
    assert interval([np.tile([1.0, 2, 1, 2], (500, 1))], resamples=50) == Interval(0.5, 0.5, 0.5)


def test_one_document_says_nothing_about_others() -> None:
    one, better = np.array([[3.0, 4, 3, 4]]), np.array([[4.0, 4, 4, 4]])
    assert interval([one], resamples=50) == Interval(0.75, 0.0, 1.0)
    assert difference([better], [one], resamples=50) == Difference(0.25, -1.0, 1.0, 1.0)


def test_more_documents_and_less_confidence_make_it_narrower() -> None:
    def width(number: int, level: float = 0.95) -> float:
        found = interval([documents(number, 1)], level=level, resamples=300)
        return found.high - found.low

    assert width(400) < 0.5 * width(25)
    assert width(25, 0.5) < 0.6 * width(25)


def test_the_percentiles_of_a_case_worked_by_hand() -> None:
    # Two documents, one right: of the resamples a quarter scores 0, half 1/2 and a quarter 1.
    assert interval([exact([1, 0])]) == Interval(0.5, 0.0, 1.0)
    assert interval([exact([1, 0])], level=0.4) == Interval(0.5, 0.5, 0.5)


def test_nineteen_of_twenty_intervals_hold_the_truth() -> None:
    random = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        hits = random.binomial(4, 0.6, size=60)  # F1 of all documents there might be: 0.6
        found = interval([np.stack([hits, np.full(60, 4)] * 2, axis=1).astype(np.float64)], resamples=200)
        held += found.low <= 0.6 <= found.high
    assert 87 <= held <= 99


def test_of_several_runs_it_is_that_of_their_mean() -> None:
    one, other = documents(20, 1), documents(20, 2, right=0.9)
    found = interval([one, other], resamples=200)
    assert found.value == pytest.approx((Score.of(one).f1 + Score.of(other).f1) / 2)
    assert interval([one, one], resamples=200) == interval([one], resamples=200)


def test_runs_are_resampled_together() -> None:
    # Each document is right in just one of the two runs: whichever documents are drawn, the mean score is 1/2.
    runs = [exact([1, 0, 1, 0, 1]), exact([0, 1, 0, 1, 0])]
    found = interval(runs, resamples=200)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_the_same_seed_gives_the_same_interval() -> None:
    counts = documents(25, 3)
    assert interval([counts], resamples=100) == interval([counts.copy()], resamples=100)
    assert interval([counts], resamples=100, seed=1) != interval([counts], resamples=100, seed=2)


def test_any_score_of_summed_counts_will_do() -> None:
    found = interval([np.array([[1.0, 4], [3, 4]])], recall, resamples=200)
    assert found == Interval(0.5, 0.25, 0.75)


def test_no_documents_and_runs_over_different_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="no documents to resample"):
        interval([np.zeros((0, 4))])
    with pytest.raises(ValueError, match="shape"):
        interval([documents(3, 0), documents(4, 0)])
    with pytest.raises(ValueError):
        interval([])


# Differences


def test_equal_systems_do_not_differ() -> None:
    counts = documents(30, 4)
    assert difference([counts], [counts.copy()], resamples=200) == Difference(0.0, 0.0, 0.0, 1.0)


def test_what_makes_a_document_hard_for_both_is_no_doubt_about_the_difference() -> None:
    random = np.random.default_rng(5)
    hits = random.integers(1, 10, size=40)
    one = np.stack([hits, np.full(40, 10)], axis=1).astype(np.float64)
    other = one - [1, 0]  # on every document one of ten less, however hard it is
    found = difference([one], [other], recall, resamples=200)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.p == 0.0
    alone = interval([one], recall, resamples=200)
    assert alone.high - alone.low > 0.1


def test_the_sign_is_that_of_the_first_system() -> None:
    good, bad = documents(60, 6, right=0.9), documents(60, 6, right=0.3)
    forth, back = difference([good], [bad], resamples=200), difference([bad], [good], resamples=200)
    assert forth.value == pytest.approx(Score.of(good).f1 - Score.of(bad).f1)
    assert 0 < forth.low < forth.value < forth.high
    assert (back.value, back.low, back.high) == pytest.approx((-forth.value, -forth.high, -forth.low))
    assert forth.p == back.p == 0.0


def test_p_of_cases_worked_by_hand() -> None:
    # One document in three is better, none is worse: a resample without it, (2/3)^3 of them, shows no difference.
    found = difference([exact([1, 1, 0])], [exact([0, 1, 0])])
    assert (found.value, found.low) == (pytest.approx(1 / 3), 0.0)
    assert found.p == pytest.approx(2 * 8 / 27, abs=0.06)
    # One better, one worse.
    assert difference([exact([1, 0])], [exact([0, 1])]) == Difference(0.0, -1.0, 1.0, 1.0)


def test_systems_may_have_different_numbers_of_runs() -> None:
    one, other, third = (documents(20, seed) for seed in range(3))
    found = difference([one, other], [third], resamples=100)
    assert found.value == pytest.approx((Score.of(one).f1 + Score.of(other).f1) / 2 - Score.of(third).f1)


def test_systems_scored_on_different_numbers_of_documents_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 documents on one side, 3 on the other$"):
        difference([documents(2, 0)], [documents(3, 0)])
    with pytest.raises(ValueError, match="no documents to resample"):
        difference([np.zeros((0, 4))], [np.zeros((0, 4))])

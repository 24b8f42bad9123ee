"""Confidence against outcomes: the diagram, the error, the scaling, and precision at every threshold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.calibration import (
    Bin,
    Point,
    Scaling,
    expected_calibration_error,
    precision_recall,
    reliability,
)

# Few values, so that some coincide; the extremes and the borders of bins among them.
CONFIDENCE = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 1.0]), st.floats(0, 1))
PREDICTIONS = st.lists(st.tuples(CONFIDENCE, st.booleans()), max_size=12)


def log_loss(scaling: Scaling, confidence: list[float], correct: list[bool]) -> float:
    kept = [min(max(scaling(p), 1e-12), 1 - 1e-12) for p in confidence]
    return -sum(math.log(p if right else 1 - p) for p, right in zip(kept, correct, strict=True))


def outcomes(odds: np.ndarray, seed: int = 0) -> np.ndarray:
    """Outcomes whose probabilities have these log odds."""
    return np.random.default_rng(seed).random(len(odds)) < 1 / (1 + np.exp(-odds))


# The reliability diagram


def test_bins_of_a_case_worked_by_hand() -> None:
    found = reliability([0.95, 0.3, 0.85, 0.5], [True, True, False, False], bins=5)
    assert found == [
        Bin(0.2, 0.4, 1, 0.3, 1.0),
        Bin(0.4, 0.6, 1, 0.5, 0.0),
        Bin(0.8, 1.0, 2, pytest.approx(0.9), 0.5),
    ]


def test_a_bin_holds_its_upper_border_and_the_first_one_zero() -> None:
    found = reliability([0.0, 0.1, 0.1000001, 0.9, 1.0], [1, 1, 1, 1, 0])
    assert [(b.low, b.high, b.count) for b in found] == [(0.0, 0.1, 2), (0.1, 0.2, 1), (0.8, 0.9, 1), (0.9, 1.0, 1)]


@pytest.mark.parametrize("bins", [1, 2, 3, 10, 25, 29, 35, 100])
def test_confidence_on_a_border_is_in_the_bin_below_whatever_floats_do(bins: int) -> None:
    borders = [n / bins for n in range(1, bins + 1)]
    assert [(b.high, b.count, b.confidence) for b in reliability(borders, [True] * bins, bins)] == [
        (border, 1, border) for border in borders
    ]


@settings(max_examples=40, deadline=None)
@given(PREDICTIONS, st.integers(1, 30))
def test_every_prediction_is_in_the_bin_of_its_confidence(predictions: list[tuple[float, bool]], bins: int) -> None:
    confidence, correct = [p for p, _ in predictions], [right for _, right in predictions]
    found = reliability(confidence, correct, bins)
    assert [b.low for b in found] == sorted({b.low for b in found})
    assert sum(b.count for b in found) == len(predictions)
    for b in found:
        held = [(p, right) for p, right in predictions if b.low < p <= b.high or p == b.low == 0]
        assert b.count == len(held)
        assert b.confidence == pytest.approx(sum(p for p, _ in held) / len(held))
        assert b.accuracy == pytest.approx(sum(right for _, right in held) / len(held))
    assert 0 <= expected_calibration_error(confidence, correct, bins) <= 1


# The expected calibration error


def test_the_error_of_a_case_worked_by_hand() -> None:
    # (0.2, 0.4]: 1 of 1 right at 0.3; (0.4, 0.6]: 0 of 1 at 0.5; (0.8, 1]: 1 of 2 at 0.9.
    error = expected_calibration_error([0.95, 0.3, 0.85, 0.5], [True, True, False, False], bins=5)
    assert error == pytest.approx((1 * 0.7 + 1 * 0.5 + 2 * 0.4) / 4)


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [
        ([], [], 0.0),
        ([1.0, 1.0, 0.0], [True, True, False], 0.0),
        ([1.0, 1.0, 0.0], [False, False, True], 1.0),
        ([0.75] * 4, [True, True, True, False], 0.0),
        ([0.75] * 4, [False] * 4, 0.75),
    ],
)
def test_the_extremes_of_the_error(confidence: list[float], correct: list[bool], error: float) -> None:
    assert expected_calibration_error(confidence, correct) == pytest.approx(error)


# Platt scaling


def test_the_scaling_of_nothing_is_the_identity() -> None:
    assert Scaling.fit([], []) == Scaling(1.0, 0.0)
    assert [Scaling()(p) for p in (0.001, 0.25, 0.5, 0.9)] == pytest.approx([0.001, 0.25, 0.5, 0.9])


def test_a_scaling_worked_by_hand() -> None:
    # The odds of 0.8 are 4; half the log odds are odds of 2; plus log 3 are odds of 6.
    assert Scaling(0.5, math.log(3))(0.8) == pytest.approx(6 / 7)


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("offset", [-0.7, 0.0, 1.0])
def test_it_finds_a_known_distortion_and_lowers_loss_and_error(slope: float, offset: float) -> None:
    odds = np.random.default_rng(1).normal(0.5, 1.5, 3000)
    confidence, correct = 1 / (1 + np.exp(-odds)), outcomes(slope * odds + offset)
    scaling = Scaling.fit(confidence, correct)
    assert (scaling.slope, scaling.offset) == pytest.approx((slope, offset), abs=0.2)
    scaled = [scaling(p) for p in confidence]
    assert expected_calibration_error(scaled, correct) < 0.03
    if (slope, offset) != (1.0, 0.0):
        assert log_loss(scaling, list(confidence), list(correct)) < log_loss(Scaling(), list(confidence), list(correct))


@pytest.mark.parametrize(("mean", "spread", "slope", "offset"), [(0, 8, 0.125, 0.0), (6, 4, 0.3, -2.0)])
@pytest.mark.filterwarnings("error")
def test_it_finds_the_distortion_of_a_model_that_is_far_too_sure(
    mean: float, spread: float, slope: float, offset: float
) -> None:
    odds = np.random.default_rng(2).normal(mean, spread, 2000)
    scaling = Scaling.fit(1 / (1 + np.exp(-odds)), outcomes(slope * odds + offset))
    assert (scaling.slope, scaling.offset) == pytest.approx((slope, offset), abs=0.2)


@pytest.mark.filterwarnings("error")
@settings(max_examples=50, deadline=None)
@given(PREDICTIONS)
def test_it_never_makes_the_outcomes_less_likely(predictions: list[tuple[float, bool]]) -> None:
    confidence = [min(max(p, 1e-6), 1 - 1e-6) for p, _ in predictions]
    correct = [right for _, right in predictions]
    scaling = Scaling.fit(confidence, correct)
    assert log_loss(scaling, confidence, correct) <= log_loss(Scaling(), confidence, correct) + 1e-6
    assert all(0 <= scaling(p) <= 1 for p in (0.0, *confidence, 1.0))


@pytest.mark.parametrize("right", [True, False])
def test_a_few_outcomes_of_one_kind_change_little(right: bool) -> None:
    scaling = Scaling.fit([0.6, 0.5, 0.4], [right] * 3)
    assert scaling.slope == pytest.approx(1.0, abs=0.2)
    for confidence in (0.1, 0.4, 0.5, 0.6, 0.9):
        assert scaling(confidence) == pytest.approx(confidence, abs=0.25)


@pytest.mark.parametrize("right", [True, False])
def test_outcomes_of_one_kind_move_confidence_towards_them_and_keep_its_order(right: bool) -> None:
    confidence = [0.3, 0.4, 0.5, 0.6, 0.7] * 10
    scaling = Scaling.fit(confidence, [right] * 50)
    scaled = [scaling(p) for p in confidence[:5]]
    assert all(new > old if right else new < old for new, old in zip(scaled, confidence[:5], strict=True))
    assert scaled == sorted(scaled)
    assert 0.02 < min(scaled) <= max(scaled) < 0.98


def test_scaled_confidence_keeps_its_order() -> None:
    odds = np.random.default_rng(3).normal(1, 2, 300)
    scaling = Scaling.fit(1 / (1 + np.exp(-odds)), outcomes(0.4 * odds - 1))
    scaled = [scaling(p) for p in np.linspace(0, 1, 101)]
    assert scaled == sorted(scaled)
    assert len(set(scaled)) == 101


# Precision and recall at every threshold


def test_points_of_a_case_worked_by_hand() -> None:
    # The two of 0.8 come and go together.
    assert precision_recall([0.8, 0.3, 0.9, 0.8], [True, True, True, False], annotated=5) == [
        Point(0.3, 3 / 4, 3 / 5),
        Point(0.8, pytest.approx(2 / 3), 2 / 5),
        Point(0.9, 1.0, 1 / 5),
    ]


def test_nothing_predicted_has_no_points() -> None:
    assert precision_recall([], [], annotated=3) == []


def test_recall_of_nothing_annotated_is_zero() -> None:
    assert precision_recall([0.5], [False], annotated=0) == [Point(0.5, 0.0, 0.0)]


@settings(max_examples=50, deadline=None)
@given(PREDICTIONS, st.integers(0, 5))
def test_points_are_those_of_counting_what_is_left(predictions: list[tuple[float, bool]], missed: int) -> None:
    annotated = sum(right for _, right in predictions) + missed
    points = precision_recall([p for p, _ in predictions], [right for _, right in predictions], annotated)
    assert [point.threshold for point in points] == sorted({p for p, _ in predictions})
    for point in points:
        left = [right for p, right in predictions if p >= point.threshold]
        assert point.precision == pytest.approx(sum(left) / len(left))
        assert point.recall == pytest.approx(sum(left) / annotated if annotated else 0.0)

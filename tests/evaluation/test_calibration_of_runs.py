"""Which predictions are right, which kinds have a calibration, and how a curve is thinned."""

from __future__ import annotations

import pytest
from scored import FULL, document, event, gold_of, run_of, span

from conflict_events.evaluation.calibration import calibration
from conflict_events.schema import Layer, Span

GOLD = gold_of(document("a", FULL))
FOUND = event("bombed", ("attacker", "rebels"), ("target", "hill 3"), score=0.75)


def test_what_is_right_of_each_kind() -> None:
    found = calibration([run_of(GOLD, [FOUND])])
    assert {kind: (held["count"], held["bins"][0]["accuracy"]) for kind, held in found.items()} == {
        "spans": (2, 0.5),  # a target is annotated, but not there
        "triggers": (1, 1.0),
        "arguments": (2, 0.5),
        "events": (1, 1.0),
    }
    assert found["spans"]["ece"] == 0.25  # 0.75 sure, 0.5 right
    assert found["spans"]["bins"] == [{"low": 0.7, "high": 0.8, "count": 2, "confidence": 0.75, "accuracy": 0.5}]
    assert found["spans"]["curve"] == [{"threshold": 0.75, "precision": 0.5, "recall": 0.25}]  # 1 of 2, 1 of 4


def test_an_event_of_the_wrong_type_is_wrong_and_so_is_an_argument_of_another_trigger() -> None:
    mistyped = event("bombed", ("attacker", "rebels"), kind="shelling", score=0.5)
    misplaced = event("fled", ("attacker", "rebels"), score=0.5)
    found = calibration([run_of(GOLD, [mistyped, misplaced])])
    assert found["events"]["bins"][0]["accuracy"] == 0.0
    assert found["arguments"]["bins"][0]["accuracy"] == 0.5
    assert found["triggers"]["bins"][0]["accuracy"] == 0.5


def test_a_kind_without_scores_has_no_calibration() -> None:
    assert calibration([run_of(GOLD, [])]) == {}
    assert calibration([run_of(GOLD, [event("bombed", ("attacker", "rebels"))])]) == {}
    mixed = run_of(
        GOLD, [], spans=[[span("attacker", "rebels", 0.9), span("target", "hill 3"), span("trigger", "fled", 0.1)]]
    )
    assert list(calibration([mixed])) == ["triggers"]


def test_systems_and_documents_without_events_have_no_calibration_of_events() -> None:
    assert list(calibration([run_of(GOLD, [FOUND], events=False)])) == ["spans", "triggers"]
    roles_only = gold_of(document("a", layers=[Layer.ROLES]))
    assert list(calibration([run_of(roles_only, [FOUND])])) == ["spans", "triggers"]


def test_runs_are_taken_together() -> None:
    found = calibration([run_of(GOLD, [FOUND]), run_of(GOLD, [])])
    assert found["spans"]["count"] == 2
    assert found["spans"]["curve"][0]["recall"] == 1 / 8


@pytest.mark.parametrize(("predictions", "points"), [(1, 1), (200, 200), (201, 200), (999, 200)])
def test_a_curve_keeps_its_ends_and_at_most_200_points(predictions: int, points: int) -> None:
    text = "x" * 1000
    gold = gold_of(document("a", text=text, layers=[Layer.ROLES]))
    spans = [Span(n, n + 1, "target", "x", (n + 1) / 1000) for n in range(predictions)]
    curve = calibration([run_of(gold, [], spans=[spans])])["spans"]["curve"]
    thresholds = [point["threshold"] for point in curve]
    assert len(curve) == points
    assert (thresholds[0], thresholds[-1]) == (0.001, predictions / 1000)
    assert thresholds == sorted(set(thresholds))

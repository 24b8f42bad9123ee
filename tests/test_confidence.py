"""Confidence: calibrated scores, and what they leave out."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.confidence import Confidence, Kind
from conflict_events.errors import CheckpointError
from conflict_events.metrics.calibration import Scaling
from conflict_events.schema import TRIGGER, Event, EventType, Span

TEXT = "rebels shelled troops"
UP = Scaling(1.0, 1.0)  # 0.5 becomes 1 / (1 + 1/e) = 0.7311


def span(role: str, words: str, score: float | None) -> Span:
    return Span.of(TEXT, role, TEXT.index(words), TEXT.index(words) + len(words), score)


def event(
    trigger: float | None = 0.5, arguments: tuple[float | None, ...] = (0.5,), score: float | None = 0.5
) -> Event:
    spans = (span("attacker", "rebels", None), span("target", "troops", None))
    given_ = tuple(Span.of(TEXT, s.role, s.start, s.end, one) for s, one in zip(spans, arguments, strict=False))
    return Event(EventType.SHELLING, span(TRIGGER, "shelled", trigger), given_, score, score)


# What is left out


def test_without_scalings_and_thresholds_everything_stays_as_it_is() -> None:
    spans = [span("attacker", "rebels", 0.0), span(TRIGGER, "shelled", 1e-9), span("target", "troops", None)]
    assert Confidence().spans(spans) == spans
    assert [Confidence().scaled(one) for one in spans] == spans
    assert Confidence().events([event(0.0, (0.0,), 0.0), event(None, (None,), None)]) == [
        event(0.0, (0.0,), 0.0),
        event(None, (None,), None),
    ]


def test_each_kind_has_its_own_threshold() -> None:
    spans = [span("attacker", "rebels", 0.5), span(TRIGGER, "shelled", 0.5)]
    assert Confidence({}, {Kind.SPAN: 0.6}).spans(spans) == spans[1:]
    assert Confidence({}, {Kind.TRIGGER: 0.6}).spans(spans) == spans[:1]
    assert Confidence({}, {Kind.ARGUMENT: 0.6, Kind.EVENT: 0.6, Kind.TYPE: 0.6}).spans(spans) == spans
    assert Confidence({}, {Kind.SPAN: 0.6, Kind.TRIGGER: 0.6, Kind.TYPE: 0.6}).events([event()]) == [event()]
    assert Confidence({}, {Kind.ARGUMENT: 0.6}).events([event(arguments=(0.5, 0.7))]) == [
        Event(EventType.SHELLING, event().trigger, (span("target", "troops", 0.7),), 0.5, 0.5)
    ]
    assert Confidence({}, {Kind.EVENT: 0.6}).events([event(score=0.5), event(score=0.7)]) == [event(score=0.7)]


def test_what_is_as_sure_as_the_threshold_stays() -> None:
    exact = Confidence({}, dict.fromkeys(Kind, 0.5))
    assert exact.spans([span("attacker", "rebels", 0.5)]) == [span("attacker", "rebels", 0.5)]
    assert exact.events([event()]) == [event()]


def test_what_has_no_score_is_never_left_out() -> None:
    strict = Confidence(dict.fromkeys(Kind, UP), dict.fromkeys(Kind, 1.0))
    assert strict.spans([span("attacker", "rebels", None), span(TRIGGER, "shelled", None)]) != []
    assert strict.events([event(None, (None,), None)]) == [event(None, (None,), None)]


def test_min_score_goes_before_the_fitted_thresholds_and_leaves_the_scalings() -> None:
    fitted = Confidence({Kind.SPAN: UP}, {Kind.SPAN: 0.2, Kind.ARGUMENT: 0.9, Kind.TYPE: 0.9})
    at = fitted.at(0.7)
    assert at.scaling == fitted.scaling
    assert at.spans([span("attacker", "rebels", 0.5), span("target", "troops", 0.4)]) == [
        span("attacker", "rebels", 0.5)  # 0.7311; 0.4 becomes 0.4e / (0.6 + 0.4e) = 0.6444
    ]
    assert at.spans([span(TRIGGER, "shelled", 0.69)]) == []
    assert at.events([event(arguments=(0.75, 0.69), score=0.7)]) == [event(arguments=(0.75,), score=0.7)]
    assert at.events([event(score=0.69)]) == []
    assert fitted.at(0.0).events([event(0.0, (0.0,), 0.0)]) == [event(0.0, (0.0,), 0.0)]


def test_an_unsure_type_alone_does_not_leave_an_event_out() -> None:
    sure = Event(EventType.SHELLING, span(TRIGGER, "shelled", 0.9), (), 0.9, 0.1)
    assert Confidence().at(0.8).events([sure]) == [sure]


# Calibrated scores


def test_thresholds_are_on_calibrated_scores_and_spans_stay_raw_for_the_linker() -> None:
    confidence = Confidence({Kind.SPAN: UP}, {Kind.SPAN: 0.7, Kind.TRIGGER: 0.7})
    spans = [span("attacker", "rebels", 0.5), span(TRIGGER, "shelled", 0.5)]
    assert confidence.spans(spans) == spans[:1]
    assert confidence.scaled(spans[0]).score == pytest.approx(0.7311, abs=1e-4)
    assert confidence.scaled(spans[1]).score == 0.5


def test_each_part_of_an_event_has_the_scaling_of_its_kind() -> None:
    # odds of 0.5 are 1: a scaling (1, b) makes them e^b
    scaling = {kind: Scaling(1.0, offset) for kind, offset in zip(Kind, (9.0, 1.0, 2.0, 3.0, 4.0), strict=True)}
    assert list(scaling) == [Kind.SPAN, Kind.TRIGGER, Kind.TYPE, Kind.ARGUMENT, Kind.EVENT]
    (found,) = Confidence(scaling).events([event()])
    scores = [found.trigger.score, found.type_score, found.arguments[0].score, found.score]
    assert scores == pytest.approx([0.731059, 0.880797, 0.952574, 0.982014], abs=1e-6)
    assert (found.type, found.trigger.key, found.arguments[0].key) == (
        EventType.SHELLING, (TRIGGER, 7, 14), ("attacker", 0, 6),
    )  # fmt: skip


@given(
    scores=st.lists(st.floats(0, 1), min_size=2, max_size=10).map(sorted),
    slope=st.floats(0.01, 5),
    offset=st.floats(-5, 5),
    kind=st.sampled_from([Kind.SPAN, Kind.TRIGGER]),
)
@settings(max_examples=100, deadline=None, database=None)
def test_calibrated_scores_are_probabilities_in_the_order_of_the_raw_ones(
    scores: list[float], slope: float, offset: float, kind: Kind
) -> None:
    role = TRIGGER if kind is Kind.TRIGGER else "target"
    confidence = Confidence({kind: Scaling(slope, offset)})
    found = [confidence.scaled(Span.of(TEXT, role, 0, 6, score)).score for score in scores]
    assert all(score is not None and 0 <= score <= 1 for score in found)
    assert all(one <= other for one, other in itertools.pairwise(found))  # type: ignore[operator]


@given(
    scores=st.lists(st.floats(0, 1), max_size=10),
    thresholds=st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
@settings(max_examples=100, deadline=None, database=None)
def test_a_higher_threshold_keeps_a_part_of_what_a_lower_one_keeps(
    scores: list[float], thresholds: list[float]
) -> None:
    confidence = Confidence(dict.fromkeys(Kind, Scaling(0.7, -0.3)))
    events = [event(score, (score,), score) for score in scores]
    low, high = (confidence.at(threshold).events(events) for threshold in thresholds)
    assert len(high) <= len(low)
    assert all(kept.score is not None and kept.score >= thresholds[1] for kept in high)
    assert sum(len(e.arguments) for e in high) <= sum(len(e.arguments) for e in low)


# Records


@given(
    scaling=st.dictionaries(st.sampled_from(Kind), st.builds(Scaling, st.floats(-9, 9), st.floats(-9, 9))),
    thresholds=st.dictionaries(st.sampled_from(Kind), st.floats(0, 1)),
)
@settings(max_examples=60, deadline=None, database=None)
def test_confidence_comes_back_from_json_as_it_was(scaling: dict[Kind, Scaling], thresholds: dict[Kind, float]) -> None:
    confidence = Confidence(scaling, thresholds)
    assert Confidence.from_record(json.loads(json.dumps(confidence.to_record()))) == confidence


def test_the_record_is_what_the_documentation_says() -> None:
    record = Confidence({Kind.SPAN: Scaling(0.5, -1.0)}, {Kind.EVENT: 0.25}).to_record()
    assert record == {"scaling": {"span": [0.5, -1.0]}, "thresholds": {"event": 0.25}}


@pytest.mark.parametrize(
    "record",
    [
        None,
        [],
        {},
        {"scaling": {}},
        {"thresholds": {}},
        {"scaling": [], "thresholds": {}},
        {"scaling": {"span": 1.0}, "thresholds": {}},
        {"scaling": {"span": [1.0]}, "thresholds": {}},
        {"scaling": {"span": [1.0, 0.0, 0.0]}, "thresholds": {}},
        {"scaling": {"span": ["a", "b"]}, "thresholds": {}},
        {"scaling": {"span": None}, "thresholds": {}},
        {"scaling": {"word": [1.0, 0.0]}, "thresholds": {}},
        {"scaling": {"span": [float("nan"), 0.0]}, "thresholds": {}},
        {"scaling": {"span": [1.0, float("inf")]}, "thresholds": {}},
        {"scaling": {}, "thresholds": {"word": 0.5}},
        {"scaling": {}, "thresholds": {"span": None}},
        {"scaling": {}, "thresholds": {"span": "high"}},
        {"scaling": {}, "thresholds": 0.5},
    ],
    ids=str,
)
def test_a_malformed_record_is_refused(record: Any) -> None:
    with pytest.raises(CheckpointError, match="calibration is malformed"):
        Confidence.from_record(record)


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf"), -1, 70])
def test_thresholds_outside_zero_to_one_are_refused_by_name(value: float) -> None:
    with pytest.raises(CheckpointError, match=r"outside \[0, 1\]: trigger="):
        Confidence.from_record({"scaling": {}, "thresholds": {"span": 0.5, "trigger": float(value)}})

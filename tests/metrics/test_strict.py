from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.strict import Score, strict_scores
from conflict_events.schema import Span

TEXT = "x" * 12
ROLES = ("attacker", "target", "trigger")


def span(role: str, start: int, end: int) -> Span:
    return Span.of(TEXT, role, start, end)


# Few offsets and few roles, so that spans meet, nest, cross, touch and coincide in several roles.
PAIRS = st.sampled_from(list(combinations(range(13), 2)))
SPANS = st.lists(st.builds(lambda role, pair: span(role, *pair), st.sampled_from([*ROLES, "other"]), PAIRS), max_size=7)


@st.composite
def both_sides(draw: st.DrawFn) -> tuple[list[list[Span]], list[list[Span]]]:
    """Gold and predicted spans of up to three documents; a prediction repeats some of the gold."""
    gold, predicted = [], []
    for _ in range(draw(st.integers(0, 3))):
        spans = draw(SPANS)
        gold.append(spans)
        repeated = draw(st.lists(st.sampled_from(spans), max_size=7)) if spans else []
        predicted.append(repeated + draw(SPANS))
    return gold, predicted


def counted(gold: list[list[Span]], predicted: list[list[Span]], roles: tuple[str, ...]) -> Score:
    """The same score by counting: matches are what two sets of (document, role, start, end) share."""
    true = {(n, *span.key) for n, spans in enumerate(gold) for span in spans if span.role in roles}
    found = {(n, *span.key) for n, spans in enumerate(predicted) for span in spans if span.role in roles}
    right = len(true & found)
    precision = right / len(found) if found else 0.0
    recall = right / len(true) if true else 0.0
    f1 = 2 * right / (len(true) + len(found)) if right else 0.0
    return Score(precision, recall, f1, len(true))


def same(one: Score, other: Score) -> bool:
    return one.support == other.support and (one.precision, one.recall, one.f1) == pytest.approx(
        (other.precision, other.recall, other.f1)
    )


@settings(max_examples=100, deadline=None)
@given(both_sides())
def test_scores_are_those_of_counting_matches(sides: tuple[list[list[Span]], list[list[Span]]]) -> None:
    gold, predicted = sides
    scores = strict_scores(gold, predicted, ROLES)
    for role in ROLES:
        assert same(scores.per_role[role], counted(gold, predicted, (role,))), role
    assert same(scores.roles, counted(gold, predicted, ("attacker", "target")))
    assert same(scores.overall, counted(gold, predicted, ROLES))


@settings(max_examples=40, deadline=None)
@given(both_sides())
def test_exchanging_the_sides_exchanges_precision_and_recall(
    sides: tuple[list[list[Span]], list[list[Span]]],
) -> None:
    forth, back = strict_scores(*sides, ROLES).overall, strict_scores(*sides[::-1], ROLES).overall
    assert (forth.precision, forth.recall, forth.f1) == pytest.approx((back.recall, back.precision, back.f1))


def test_a_case_worked_by_hand() -> None:
    gold = [[span("attacker", 0, 3), span("target", 4, 6), span("trigger", 7, 9)], [span("target", 0, 2)]]
    predicted = [
        [span("attacker", 0, 3), span("target", 4, 7), span("trigger", 7, 9)],  # the target is too long
        [span("target", 0, 2), span("target", 5, 6), span("attacker", 3, 4)],
    ]
    scores = strict_scores(gold, predicted, ROLES)
    assert scores.per_role["attacker"] == Score(1 / 2, 1.0, pytest.approx(2 / 3), 1)
    assert scores.per_role["target"] == Score(pytest.approx(1 / 3), 1 / 2, pytest.approx(2 / 5), 2)
    assert scores.per_role["trigger"] == Score(1.0, 1.0, 1.0, 1)
    assert scores.roles == Score(pytest.approx(2 / 5), pytest.approx(2 / 3), pytest.approx(1 / 2), 3)
    assert scores.overall == Score(1 / 2, 3 / 4, pytest.approx(3 / 5), 4)


@pytest.mark.parametrize(
    "guess",
    [
        span("target", 2, 6),  # the right place in another role
        span("attacker", 2, 5),
        span("attacker", 3, 6),
        span("attacker", 1, 7),
    ],
)
def test_a_span_counts_only_if_role_start_and_end_are_right(guess: Span) -> None:
    assert strict_scores([[span("attacker", 2, 6)]], [[guess]], ROLES).overall == Score(0.0, 0.0, 0.0, 1)


def test_the_right_span_in_another_document_is_no_match() -> None:
    spans = [span("attacker", 2, 6)]
    assert strict_scores([spans, []], [[], spans], ROLES).overall == Score(0.0, 0.0, 0.0, 1)


def test_neighbours_that_touch_are_two_spans() -> None:
    two = [span("target", 0, 3), span("target", 3, 6)]
    assert strict_scores([two], [two], ROLES).overall == Score(1.0, 1.0, 1.0, 2)
    assert strict_scores([two], [[span("target", 0, 6)]], ROLES).overall == Score(0.0, 0.0, 0.0, 2)


def test_one_stretch_may_stand_in_two_roles() -> None:
    both = [span("attacker", 2, 6), span("target", 2, 6)]
    assert strict_scores([both], [both], ROLES).overall == Score(1.0, 1.0, 1.0, 2)
    assert strict_scores([both], [both[:1]], ROLES).overall == Score(1.0, 1 / 2, pytest.approx(2 / 3), 2)


def test_spans_of_one_role_that_nest_and_cross_all_count() -> None:
    tangle = [span("target", 0, 6), span("target", 2, 4), span("target", 3, 9), span("target", 0, 2)]
    assert strict_scores([tangle], [tangle], ROLES).overall == Score(1.0, 1.0, 1.0, 4)
    assert strict_scores([tangle], [tangle[1:3]], ROLES).overall == Score(1.0, 1 / 2, pytest.approx(2 / 3), 4)


def test_repeats_count_once_on_both_sides() -> None:
    one = span("target", 0, 3)
    scored = Span(0, 3, "target", "xxx", 0.4)
    assert strict_scores([[one, one]], [[one, scored]], ROLES).overall == Score(1.0, 1.0, 1.0, 1)


def test_nothing_annotated_scores_zero() -> None:
    assert strict_scores([[]], [[span("target", 0, 3)]], ROLES).overall == Score(0.0, 0.0, 0.0, 0)


def test_nothing_predicted_scores_zero() -> None:
    assert strict_scores([[span("target", 0, 3)]], [[]], ROLES).overall == Score(0.0, 0.0, 0.0, 1)


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_nothing_on_either_side_scores_zero(documents: list[list[Span]]) -> None:
    scores = strict_scores(documents, documents, ROLES)
    assert scores.overall == scores.roles == scores.per_role["trigger"] == Score(0.0, 0.0, 0.0, 0)


def test_a_role_that_only_the_prediction_has_lowers_precision_only() -> None:
    gold, guess = span("target", 0, 3), span("attacker", 5, 6)
    scores = strict_scores([[gold]], [[gold, guess]], ROLES)
    assert scores.per_role["attacker"] == Score(0.0, 0.0, 0.0, 0)
    assert scores.overall == Score(1 / 2, 1.0, pytest.approx(2 / 3), 1)


def test_roles_outside_the_inventory_are_left_out_on_both_sides() -> None:
    gold = [span("target", 0, 3), span("weapon", 4, 6)]
    scores = strict_scores([gold], [[span("target", 0, 3), span("weapon", 7, 9)]], ROLES)
    assert scores.overall == Score(1.0, 1.0, 1.0, 1)
    assert "weapon" not in scores.per_role


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 annotated documents, but 1 predicted"):
        strict_scores([[], []], [[]], ROLES)


def test_the_record_has_every_number() -> None:
    one = [span("trigger", 0, 3)]
    full = {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1}
    none = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert strict_scores([one], [one], ("target", "trigger")).to_record() == {
        "roles": none, "overall": full, "per_role": {"target": none, "trigger": full},
    }  # fmt: skip

"""Which spans become partners, and that nothing but the spans themselves decides it."""

from __future__ import annotations

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.alignment import align, distinct, shared
from conflict_events.metrics.score import check_same_documents
from conflict_events.schema import Span

TEXT = "x" * 40


def span(role: str, start: int, end: int, score: float | None = None) -> Span:
    return Span.of(TEXT, role, start, end, score)


def same_role(one: Span, other: Span) -> tuple[int, ...]:
    return (int(one.role == other.role),)


def any_pair(one: Span, other: Span) -> tuple[int, ...]:
    return (1,)


SPANS = st.lists(
    st.builds(
        lambda role, pair: span(role, *pair),
        st.sampled_from(["attacker", "target"]),
        st.sampled_from(list(combinations(range(8), 2))),
    ),
    max_size=6,
)


def test_spans_that_only_touch_are_no_partners() -> None:
    assert align([span("target", 0, 4)], [span("target", 4, 8)], any_pair) == []
    assert shared(span("target", 0, 4), span("target", 4, 8)) == 0
    assert shared(span("target", 0, 5), span("target", 3, 8)) == 2


def test_each_span_has_one_partner_at_most() -> None:
    one, whole, half = span("target", 0, 10), span("target", 0, 9), span("target", 0, 5)
    assert align([one], [half, whole], any_pair) == [(one, whole)]
    assert align([half, whole], [one], any_pair) == [(whole, one)]


def test_more_pairs_come_before_more_shared_characters() -> None:
    # 0-10 shares most with 0-9, but then 8-12 has no partner; crosswise both have one.
    long, late = span("target", 0, 10), span("target", 8, 12)
    first, second = span("target", 0, 9), span("target", 0, 3)
    assert align([long, late], [first, second], any_pair) == [(long, second), (late, first)]


def test_the_caller_decides_first() -> None:
    gold = [span("target", 0, 10)]
    near, far = span("attacker", 0, 10), span("target", 9, 20)
    assert align(gold, [near, far], any_pair) == [(gold[0], near)]
    assert align(gold, [near, far], same_role) == [(gold[0], far)]


def test_overlapping_spans_that_nothing_speaks_for_but_their_characters_are_still_partners() -> None:
    gold, guess = span("target", 0, 4), span("attacker", 3, 8)
    assert align([gold], [guess], same_role) == [(gold, guess)]


def test_distinct_keeps_the_surest_of_equal_spans_in_text_order() -> None:
    sure, unsure = span("target", 5, 8, 0.9), span("target", 5, 8, 0.4)
    others = [span("attacker", 0, 3), span("weapon", 0, 3)]
    for given_spans in ([sure, unsure, *others], [*others, unsure, sure]):
        assert distinct(iter(given_spans), ["target", "attacker"]) == [others[0], sure]


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 annotated documents, but 1 predicted ones$"):
        check_same_documents([[], []], [[]])
    check_same_documents([], [])


@settings(max_examples=60, deadline=None)
@given(SPANS, SPANS, st.integers(0, 99))
def test_the_order_of_spans_decides_nothing(gold: list[Span], predicted: list[Span], seed: int) -> None:
    gold, predicted = distinct(gold, ["attacker", "target"]), distinct(predicted, ["attacker", "target"])
    pairs = align(gold, predicted, same_role)
    shuffle = random.Random(seed)
    mixed = shuffle.sample(gold, len(gold)), shuffle.sample(predicted, len(predicted))
    assert align(*mixed, same_role) == pairs
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert all(shared(one, other) for one, other in pairs)


@settings(max_examples=30, deadline=None)
@given(SPANS, SPANS)
def test_far_away_spans_change_nothing(gold: list[Span], predicted: list[Span]) -> None:
    gold, predicted = distinct(gold, ["attacker", "target"]), distinct(predicted, ["attacker", "target"])
    far = span("target", 30, 34), span("attacker", 31, 36)
    expected = [*align(gold, predicted, same_role), far]
    assert align([far[0], *gold], [far[1], *predicted], same_role) == expected

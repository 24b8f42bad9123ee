"""SemEval-2013 and MUC-5 scores, head and overlap: worked by hand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.matching import Criterion, match_scores
from conflict_events.metrics.score import Score
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Span

TEXT = "Two rebel brigades of the north shelled the old market of Arna with rockets at dawn."
ROLES = ("attacker", "target", "location", "weapon", "trigger")
SCHEMAS = (Criterion.STRICT, Criterion.EXACT, Criterion.PARTIAL, Criterion.TYPE)
NOTHING = Score(0.0, 0.0, 0.0, 0).to_record()


def span(role: str, words: str) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, role, start, start + len(words))


def outcomes(gold: Sequence[Span], predicted: Sequence[Span], criterion: Criterion) -> list[int]:
    """Correct, incorrect, partial, missing, spurious of one document."""
    counts = match_scores([gold], [predicted], ROLES).counts[criterion]
    return counts.outcomes["overall"][0].tolist()


def overall(gold: Sequence[Span], predicted: Sequence[Span], criterion: Criterion) -> list[float]:
    """Right, predicted, found, annotated of one document."""
    return match_scores([gold], [predicted], ROLES).counts[criterion].overall[0].tolist()


# The categories

COR, INC, PAR = [1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]
MIS, SPU = [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]
MARKET = span("target", "the old market")


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),  # expected by strict, exact, partial, type
    [
        ([MARKET], [MARKET], [COR, COR, COR, COR]),
        ([], [MARKET], [SPU] * 4),
        ([MARKET], [], [MIS] * 4),
        ([MARKET], [span("location", "the old market")], [INC, COR, COR, INC]),
        ([MARKET], [span("target", "old market of Arna")], [INC, INC, PAR, COR]),
        ([MARKET], [span("location", "old market of Arna")], [INC, INC, PAR, INC]),
        ([MARKET], [span("target", "Arna")], [[0, 0, 0, 1, 1]] * 4),
    ],
)
def test_the_scenarios_of_semeval(gold: list[Span], predicted: list[Span], expected: list[list[int]]) -> None:
    assert [outcomes(gold, predicted, schema) for schema in SCHEMAS] == expected


GOLD = [
    span("attacker", "Two rebel brigades of the north"), span("trigger", "shelled"), MARKET,
    span("location", "Arna"), span("weapon", "rockets"), span("target", "dawn"),
]  # fmt: skip
PREDICTED = [
    span("attacker", "rebel brigades"), span("trigger", "shelled"), span("location", "old market"),
    span("location", "Arna"), span("attacker", "rockets"), span("weapon", "of the"), span("target", "with"),
]  # fmt: skip


def test_every_scenario_in_one_document() -> None:
    # Right: shelled, Arna. Other role: rockets. Other boundaries: attacker. Both: market. Missed: dawn. Spurious: with,
    # and "of the", which lies in the attacker but comes second there to "rebel brigades".
    scores = match_scores([GOLD], [PREDICTED], ROLES)
    found = {schema: scores.counts[schema].outcomes["overall"][0].tolist() for schema in SCHEMAS}
    assert found == {
        Criterion.STRICT: [2, 3, 0, 1, 2],
        Criterion.EXACT: [3, 2, 0, 1, 2],
        Criterion.PARTIAL: [3, 0, 2, 1, 2],
        Criterion.TYPE: [3, 2, 0, 1, 2],
    }
    # Six are possible, seven actual.
    assert overall(GOLD, PREDICTED, Criterion.STRICT) == [2, 7, 2, 6]
    assert overall(GOLD, PREDICTED, Criterion.PARTIAL) == [4, 7, 4, 6]
    partial = scores.to_record()["partial"]
    assert partial["overall"] == Score(4 / 7, 4 / 6, pytest.approx(8 / 13), 6).to_record()
    # Without the trigger: one right, one exact, two halves of five and six.
    assert partial["roles"] == Score(pytest.approx(3 / 6), 3 / 5, pytest.approx(6 / 11), 5).to_record()
    assert scores.counts[Criterion.PARTIAL].outcomes["roles"].tolist() == [[2, 0, 2, 1, 2]]


def test_of_partners_in_two_roles_each_counts_in_its_own() -> None:
    exact = match_scores([GOLD], [PREDICTED], ROLES).counts[Criterion.EXACT]
    # "rockets" was found, whatever it was called: the weapon is found, and the attacker's boundaries are right.
    assert {role: counts[0].tolist() for role, counts in exact.per_role.items()} == {
        "attacker": [1, 2, 0, 1], "target": [0, 1, 0, 2], "location": [1, 2, 1, 1], "weapon": [0, 1, 1, 1],
        "trigger": [1, 1, 1, 1],
    }  # fmt: skip


# The alignment


def test_several_predictions_within_one_span_are_partners_of_it_once() -> None:
    gold = [span("attacker", "Two rebel brigades of the north")]
    predicted = [span("attacker", "Two rebel"), span("attacker", "brigades of the north")]
    assert outcomes(gold, predicted, Criterion.TYPE) == [1, 0, 0, 0, 1]
    assert overall(gold, predicted, Criterion.TYPE) == [1, 2, 1, 1]
    # "Overlap" does not ask for one partner each.
    assert overall(gold, predicted, Criterion.OVERLAP) == [2, 2, 1, 1]
    assert overall(predicted, gold, Criterion.OVERLAP) == [1, 1, 2, 2]


@pytest.mark.parametrize("turned", [False, True])
def test_nested_spans_find_their_own_partners_in_whatever_order(turned: bool) -> None:
    outer, inner = span("target", "the old market of Arna"), span("target", "old market")
    predicted = [span("target", "the old market of Arna with"), span("target", "old market")]
    sides = ([inner, outer], predicted[::-1]) if turned else ([outer, inner], predicted)
    assert outcomes(*sides, Criterion.STRICT) == [1, 1, 0, 0, 0]
    assert outcomes(*sides, Criterion.PARTIAL) == [1, 0, 1, 0, 0]


def test_each_criterion_has_the_alignment_that_is_best_by_it() -> None:
    predicted = [span("location", "the old market"), span("target", "old market")]
    assert outcomes([MARKET], predicted, Criterion.EXACT) == [1, 0, 0, 0, 1]
    assert outcomes([MARKET], predicted, Criterion.TYPE) == [1, 0, 0, 0, 1]
    assert outcomes([MARKET], predicted, Criterion.STRICT) == [0, 1, 0, 0, 1]


def test_of_equal_credit_the_alignment_with_more_correct_pairs_is_taken() -> None:
    gold = [span("target", "the old market of Arna"), span("location", "Arna with")]
    predicted = [gold[0], span("target", "the old")]
    # One correct pair, or crosswise two halves.
    assert outcomes(gold, predicted, Criterion.PARTIAL) == [1, 0, 0, 1, 1]


def test_credit_of_documents_is_added_and_never_lost() -> None:
    half = [span("target", "old market")]
    scores = match_scores([[MARKET], [MARKET], []], [half, half, half], ROLES)
    partial = scores.counts[Criterion.PARTIAL]
    assert partial.overall.tolist() == [[0.5, 1, 0.5, 1], [0.5, 1, 0.5, 1], [0, 1, 0, 0]]
    assert partial.outcomes["overall"].tolist() == [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    assert scores.to_record()["partial"]["roles"] == Score(pytest.approx(1 / 3), 1 / 2, 2 / 5, 2).to_record()


def test_roles_are_scored_as_though_there_were_no_triggers() -> None:
    trigger = [span("trigger", "the old market")]
    exact = match_scores([[MARKET]], [trigger], ROLES).counts[Criterion.EXACT]
    assert exact.overall.tolist() == [[1, 1, 1, 1]]
    assert exact.roles.tolist() == [[0, 0, 0, 1]]
    assert exact.outcomes["roles"].tolist() == [MIS]


# Head and overlap


@pytest.mark.parametrize(
    ("guess", "by_head", "by_overlap"),
    [
        (span("attacker", "brigades"), True, True),
        (span("attacker", "rebel brigades of the north shelled"), True, True),
        (span("attacker", "Two rebel"), False, True),
        (span("attacker", "north"), False, True),
        (span("target", "brigades"), False, False),
        (span("attacker", "shelled"), False, False),
    ],
)
def test_head_and_overlap(guess: Span, by_head: bool, by_overlap: bool) -> None:
    gold = [span("attacker", "Two rebel brigades of the north")]
    assert overall(gold, [guess], Criterion.HEAD) == [by_head, 1, by_head, 1]
    assert overall(gold, [guess], Criterion.OVERLAP) == [by_overlap, 1, by_overlap, 1]


def test_two_predictions_of_one_head_find_it_once() -> None:
    gold = [span("attacker", "Two rebel brigades of the north")]
    predicted = [span("attacker", "brigades"), span("attacker", "rebel brigades")]
    assert overall(gold, predicted, Criterion.HEAD) == [1, 2, 1, 1]


# Nothing on a side, and input that is odd


def test_repeats_count_once_on_both_sides() -> None:
    scored = Span(MARKET.start, MARKET.end, MARKET.role, MARKET.text, 0.5)
    for criterion in Criterion:
        assert overall([MARKET, MARKET], [scored, MARKET], criterion) == [1, 1, 1, 1]


@pytest.mark.parametrize("documents", [[], [[]], [[], []]])
def test_nothing_on_either_side_scores_zero(documents: list[list[Span]]) -> None:
    record = match_scores(documents, documents, ROLES).to_record()
    assert record == {
        name: {"roles": NOTHING, "overall": NOTHING, "per_role": dict.fromkeys(ROLES, NOTHING)}
        for name in ("exact", "partial", "type", "head", "overlap")
    }


def test_a_side_that_is_empty_scores_zero_with_the_support_of_the_other() -> None:
    for criterion, counts in match_scores([[MARKET]], [[]], ROLES).counts.items():
        assert Score.of(counts.overall) == Score.of(counts.roles) == Score(0.0, 0.0, 0.0, 1), criterion
    for criterion, counts in match_scores([[]], [[MARKET]], ROLES).counts.items():
        assert counts.roles.tolist() == [[0, 1, 0, 0]], criterion
        assert Score.of(counts.per_role["target"]) == Score(0.0, 0.0, 0.0, 0), criterion


def test_roles_outside_the_inventory_are_left_out_on_both_sides() -> None:
    scores = match_scores([[MARKET, span("weapon", "rockets")]], [[span("weapon", "the old market")]], ["target"])
    assert scores.counts[Criterion.EXACT].overall.tolist() == [[0, 0, 0, 1]]
    assert list(scores.counts[Criterion.EXACT].per_role) == ["target"]


def test_an_inventory_of_triggers_only_has_no_role_scores() -> None:
    scores = match_scores([GOLD], [PREDICTED], ["trigger"]).counts[Criterion.PARTIAL]
    assert scores.overall.tolist() == [[1, 1, 1, 1]]
    assert scores.roles.tolist() == [[0, 0, 0, 0]]


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^1 annotated documents, but 2 predicted ones$"):
        match_scores([[]], [[], []], ROLES)


# What holds of any spans

SMALL = "a b, c of d e"
SPANS = st.lists(
    st.builds(
        lambda role, pair: Span.of(SMALL, role, *pair),
        st.sampled_from(["attacker", "target", "trigger"]),
        st.sampled_from(list(combinations([0, 2, 5, 7, 10, 13], 2))),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=3), st.integers(0, 99))
def test_laws(documents: list[tuple[list[Span], list[Span]]], seed: int) -> None:
    gold, predicted = [ours for ours, _ in documents], [theirs for _, theirs in documents]
    scores = match_scores(gold, predicted, ROLES)
    turned = match_scores(predicted, gold, ROLES)
    for criterion, counts in scores.counts.items():
        assert sum(counts.per_role.values()).tolist() == counts.overall.tolist()  # type: ignore[union-attr]
        back = turned.counts[criterion]
        assert back.overall.tolist() == counts.overall[:, [2, 3, 0, 1]].tolist()
        for group, five in counts.outcomes.items():
            four = getattr(counts, group)
            correct, incorrect, partial, missing, spurious = five.T
            assert (correct + incorrect + partial + missing).tolist() == four[:, 3].tolist()
            assert (correct + incorrect + partial + spurious).tolist() == four[:, 1].tolist()
            assert (correct + partial / 2).tolist() == four[:, 0].tolist() == four[:, 2].tolist()
            assert back.outcomes[group].tolist() == five[:, [0, 1, 2, 4, 3]].tolist()
    # A criterion that asks for less gives no less credit.
    credit = {criterion: counts.overall[:, 2] for criterion, counts in scores.counts.items()}
    for harder, easier in [
        ("strict", "exact"), ("strict", "type"), ("strict", "head"), ("exact", "partial"), ("head", "type"),
        ("type", "overlap"),
    ]:  # fmt: skip
        assert (credit[Criterion(harder)] <= credit[Criterion(easier)]).all(), (harder, easier)
    shuffle = random.Random(seed)
    mixed = [[shuffle.sample(spans, len(spans)) for spans in side] for side in (gold, predicted)]
    assert match_scores(*mixed, ROLES).to_record() == scores.to_record()


@settings(max_examples=40, deadline=None)
@given(SPANS, SPANS)
def test_roles_are_what_an_inventory_without_the_trigger_scores(gold: list[Span], predicted: list[Span]) -> None:
    scores = match_scores([gold], [predicted], ROLES)
    without = match_scores([gold], [predicted], ROLES[:-1])
    for criterion, counts in scores.counts.items():
        assert counts.roles.tolist() == without.counts[criterion].overall.tolist()


@settings(max_examples=30, deadline=None)
@given(SPANS, SPANS)
def test_the_strict_schema_is_seqeval(gold: list[Span], predicted: list[Span]) -> None:
    counts = match_scores([gold], [predicted], ROLES).counts[Criterion.STRICT]
    reference = strict_scores([gold], [predicted], ROLES)
    for mine, theirs in [
        (counts.overall, reference.overall),
        (counts.roles, reference.roles),
        *((counts.per_role[role], reference.per_role[role]) for role in ROLES),
    ]:
        found = Score.of(mine)
        assert found.support == theirs.support
        assert (found.precision, found.recall, found.f1) == pytest.approx((theirs.precision, theirs.recall, theirs.f1))

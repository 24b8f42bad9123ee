"""MUC, B-cubed and CEAF-e against examples worked by hand, and what must hold of any grouping."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.coreference import CoreferenceScores, coreference_scores
from conflict_events.metrics.score import Score

Groups = list[list[str]]


def groups(*words: str) -> Groups:
    """``groups("abc", "d")``: a, b and c together, d alone."""
    return [list(word) for word in words]


def score(precision: float, recall: float, support: int) -> Score:
    harmonic = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Score(pytest.approx(precision), pytest.approx(recall), pytest.approx(harmonic), support)


# Examples


def test_the_example_of_the_reference_scorer() -> None:
    """Pradhan et al. 2014, section 4: c and d are grouped wrongly, e is missing, h and i are not annotated."""
    scores = coreference_scores([groups("abc", "defg")], [groups("ab", "cd", "fghi")])
    # MUC. Annotated links 2 + 3; abc falls into ab|c, one link is left; defg into d|e|fg, one is left.
    # Predicted links 1 + 1 + 3; ab keeps one, cd falls apart, fghi into fg|h|i keeps one.
    assert scores.muc == score(2 / 5, 2 / 5, 5)
    # B-cubed. Recall: a, b 2/3 each, c 1/3, d 1/4, e 0, f, g 2/4 each: 35/12 of 7.
    # Precision: a, b 2/2 each, c, d 1/2 each, f, g 2/4 each, h, i 0: 4 of 8.
    assert scores.b_cubed == score(4 / 8, 35 / 12 / 7, 7)
    # CEAF-e. abc with ab: 2 * 2 / (3 + 2); defg with fghi: 2 * 2 / (4 + 4). Of 3 predicted and 2 annotated groups.
    assert scores.ceaf_e == score((4 / 5 + 1 / 2) / 3, (4 / 5 + 1 / 2) / 2, 2)
    assert scores.conll == pytest.approx((2 / 5 + 5 / 11 + 13 / 25) / 3)


BAGGA = groups("12345", "67", "89ABC")


def test_the_first_response_of_bagga_and_baldwin() -> None:
    """Bagga and Baldwin 1998: a small group is joined with a large one."""
    scores = coreference_scores([BAGGA], [groups("12345", "6789ABC")])
    assert scores.muc == score(9 / 10, 9 / 9, 9)
    # Precision: 5 * 5/5, then 2 * 2/7 + 5 * 5/7, of 12.
    assert scores.b_cubed == score(16 / 21, 1.0, 12)
    # 12345 with itself 1, 89ABC with the joined one 2 * 5 / (5 + 7).
    assert scores.ceaf_e == score((1 + 5 / 6) / 2, (1 + 5 / 6) / 3, 3)


def test_the_second_response_of_bagga_and_baldwin() -> None:
    """Two large groups are joined: MUC sees no difference, the others do."""
    scores = coreference_scores([BAGGA], [groups("1234589ABC", "67")])
    assert scores.muc == score(9 / 10, 9 / 9, 9)
    # Precision: 10 * 5/10 and 2 * 2/2, of 12.
    assert scores.b_cubed == score(7 / 12, 1.0, 12)
    # 67 with itself 1, 12345 with the joined one 2 * 5 / (5 + 10).
    assert scores.ceaf_e == score((1 + 2 / 3) / 2, (1 + 2 / 3) / 3, 3)


def test_counts_of_documents_are_added() -> None:
    # The first document: abc as ab|c. The second: de right.
    scores = coreference_scores([groups("abc"), groups("de")], [groups("ab", "c"), groups("de")])
    assert scores.muc == score(2 / 2, 2 / 3, 3)
    # Recall: a, b 2/3 each, c 1/3, d, e 1 each.
    assert scores.b_cubed == score(5 / 5, (5 / 3 + 2) / 5, 5)
    assert scores.ceaf_e == score((4 / 5 + 1) / 3, (4 / 5 + 1) / 2, 2)


def test_groups_are_aligned_for_the_best_sum_and_not_greedily() -> None:
    # 123456 is most like 12347 (8/11), but then 7 and 56 are left, which share nothing; crosswise it is 4/8 and 2/6.
    scores = coreference_scores([groups("123456", "7")], [groups("12347", "56")])
    assert scores.ceaf_e == score((4 / 8 + 2 / 6) / 2, (4 / 8 + 2 / 6) / 2, 2)


def test_a_group_without_a_partner_stays_alone() -> None:
    # abcf with abxy 4/8, with cf 4/6; deg with neither.
    scores = coreference_scores([groups("abcf", "deg")], [groups("abxy", "cf")])
    assert scores.ceaf_e == score(4 / 6 / 2, 4 / 6 / 2, 2)


# Perfect and worst


@pytest.mark.parametrize("key", [groups("abc", "de"), groups("abc", "d"), groups("ab")])
def test_the_right_groups_score_one(key: Groups) -> None:
    scores = coreference_scores([key], [key[::-1]])
    assert scores.b_cubed == score(1, 1, sum(map(len, key)))
    assert scores.ceaf_e == score(1, 1, len(key))
    assert scores.muc.f1 == scores.conll == 1.0


def test_singletons_have_no_links() -> None:
    """MUC knows no groups of one; right ones score 0 there and 1 elsewhere."""
    scores = coreference_scores([groups("a", "b", "c")], [groups("a", "b", "c")])
    assert scores.muc == Score(0.0, 0.0, 0.0, 0)
    assert scores.b_cubed == score(1, 1, 3)
    assert scores.ceaf_e == score(1, 1, 3)
    assert scores.conll == pytest.approx(2 / 3)


def test_everything_alone() -> None:
    scores = coreference_scores([groups("abc")], [groups("a", "b", "c")])
    assert scores.muc == Score(0.0, 0.0, 0.0, 2)
    assert scores.b_cubed == score(1, 1 / 3, 3)
    # The group has one of the three as its partner: 2 * 1 / (3 + 1).
    assert scores.ceaf_e == score(1 / 2 / 3, 1 / 2, 1)


def test_everything_together() -> None:
    scores = coreference_scores([groups("a", "b", "c")], [groups("abc")])
    assert scores.muc == Score(0.0, 0.0, 0.0, 0)
    assert scores.b_cubed == score(1 / 3, 1, 3)
    assert scores.ceaf_e == score(1 / 2, 1 / 2 / 3, 3)


def test_other_mentions_altogether_score_zero() -> None:
    scores = coreference_scores([groups("abc")], [groups("xyz")])
    assert scores == CoreferenceScores(Score(0, 0, 0, 2), Score(0, 0, 0, 3), Score(0, 0, 0, 1))
    assert scores.conll == 0.0


# Mentions that one side lacks


def test_a_mention_that_is_missing() -> None:
    scores = coreference_scores([groups("abc")], [groups("ab")])
    assert scores.muc == score(1, 1 / 2, 2)
    assert scores.b_cubed == score(1, (2 / 3 + 2 / 3) / 3, 3)
    assert scores.ceaf_e == score(4 / 5, 4 / 5, 1)


def test_a_mention_too_many() -> None:
    scores = coreference_scores([groups("ab")], [groups("abc")])
    assert scores.muc == score(1 / 2, 1, 1)
    assert scores.b_cubed == score((2 / 3 + 2 / 3) / 3, 1, 2)


def test_a_singleton_too_many_lowers_precision_but_not_links() -> None:
    scores = coreference_scores([groups("ab")], [groups("ab", "x")])
    assert scores.muc == score(1, 1, 1)
    assert scores.b_cubed == score(2 / 3, 1, 2)
    assert scores.ceaf_e == score(1 / 2, 1, 1)


# Nothing


@pytest.mark.parametrize("documents", [[], [[]], [[], []], [[[]]]])
def test_nothing_on_either_side_scores_zero(documents: list[Groups]) -> None:
    nothing = Score(0.0, 0.0, 0.0, 0)
    assert coreference_scores(documents, documents) == CoreferenceScores(nothing, nothing, nothing)


def test_nothing_on_one_side_scores_zero() -> None:
    key = groups("ab", "c")
    assert coreference_scores([key], [[]]) == CoreferenceScores(Score(0, 0, 0, 1), Score(0, 0, 0, 3), Score(0, 0, 0, 2))
    assert coreference_scores([[]], [key]).conll == 0.0


def test_an_empty_document_and_an_empty_group_change_nothing() -> None:
    key, response = groups("abc", "d"), groups("ab", "cd")
    alone = coreference_scores([key], [response])
    assert coreference_scores([key, []], [response, []]) == alone
    assert coreference_scores([[*key, []]], [[[], *response]]) == alone


# Refused


def test_a_mention_in_two_groups_is_refused_on_either_side() -> None:
    double, single = groups("ab", "bc"), groups("ab", "c")
    for sides in ((double, single), (single, double)):
        with pytest.raises(ValueError, match=r"^a mention stands in two groups$"):
            coreference_scores(*([side] for side in sides))


def test_the_same_mention_in_two_documents_is_no_conflict() -> None:
    two = [groups("ab"), groups("ab")]
    assert coreference_scores(two, two).conll == 1.0


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 annotated documents, but 1 predicted ones$"):
        coreference_scores([[], []], [[]])


# What holds of any grouping


@st.composite
def grouping(draw: st.DrawFn) -> Groups:
    """Some of eight mentions in up to four groups."""
    numbers = draw(st.lists(st.integers(-1, 3), min_size=8, max_size=8))  # -1: the mention is missing
    found = [[mention for mention, n in zip("abcdefgh", numbers, strict=True) if n == number] for number in range(4)]
    return [group for group in found if group]


def values(scores: CoreferenceScores) -> list[float]:
    return [v for s in (scores.muc, scores.b_cubed, scores.ceaf_e) for v in (s.precision, s.recall, s.f1)]


@settings(max_examples=50, deadline=None)
@given(grouping(), grouping(), st.randoms(use_true_random=False))
def test_scores_are_fractions_symmetric_and_blind_to_order_and_names(
    key: Groups, response: Groups, random: object
) -> None:
    scores = coreference_scores([key], [response])
    assert all(0 <= value <= 1 + 1e-9 for value in [*values(scores), scores.conll])

    back = coreference_scores([response], [key])
    for one, other in [(scores.muc, back.muc), (scores.b_cubed, back.b_cubed), (scores.ceaf_e, back.ceaf_e)]:
        assert (one.precision, one.recall, one.f1) == pytest.approx((other.recall, other.precision, other.f1))

    def shuffled(side: Groups) -> list[list[int]]:
        renamed = [[ord(mention) for mention in group] for group in side]
        for part in (renamed, *renamed):
            random.shuffle(part)  # type: ignore[attr-defined]
        return renamed

    assert values(coreference_scores([shuffled(key)], [shuffled(response)])) == pytest.approx(values(scores))


@settings(max_examples=30, deadline=None)
@given(grouping(), grouping())
def test_the_alignment_of_ceaf_is_the_best_of_all(key: Groups, response: Groups) -> None:
    def alike(a: list[str], b: list[str]) -> float:
        return 2 * len(set(a) & set(b)) / (len(a) + len(b))

    short, long = sorted((key, response), key=len)
    best = max(sum(map(alike, short, order)) for order in permutations(long, len(short)))
    found = coreference_scores([key], [response]).ceaf_e
    assert found.precision == pytest.approx(best / len(response) if response else 0.0)
    assert found.recall == pytest.approx(best / len(key) if key else 0.0)


@settings(max_examples=30, deadline=None)
@given(grouping())
def test_only_the_right_grouping_is_perfect(key: Groups) -> None:
    scores = coreference_scores([key], [key])
    assert scores.b_cubed.f1 == scores.ceaf_e.f1 == pytest.approx(float(bool(key)))
    assert scores.muc.f1 == float(any(len(group) > 1 for group in key))

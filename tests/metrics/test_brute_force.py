"""Every metric against a slow one, written anew from its definition: all alignments, all resamples, every pair.

Beside their hand-worked cases, strict scores, event scores, the alignment of CEAF-e, agreement, the reliability diagram
and points of precision and recall have such a check in their own test modules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conflict_events.metrics.bootstrap import difference, interval
from conflict_events.metrics.calibration import expected_calibration_error
from conflict_events.metrics.ceaf_ree import ceaf_ree
from conflict_events.metrics.coreference import coreference_scores
from conflict_events.metrics.errors import ErrorKind, find_errors
from conflict_events.metrics.events import Match, event_scores
from conflict_events.metrics.matching import Criterion, match_scores
from conflict_events.metrics.unseen import seen_recall
from conflict_events.schema import TRIGGER, Document, Event, EventType, Span
from conflict_events.text import head

TEXT = "a b, c of d e"
OFFSETS = [0, 2, 5, 7, 10, 13]
ROLES = ("attacker", "target", "trigger")
SPAN = st.builds(
    lambda role, pair: Span.of(TEXT, role, *pair),
    st.sampled_from([*ROLES, "other"]),
    st.sampled_from(list(combinations(OFFSETS, 2))),
)
SPANS = st.lists(SPAN, max_size=5)
Pairs = list[tuple[Span, Span]]


def kept(spans: Sequence[Span], roles: Sequence[str] = ROLES) -> list[Span]:
    """Spans of the inventory, each once."""
    return [s for n, s in enumerate(spans) if s.role in roles and s not in spans[:n]]


def characters(span: Span) -> set[int]:
    return set(range(span.start, span.end))


def alignments(gold: Sequence[Span], predicted: Sequence[Span]) -> Iterator[Pairs]:
    """Every way to give spans that share a character at most one partner each."""
    if not gold:
        yield []
        return
    yield from alignments(gold[1:], predicted)
    for other in predicted:
        if characters(gold[0]) & characters(other):
            rest = [span for span in predicted if span is not other]
            yield from ([(gold[0], other), *pairs] for pairs in alignments(gold[1:], rest))


def core(span: Span) -> tuple[int, int]:
    start, end = head(span.text)
    return span.start + start, span.start + end


# The schemas of SemEval-2013, and the head

JUDGED: dict[Criterion, Callable[[Span, Span], str]] = {
    Criterion.STRICT: lambda a, b: "COR" if (a.role, a.start, a.end) == (b.role, b.start, b.end) else "INC",
    Criterion.EXACT: lambda a, b: "COR" if characters(a) == characters(b) else "INC",
    Criterion.PARTIAL: lambda a, b: "COR" if characters(a) == characters(b) else "PAR",
    Criterion.TYPE: lambda a, b: "COR" if a.role == b.role else "INC",
    Criterion.HEAD: lambda a, b: "COR" if a.role == b.role and core(a) == core(b) else "INC",
}


@pytest.mark.parametrize("criterion", JUDGED)
@settings(max_examples=60, deadline=None)
@given(gold=SPANS, guesses=SPANS, repeated=st.integers(0, 3))
def test_one_to_one_scores_are_those_of_the_best_of_all_alignments(
    criterion: Criterion, gold: list[Span], guesses: list[Span], repeated: int
) -> None:
    predicted = [*gold[:repeated], *guesses][:6]
    annotated, found = kept(gold), kept(predicted)

    def categories(pairs: Pairs) -> list[str]:
        return [JUDGED[criterion](*pair) for pair in pairs]

    def goodness(pairs: Pairs) -> tuple[float, int, int, int]:
        judged = categories(pairs)
        alike = sum(a.role == b.role for a, b in pairs)
        return judged.count("COR") + judged.count("PAR") / 2, judged.count("COR"), len(pairs), alike

    every = list(alignments(annotated, found))
    best = max(map(goodness, every))
    chosen = [pairs for pairs in every if goodness(pairs) == best]
    judged = categories(chosen[0])
    counts = match_scores([gold], [predicted], ROLES).counts[criterion]
    assert counts.outcomes["overall"].tolist() == [[
        judged.count("COR"), judged.count("INC"), judged.count("PAR"),
        len(annotated) - len(judged), len(found) - len(judged),
    ]]  # fmt: skip
    assert counts.overall.tolist() == [[best[0], len(found), best[0], len(annotated)]]

    def rows(pairs: Pairs) -> dict[str, list[list[float]]]:
        credit = [{"COR": 1.0, "PAR": 0.5, "INC": 0.0}[category] for category in categories(pairs)]
        return {
            role: [[
                sum(c for c, (_, b) in zip(credit, pairs, strict=True) if b.role == role),
                len([b for b in found if b.role == role]),
                sum(c for c, (a, _) in zip(credit, pairs, strict=True) if a.role == role),
                len([a for a in annotated if a.role == role]),
            ]]
            for role in ROLES
        }  # fmt: skip

    assert {role: row.tolist() for role, row in counts.per_role.items()} in [rows(pairs) for pairs in chosen]


@settings(max_examples=60, deadline=None)
@given(SPANS, SPANS)
def test_overlap_is_that_of_every_pair(gold: list[Span], predicted: list[Span]) -> None:
    annotated, found = kept(gold), kept(predicted)
    counts = match_scores([gold], [predicted], ROLES).counts[Criterion.OVERLAP]
    meet = [(a, b) for a, b in product(annotated, found) if a.role == b.role and characters(a) & characters(b)]
    assert counts.overall.tolist() == [
        [len({b for _, b in meet}), len(found), len({a for a, _ in meet}), len(annotated)]
    ]


# Errors


@settings(max_examples=100, deadline=None)
@given(SPANS, SPANS, st.integers(0, 2))
def test_errors_are_those_of_the_best_of_all_alignments(gold: list[Span], guesses: list[Span], repeated: int) -> None:
    predicted = [*gold[:repeated], *guesses]
    annotated, found = kept(gold), kept(predicted)

    def numbers(pairs: Pairs) -> tuple[int, int, int, int, int]:
        """Pairs that are right, in the same place, in the same role; all pairs; characters shared."""
        place = [characters(a) == characters(b) for a, b in pairs]
        role = [a.role == b.role for a, b in pairs]
        both = sum(p and r for p, r in zip(place, role, strict=True))
        return both, sum(place), sum(role), len(pairs), sum(len(characters(a) & characters(b)) for a, b in pairs)

    right, place, role, pairs, common = max(map(numbers, alignments(annotated, found)))
    errors = find_errors([Document("d", TEXT, role_spans=tuple(gold))], [predicted], None, ROLES)
    kinds = [error.kind for error in errors]
    assert {kind: kinds.count(kind) for kind in ErrorKind if kind in kinds} == {
        kind: count
        for kind, count in {
            ErrorKind.WRONG_ROLE: place - right,
            ErrorKind.BOUNDARY: role - right,
            ErrorKind.ROLE_AND_BOUNDARY: pairs - place - role + right,
            ErrorKind.MISSED: len(annotated) - pairs,
            ErrorKind.SPURIOUS: len(found) - pairs,
        }.items()
        if count
    }
    both = sum(len(characters(a) & characters(b)) for a in annotated for b in found if a.key == b.key)
    assert (
        both + sum(len(characters(e.gold) & characters(e.predicted)) for e in errors if e.gold and e.predicted)
        == common
    )


EVENT = st.builds(
    lambda kind, trigger, arguments: Event(
        kind, Span.of(TEXT, TRIGGER, *trigger), tuple(s for s in arguments if s.role in ("attacker", "target"))
    ),
    st.sampled_from([EventType.BOMBING, EventType.SHELLING, EventType.ABDUCTION]),
    st.sampled_from([(0, 2), (2, 5), (5, 7)]),
    st.lists(SPAN, max_size=3),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENT, max_size=3), st.lists(EVENT, max_size=3), SPANS)
def test_errors_of_types_and_links_are_the_larger_of_what_is_wanting_and_what_is_too_much(
    gold: list[Event], guesses: list[Event], more: list[Span]
) -> None:
    document = Document("d", TEXT, events=tuple(gold))
    spans = [*Document("d", TEXT, events=tuple(guesses)).spans, *more]
    both = [s for s in document.spans if s in spans]
    links, guessed = ([(e.trigger, a) for e in events for a in e.arguments] for events in (gold, guesses))
    expected = 0
    for argument in both:
        wanting = {t for t in both if (t, argument) in links and (t, argument) not in guessed}
        wrong = {t for t in both if (t, argument) in guessed and (t, argument) not in links}
        expected += max(len(wanting), len(wrong))
    types = 0
    for trigger in {e.trigger for e in gold} & {e.trigger for e in guesses}:
        ours, theirs = ({e.type for e in events if e.trigger == trigger} for events in (gold, guesses))
        types += max(len(ours - theirs), len(theirs - ours))
    kinds = [error.kind for error in find_errors([document], [spans], [guesses], ROLES)]
    assert (kinds.count(ErrorKind.WRONG_EVENT), kinds.count(ErrorKind.WRONG_TYPE)) == (expected, types)
    alone = find_errors([document], [spans], None, ROLES)
    assert len(kinds) == len(alone) + expected + types


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENT, max_size=3), st.lists(EVENT, max_size=3), st.sampled_from(Match))
def test_type_accuracy_is_the_share_of_triggers_found_that_meet_one_of_their_type(
    gold: list[Event], guesses: list[Event], match: Match
) -> None:
    def place(event: Event) -> tuple[int, int]:
        return core(event.trigger) if match is Match.HEAD else (event.trigger.start, event.trigger.end)

    def met(one: Event, other: Event) -> bool:
        if match is Match.OVERLAP:
            return bool(set(range(*place(one))) & set(range(*place(other))))
        return place(one) == place(other)

    found = {place(e) for e in guesses if any(met(e, other) for other in gold)}
    right = {place(e) for e in guesses if any(met(e, other) and e.type == other.type for other in gold)}
    scores = event_scores([Document("d", TEXT, events=tuple(gold))], [guesses], match)
    assert scores.type_accuracy == pytest.approx(len(right) / len(found) if found else 0.0)


# Recall of seen and unseen spans

WORDS = "Red  army Red Army red army GUARD guard Guards"


NAMED = st.lists(
    st.builds(
        lambda role, pair: Span.of(WORDS, role, *pair),
        st.sampled_from(ROLES),
        st.sampled_from([(0, 9), (10, 18), (19, 27), (28, 33), (34, 39), (40, 46)]),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(NAMED, st.lists(st.tuples(NAMED, NAMED), min_size=1, max_size=3))
def test_seen_recall_is_that_of_looking_every_span_up(
    train: list[Span], sides: list[tuple[list[Span], list[Span]]]
) -> None:
    def alike(one: Span, other: Span) -> bool:
        return one.role == other.role and re.split(r"\s+", one.text.lower()) == re.split(r"\s+", other.text.lower())

    scores = seen_recall(
        [Document("t", WORDS, role_spans=tuple(train))], [g for g, _ in sides], [p for _, p in sides], ROLES
    )
    for number, (gold, predicted) in enumerate(sides):
        for role in ROLES:
            spans = kept(gold, [role])
            for counts, known in ((scores.seen, True), (scores.unseen, False)):
                part = [s for s in spans if any(alike(s, other) for other in train) == known]
                assert counts[role][number].tolist() == [len([s for s in part if s in predicted]), len(part)]


# CEAF-REE

ENTITIES = st.lists(
    st.lists(st.sampled_from(["the Mayor", "mayor,", "a guard", "guard", "driver"]), max_size=3), max_size=4
)


def bare(mention: str) -> tuple[str, ...]:
    words = ["".join(c for c in word if c.isalnum()) for word in mention.lower().split()]
    return tuple(word for word in words if word not in ("a", "an", "the", ""))


@settings(max_examples=80, deadline=None)
@given(ENTITIES, ENTITIES)
def test_ceaf_ree_is_the_best_of_all_alignments(gold: list[list[str]], predicted: list[list[str]]) -> None:
    key, response = ([{bare(m) for m in entity} for entity in side if entity] for side in (gold, predicted))
    short, long = sorted((key, response), key=len)
    best = 0
    for order in permutations(long, len(short)):
        couples = zip(short, order, strict=True) if short is key else zip(order, short, strict=True)
        best = max(best, sum(response_entity.issubset(key_entity) for key_entity, response_entity in couples))
    scores = ceaf_ree([{"target": gold}], [{"target": predicted}], ["target"])
    assert scores.counts["target"].tolist() == [[best, len(response), best, len(key)]]


# Coreference


@st.composite
def grouping(draw: st.DrawFn) -> list[list[int]]:
    """Some of seven mentions in up to three groups."""
    numbers = draw(st.lists(st.integers(-1, 2), min_size=7, max_size=7))  # -1: the mention is missing
    groups = [[m for m, n in enumerate(numbers) if n == number] for number in range(3)]
    return [group for group in groups if group]


def links_left(groups: list[list[int]], others: list[list[int]]) -> tuple[int, int]:
    """MUC: of the links that span each group, how many also hold its mentions together on the other side."""
    right = total = 0
    for group in groups:
        together = [{m} for m in group]
        for one, other in combinations(group, 2):
            if any(one in g and other in g for g in others):
                joined = [part for part in together if one in part or other in part]
                together = [part for part in together if part not in joined] + [set().union(*joined)]
        right += len(group) - len(together)
        total += len(group) - 1
    return right, total


def mean_overlap(groups: list[list[int]], others: list[list[int]]) -> float:
    """B-cubed: the share of each mention's group that is in its group on the other side, over all mentions."""
    shares = []
    for group in groups:
        for mention in group:
            other = next((g for g in others if mention in g), [])
            shares.append(len([m for m in group if m in other]) / len(group))
    return sum(shares) / len(shares) if shares else 0.0


@settings(max_examples=80, deadline=None)
@given(grouping(), grouping())
def test_muc_and_b_cubed_are_those_of_links_and_mentions(key: list[list[int]], response: list[list[int]]) -> None:
    scores = coreference_scores([key], [response])
    for value, (right, total) in [
        (scores.muc.precision, links_left(response, key)),
        (scores.muc.recall, links_left(key, response)),
    ]:
        assert value == pytest.approx(right / total if total else 0.0)
    assert scores.b_cubed.precision == pytest.approx(mean_overlap(response, key))
    assert scores.b_cubed.recall == pytest.approx(mean_overlap(key, response))


# Intervals

DOCUMENT = st.builds(lambda hits, wrong, missed: (hits, hits + wrong, hits, hits + missed), *[st.integers(0, 3)] * 3)
RUN = st.lists(DOCUMENT, min_size=2, max_size=4)  # of one document nothing is resampled


def f1(rows: Sequence[tuple[int, ...]]) -> float:
    right, predicted, _, annotated = (sum(column) for column in zip(*rows, strict=True))
    return 2 * right / (predicted + annotated) if right else 0.0


@settings(max_examples=30, deadline=None)
@given(RUN, st.sampled_from([0.5, 0.8, 0.95]))
def test_an_interval_is_that_of_all_resamples(run: list[tuple[int, ...]], level: float) -> None:
    found = interval([np.array(run, dtype=np.float64)], level=level)
    drawn = sorted(f1(rows) for rows in product(run, repeat=len(run)))  # every resample, all equally likely
    assert found.value == pytest.approx(f1(run))
    # 2000 draws miss a percentile by less than 0.05 of the ranks (at 0.5 that is more than four standard errors).
    for value, rank in ((found.low, (1 - level) / 2), (found.high, (1 + level) / 2)):
        below, above = (drawn[min(max(int(at * len(drawn)), 0), len(drawn) - 1)] for at in (rank - 0.05, rank + 0.05))
        assert below - 1e-9 <= value <= above + 1e-9


@settings(max_examples=30, deadline=None)
@example([((1, 3, 1, 4), (3, 4, 3, 4)), ((3, 3, 3, 3), (1, 1, 1, 4))])  # 8/13 on both sides, but for rounding
@given(st.lists(st.tuples(DOCUMENT, DOCUMENT), min_size=2, max_size=4))
def test_p_is_that_of_all_paired_resamples(runs: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> None:
    one, other = zip(*runs, strict=True)
    found = difference([np.array(one, dtype=np.float64)], [np.array(other, dtype=np.float64)])
    gaps = [f1([a for a, _ in rows]) - f1([b for _, b in rows]) for rows in product(runs, repeat=len(runs))]
    gaps = [0.0 if abs(gap) < 1e-12 else gap for gap in gaps]
    smaller = min(sum(gap <= 0 for gap in gaps), sum(gap >= 0 for gap in gaps)) / len(gaps)
    assert found.value == pytest.approx(f1(one) - f1(other))
    assert found.p == pytest.approx(min(2 * smaller, 1.0), abs=0.1)


# Calibration

CONFIDENCE = st.one_of(st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]), st.floats(0, 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CONFIDENCE, st.booleans()), max_size=12), st.integers(1, 12))
def test_the_calibration_error_is_that_of_sorting_predictions_into_bins(
    predictions: list[tuple[float, bool]], bins: int
) -> None:
    expected = 0.0
    for n in range(bins):
        held = [(p, right) for p, right in predictions if n / bins < p <= (n + 1) / bins or (n == 0 and p == 0)]
        # |B| / N * |accuracy - confidence| is the gap of the sums over N.
        expected += abs(sum(right for _, right in held) - sum(p for p, _ in held)) / max(len(predictions), 1)
    found = expected_calibration_error([p for p, _ in predictions], [right for _, right in predictions], bins)
    assert found == pytest.approx(expected)

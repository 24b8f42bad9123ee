"""Event scores: what each of the seven asks for, and when two spans are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.metrics.events import EventScores, Match, event_scores
from conflict_events.metrics.score import Score
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span
from conflict_events.text import head

TEXT = "Rebels shelled the market of Arna and later attacked two villages near Oruba."
NAMES = (
    "trigger_identification", "trigger_classification", "argument_identification", "argument_classification",
    "attached_identification", "attached_classification", "linked",
)  # fmt: skip


def core(span: Span) -> tuple[int, int]:
    start, end = head(span.text)
    return span.start + start, span.start + end


def event(kind: EventType, trigger: str, **arguments: str) -> Event:
    def span(role: str, words: str) -> Span:
        start = TEXT.index(words)
        return Span.of(TEXT, role, start, start + len(words))

    return Event(kind, span(TRIGGER, trigger), tuple(span(role, words) for role, words in arguments.items()))


def gold(*events: Event) -> Document:
    return Document("d", TEXT, frozenset(Layer), events=events)


def rights(scores: EventScores) -> dict[str, tuple[float, ...]]:
    """Right, predicted, found and annotated of each score, over all documents."""
    return {name: tuple(counts.sum(axis=0)) for name, counts in scores.counts.items()}


def right_only(predicted: Event, *annotated: Event, match: Match = Match.EXACT) -> list[str]:
    """Which scores count anything as right."""
    return [name for name, row in rights(event_scores([gold(*annotated)], [[predicted]], match)).items() if row[0]]


SHELLING = event(EventType.SHELLING, "shelled", attacker="Rebels")
ATTACK = event(EventType.ARMED_ATTACK, "attacked", target="two villages")


# What each score asks for


@pytest.mark.parametrize(
    ("guess", "right"),
    [
        (SHELLING, NAMES),
        (  # the type is wrong
            event(EventType.BOMBING, "shelled", attacker="Rebels"),
            ("trigger_identification", "linked"),
        ),
        (  # the role is wrong
            event(EventType.SHELLING, "shelled", target="Rebels"),
            ("trigger_identification", "trigger_classification", "argument_identification", "attached_identification"),
        ),
        (  # the trigger is wrong
            event(EventType.SHELLING, "later", attacker="Rebels"),
            ("argument_identification", "argument_classification"),
        ),
        (  # the argument is wrong
            event(EventType.SHELLING, "shelled", attacker="Arna"),
            ("trigger_identification", "trigger_classification"),
        ),
        (event(EventType.SHELLING, "shelled"), ("trigger_identification", "trigger_classification")),
        (event(EventType.BOMBING, "later", attacker="Rebels"), ()),
        (event(EventType.BOMBING, "shelled", target="Rebels"), ("trigger_identification",)),
    ],
)  # fmt: skip
def test_what_each_score_asks_for(guess: Event, right: tuple[str, ...]) -> None:
    assert right_only(guess, SHELLING) == list(right)


def test_an_argument_of_another_mention_of_the_type_is_right_unless_it_must_be_attached() -> None:
    mentions = (SHELLING, event(EventType.SHELLING, "attacked", target="two villages"))
    guess = event(EventType.SHELLING, "attacked", attacker="Rebels")
    assert right_only(guess, *mentions) == list(NAMES[:4])


def test_counts_of_a_case_worked_by_hand() -> None:
    other = gold(event(EventType.BOMBING, "later"))
    predicted = [
        [SHELLING, event(EventType.BOMBING, "attacked", target="two villages", location="Oruba")],
        [],
    ]
    scores = event_scores([gold(SHELLING, ATTACK), other], predicted)
    assert rights(scores) == {
        "trigger_identification": (2, 2, 2, 3),
        "trigger_classification": (1, 2, 1, 3),
        "argument_identification": (1, 3, 1, 2),
        "argument_classification": (1, 3, 1, 2),
        "attached_identification": (1, 3, 1, 2),
        "attached_classification": (1, 3, 1, 2),
        "linked": (2, 3, 2, 2),
    }
    assert scores.counts["linked"].tolist() == [[2, 3, 2, 2], [0, 0, 0, 0]]
    assert scores.type_accuracy == 1 / 2
    record = scores.to_record()
    assert list(record) == [*NAMES, "type_accuracy"]
    assert record["linked"] == Score(pytest.approx(2 / 3), 1.0, pytest.approx(4 / 5), 2).to_record()
    assert record["type_accuracy"] == 1 / 2


def test_repeats_count_once_on_both_sides() -> None:
    scores = event_scores([gold(SHELLING, SHELLING)], [iter([SHELLING, SHELLING, SHELLING])])
    assert set(rights(scores).values()) == {(1, 1, 1, 1)}
    assert scores.type_accuracy == 1.0


def test_the_right_event_in_another_document_is_no_match() -> None:
    scores = event_scores([gold(SHELLING), gold()], [[], [SHELLING]])
    assert set(rights(scores).values()) == {(0, 1, 0, 1)}


# Type accuracy


def test_type_accuracy_looks_only_at_triggers_that_were_found() -> None:
    wrong_place = event(EventType.SHELLING, "later")
    assert event_scores([gold(SHELLING, ATTACK)], [[SHELLING, wrong_place]]).type_accuracy == 1.0
    assert event_scores([gold(SHELLING)], [[wrong_place]]).type_accuracy == 0.0


@pytest.mark.parametrize("match", Match)
def test_a_trigger_of_two_types_counts_once_in_type_accuracy(match: Match) -> None:
    both = [SHELLING, event(EventType.BOMBING, "shelled")]
    assert event_scores([gold(*both)], [both], match).type_accuracy == 1.0
    assert event_scores([gold(*both)], [both[1:]], match).type_accuracy == 1.0
    assert event_scores([gold(*both)], [[event(EventType.ABDUCTION, "shelled")]], match).type_accuracy == 0.0


def test_type_accuracy_matches_triggers_as_the_scores_do() -> None:
    longer = event(EventType.SHELLING, "shelled the market")
    assert event_scores([gold(SHELLING)], [[longer]], Match.EXACT).type_accuracy == 0.0
    assert event_scores([gold(SHELLING)], [[longer]], Match.OVERLAP).type_accuracy == 1.0
    later = event(EventType.ARMED_ATTACK, "later attacked")
    assert event_scores([gold(ATTACK)], [[later]], Match.HEAD).type_accuracy == 1.0


# Nothing on a side


@pytest.mark.parametrize("match", Match)
def test_nothing_on_a_side_scores_zero(match: Match) -> None:
    nothing = Score(0.0, 0.0, 0.0, 0).to_record()
    for documents, predicted, support in [
        ([gold()], [[]], 0), ([], [], 0), ([gold()], [[SHELLING]], 0), ([gold(SHELLING)], [[]], 1),
    ]:  # fmt: skip
        record = event_scores(documents, predicted, match).to_record()
        assert record == dict.fromkeys(NAMES, nothing | {"support": support}) | {"type_accuracy": 0.0}


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 annotated documents, but 1 predicted ones$"):
        event_scores([gold(), gold()], [[]])


# When two spans are the same


def test_spans_with_the_same_head_are_the_same_by_head_only() -> None:
    annotated = event(EventType.SHELLING, "shelled", target="market")
    guess = event(EventType.SHELLING, "shelled", target="the market of Arna")
    assert right_only(guess, annotated, match=Match.HEAD) == list(NAMES)
    assert right_only(guess, annotated) == list(NAMES[:2])
    other = event(EventType.SHELLING, "shelled", target="Arna")
    assert right_only(guess, other, match=Match.HEAD) == list(NAMES[:2])
    assert right_only(guess, other, match=Match.OVERLAP) == list(NAMES)


@pytest.mark.parametrize(
    ("target", "right"),
    [("villages near", True), ("two", True), ("attacked two v", True), (" near", False), ("attacked ", False)],
)
def test_spans_overlap_if_they_share_a_character(target: str, right: bool) -> None:
    guess = event(EventType.ARMED_ATTACK, "later a", target=target)
    assert right_only(guess, ATTACK, match=Match.OVERLAP) == list(NAMES if right else NAMES[:2])


def test_overlap_is_not_enough_where_type_or_role_is_wrong() -> None:
    guess = event(EventType.BOMBING, "later a", location="villages near")
    assert right_only(guess, ATTACK, match=Match.OVERLAP) == ["trigger_identification"]


def test_with_overlap_one_long_prediction_finds_several_annotated_items() -> None:
    long = event(EventType.SHELLING, "shelled the market of Arna and later attacked", attacker="Rebels")
    two = gold(SHELLING, event(EventType.SHELLING, "attacked", attacker="Rebels"))
    counted = rights(event_scores([two], [[long]], Match.OVERLAP))
    assert counted["trigger_classification"] == (1, 1, 2, 2)
    assert counted["linked"] == (1, 1, 2, 2)


# The same by counting


OFFSETS = [0, 2, 4, 7, 10, 12]
SMALL = "a b, c of d e f"
PAIRS = st.sampled_from(list(combinations(OFFSETS, 2)))
ARGUMENTS = st.lists(st.tuples(st.sampled_from([Role.TARGET, Role.WEAPON]), PAIRS), max_size=2)


def small(kind: EventType, trigger: tuple[int, int], arguments: list[tuple[Role, tuple[int, int]]]) -> Event:
    spans = tuple(Span.of(SMALL, role.value, *pair) for role, pair in arguments)
    return Event(kind, Span.of(SMALL, TRIGGER, *trigger), spans)


EVENTS = st.lists(
    st.builds(small, st.sampled_from([EventType.BOMBING, EventType.SHELLING]), PAIRS, ARGUMENTS), max_size=3
)


def facts(name: str, events: Sequence[Event]) -> list[tuple[tuple[str, ...], tuple[Span, ...]]]:
    """What a score counts: labels, and spans to be matched."""
    if name.startswith("trigger"):
        return [((e.type,) if "classification" in name else (), (e.trigger,)) for e in events]
    found = []
    for e in events:
        for a in e.arguments:
            labels = (a.role,) if name == "linked" else (e.type,) if "identification" in name else (e.type, a.role)
            found.append((labels, (a,) if name.startswith("argument") else (e.trigger, a)))
    return found


SAME: dict[Match, Callable[[Span, Span], bool]] = {
    Match.EXACT: lambda one, other: (one.start, one.end) == (other.start, other.end),
    Match.HEAD: lambda one, other: core(one) == core(other),
    Match.OVERLAP: lambda one, other: bool(set(range(one.start, one.end)) & set(range(other.start, other.end))),
}


@settings(max_examples=50, deadline=None)
@given(EVENTS, EVENTS, st.booleans(), st.sampled_from(Match))
def test_scores_are_those_of_comparing_every_pair(
    annotated: list[Event], guesses: list[Event], repeat: bool, match: Match
) -> None:
    predicted = [*(annotated[:2] if repeat else []), *guesses]

    def unique(name: str, events: list[Event]) -> list[tuple[tuple[str, ...], tuple[Span, ...]]]:
        by_place = {}
        for labels, spans in facts(name, events):
            places = [core(span) if match is Match.HEAD else (span.start, span.end) for span in spans]
            by_place[labels, *places] = (labels, spans)
        return list(by_place.values())

    def met(name: str, events: list[Event], others: list[Event]) -> int:
        return sum(
            any(
                labels == other_labels and all(SAME[match](*pair) for pair in zip(spans, other_spans, strict=True))
                for other_labels, other_spans in facts(name, others)
            )
            for labels, spans in unique(name, events)
        )

    scores = event_scores([Document("d", SMALL, events=tuple(annotated))], [predicted], match)
    assert rights(scores) == {
        name: (
            met(name, predicted, annotated), len(unique(name, predicted)),
            met(name, annotated, predicted), len(unique(name, annotated)),
        )
        for name in NAMES
    }  # fmt: skip
    assert 0 <= scores.type_accuracy <= 1

"""Every kind of error by an example, what decides between kinds, and that nothing is left out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.errors import DataError
from conflict_events.metrics.errors import Error, ErrorKind, confusion, find_errors
from conflict_events.schema import Document, Event, EventType, Span

ROLES = ("attacker", "target", "location", "weapon", "trigger")
TEXT = "Rebels shelled the old market of Arna; jets bombed Oruba and troops raided Visk."


def span(role: str, words: str, score: float | None = None) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, role, start, start + len(words), score)


def event(kind: EventType, trigger: str, **arguments: str) -> Event:
    return Event(kind, span("trigger", trigger), tuple(span(role, words) for role, words in arguments.items()))


def document(*spans: Span, events: Sequence[Event] = ()) -> Document:
    return Document("d", TEXT, role_spans=spans, events=tuple(events))


def errors_of(gold: Sequence[Span], predicted: Sequence[Span], cut: Sequence[Span] = ()) -> list[Error]:
    return find_errors([document(*gold)], [predicted], None, ROLES, [cut])


def kinds(gold: Sequence[Span], predicted: Sequence[Span]) -> list[str]:
    return [error.kind.value for error in errors_of(gold, predicted)]


MARKET = span("target", "the old market")


# Spans


@pytest.mark.parametrize(
    ("guess", "kind"),
    [
        (span("target", "old market of Arna"), ErrorKind.BOUNDARY),
        (span("location", "the old market"), ErrorKind.WRONG_ROLE),
        (span("location", "market of Arna"), ErrorKind.ROLE_AND_BOUNDARY),
    ],
)
def test_a_span_that_is_nearly_right(guess: Span, kind: ErrorKind) -> None:
    assert errors_of([MARKET], [guess]) == [Error(0, kind, MARKET, guess)]


def test_missed_and_spurious_and_right() -> None:
    far = span("target", "Arna")
    assert errors_of([MARKET], [far]) == [
        Error(0, ErrorKind.MISSED, MARKET, None),
        Error(0, ErrorKind.SPURIOUS, None, far),
    ]
    assert errors_of([MARKET], [span("target", "the old market", 0.7)]) == []


def test_a_missed_span_that_no_window_showed_whole() -> None:
    assert errors_of([MARKET, span("target", "Oruba")], [], cut=[MARKET]) == [
        Error(0, ErrorKind.CUT, MARKET, None),
        Error(0, ErrorKind.MISSED, span("target", "Oruba"), None),
    ]
    # Found in part after all, or found: then it was not the window's fault that it is wrong.
    assert [e.kind for e in errors_of([MARKET], [span("target", "market")], cut=[MARKET])] == [ErrorKind.BOUNDARY]
    assert errors_of([MARKET], [MARKET], cut=[MARKET]) == []


def test_right_spans_come_first_then_boundaries_then_roles() -> None:
    right, other_role, longer = MARKET, span("location", "the old market"), span("target", "the old market of Arna")
    assert kinds([MARKET], [longer, other_role, right]) == ["spurious", "spurious"]
    assert kinds([MARKET], [longer, other_role]) == ["wrong_role", "spurious"]
    assert kinds([MARKET], [longer, span("location", "old market")]) == ["boundary", "spurious"]
    # Every group is filled before the next one.
    assert kinds([MARKET, span("target", "old market of Arna")], [longer, other_role]) == ["wrong_role", "boundary"]


def test_a_partner_is_had_once() -> None:
    halves = [span("target", "the old"), span("target", "market")]
    assert errors_of([MARKET], halves) == [
        Error(0, ErrorKind.BOUNDARY, MARKET, halves[0]),  # seven characters of fourteen, "market" has six
        Error(0, ErrorKind.SPURIOUS, None, halves[1]),
    ]


def test_a_stretch_in_two_roles() -> None:
    both = [span("target", "Oruba"), span("location", "Oruba")]
    assert kinds(both, both) == []
    assert errors_of(both, both[:1]) == [Error(0, ErrorKind.MISSED, both[1], None)]
    assert kinds(both, [both[0], span("weapon", "Oruba")]) == ["wrong_role"]


def test_errors_come_by_document_and_in_text_order() -> None:
    gold = [document(span("target", "Visk"), MARKET), document(), document(span("attacker", "Rebels"))]
    found = find_errors(gold, [[], [MARKET], []], None, ROLES)
    assert [(e.document, (e.gold or e.predicted).text) for e in found] == [  # type: ignore[union-attr]
        (0, "the old market"), (0, "Visk"), (1, "the old market"), (2, "Rebels"),
    ]  # fmt: skip


# Types

SHELLING = event(EventType.SHELLING, "shelled", attacker="Rebels", target="the old market")
STRIKE = event(EventType.AIR_STRIKE, "bombed", attacker="jets", target="Oruba")


def event_errors(gold: Sequence[Event], predicted: Sequence[Event], *spans: Span) -> list[Error]:
    """Errors where the predicted spans are those of the predicted events and ``spans``."""
    there = [*document(events=predicted).spans, *spans]
    return find_errors([document(events=gold)], [there], [predicted], ROLES)


def test_another_type_of_the_same_trigger() -> None:
    guess = event(EventType.BOMBING, "shelled", attacker="Rebels", target="the old market")
    trigger = SHELLING.trigger
    assert event_errors([SHELLING], [guess]) == [
        Error(0, ErrorKind.WRONG_TYPE, trigger, trigger, EventType.SHELLING, EventType.BOMBING)
    ]


def test_types_of_a_trigger_that_was_not_found_are_no_error_of_types() -> None:
    guess = event(EventType.BOMBING, "shelled the")
    assert [e.kind for e in event_errors([event(EventType.SHELLING, "shelled")], [guess])] == [ErrorKind.BOUNDARY]


def test_a_trigger_of_several_events() -> None:
    def of(*types: EventType) -> list[Event]:
        return [event(kind, "shelled") for kind in types]

    def found(gold: list[Event], predicted: list[Event]) -> list[tuple[EventType | None, EventType | None]]:
        return [(error.gold_type, error.predicted_type) for error in event_errors(gold, predicted)]

    shelling, bombing, clash = EventType.SHELLING, EventType.BOMBING, EventType.ARMED_CLASH
    assert found(of(shelling, bombing), of(bombing, shelling)) == []
    assert found(of(shelling, bombing), of(shelling)) == [(bombing, None)]
    assert found(of(shelling), of(shelling, clash)) == [(None, clash)]
    assert found(of(shelling, bombing), of(shelling, clash)) == [(bombing, clash)]
    assert found(of(shelling, shelling), of(shelling)) == []


# Links


def test_an_argument_of_another_event_than_annotated() -> None:
    predicted = [
        event(EventType.SHELLING, "shelled", attacker="Rebels"),
        event(EventType.AIR_STRIKE, "bombed", attacker="jets", target="the old market"),
    ]
    oruba, market = span("target", "Oruba"), MARKET
    assert event_errors([SHELLING, STRIKE], predicted, oruba) == [
        Error(
            0, ErrorKind.WRONG_EVENT, market, market,
            gold_trigger=SHELLING.trigger, predicted_trigger=STRIKE.trigger,
        ),
        Error(0, ErrorKind.WRONG_EVENT, oruba, oruba, gold_trigger=STRIKE.trigger),  # linked to none
    ]  # fmt: skip


def test_a_link_too_many() -> None:
    predicted = [SHELLING, event(EventType.AIR_STRIKE, "bombed", attacker="jets", target="Oruba"), STRIKE]
    extra = Event(EventType.AIR_STRIKE, STRIKE.trigger, (*STRIKE.arguments, MARKET))
    assert event_errors([SHELLING, STRIKE], predicted) == []  # repeats are no links
    assert event_errors([SHELLING, STRIKE], [SHELLING, extra]) == [
        Error(0, ErrorKind.WRONG_EVENT, MARKET, MARKET, predicted_trigger=STRIKE.trigger)
    ]


def test_links_of_an_argument_are_paired_in_text_order() -> None:
    raid = event(EventType.ARMED_ATTACK, "raided", target="Visk")
    gold = [SHELLING, Event(STRIKE.type, STRIKE.trigger, (MARKET,)), raid]
    predicted = [
        event(EventType.SHELLING, "shelled", attacker="Rebels"),
        event(EventType.AIR_STRIKE, "bombed"),
        Event(raid.type, raid.trigger, (*raid.arguments, MARKET)),
    ]
    found = event_errors(gold, predicted, MARKET)
    assert [(e.gold_trigger, e.predicted_trigger) for e in found] == [
        (SHELLING.trigger, raid.trigger),
        (STRIKE.trigger, None),
    ]


def test_links_of_spans_that_are_wrong_are_errors_of_the_spans_only() -> None:
    guess = event(EventType.SHELLING, "shelled", attacker="Rebels", target="the old market of Arna")
    assert [e.kind for e in event_errors([SHELLING], [guess])] == [ErrorKind.BOUNDARY]
    # A trigger that was missed: its arguments are right, and to be linked to nothing that is there.
    assert [e.kind for e in event_errors([SHELLING], [], *SHELLING.arguments)] == [ErrorKind.MISSED]


def test_one_span_in_two_roles_of_two_events() -> None:
    gold = [event(EventType.SHELLING, "shelled", target="Arna"), event(EventType.AIR_STRIKE, "bombed", location="Arna")]
    assert event_errors(gold, gold) == []
    crossed = [
        event(EventType.SHELLING, "shelled", location="Arna"),
        event(EventType.AIR_STRIKE, "bombed", target="Arna"),
    ]
    found = event_errors(gold, crossed)
    assert Counter(e.kind for e in found) == {ErrorKind.WRONG_EVENT: 2}
    assert {(e.gold.role, e.gold_trigger.text, e.predicted_trigger.text) for e in found} == {  # type: ignore[union-attr]
        ("target", "shelled", "bombed"), ("location", "bombed", "shelled"),
    }  # fmt: skip


def test_a_system_without_events_has_no_wrong_ones() -> None:
    gold = document(events=[SHELLING])
    assert find_errors([gold], [gold.spans], None, ROLES) == []
    assert Counter(e.kind for e in find_errors([gold], [gold.spans], [[]], ROLES)) == {ErrorKind.WRONG_EVENT: 2}


def test_events_need_the_roles_of_their_spans() -> None:
    gold, guess = document(events=[SHELLING]), event(EventType.BOMBING, "shelled")
    both = [guess.trigger, *SHELLING.arguments]
    assert find_errors([gold], [both], [[guess]], ["attacker", "target"]) == []
    assert [e.kind for e in find_errors([gold], [both], [[guess]], ["trigger", "target"])] == [
        ErrorKind.WRONG_TYPE,
        ErrorKind.WRONG_EVENT,
    ]


# Confusion


def test_confusion_of_a_case_worked_by_hand() -> None:
    gold = [
        document(MARKET, span("location", "Arna"), span("attacker", "Rebels")),
        document(span("target", "Oruba"), span("attacker", "troops")),
    ]
    predicted = [
        [span("target", "old market"), span("target", "Arna"), span("weapon", "Rebels")],
        [span("target", "Oruba"), span("target", "Visk")],
    ]
    table = confusion(gold, predicted, ["attacker", "target", "location", "weapon"])
    assert table.to_record() == {
        "labels": ["attacker", "target", "location", "weapon", "none"],
        "counts": [
            [0, 0, 0, 1, 1],  # Rebels as a weapon; troops missed
            [0, 2, 0, 0, 0],  # the market, though shorter, and Oruba
            [0, 1, 0, 0, 0],  # Arna
            [0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0],  # Visk
        ],
    }


def test_confusion_of_nothing() -> None:
    assert confusion([], [], ["target"]).counts == ((0, 0), (0, 0))
    assert confusion([document()], [[MARKET]], ["target"]).counts == ((0, 0), (1, 0))
    assert confusion([document(MARKET)], [[]], ["target"]).counts == ((0, 1), (0, 0))


# Input that is odd


def test_arguments_for_other_numbers_of_documents_are_refused() -> None:
    one, message = document(MARKET), r"^1 annotated documents, but 0 predicted ones$"
    with pytest.raises(ValueError, match=message):
        find_errors([one], [], None, ROLES)
    with pytest.raises(ValueError, match=message):
        find_errors([one], [[]], [], ROLES)
    with pytest.raises(ValueError, match=message):
        find_errors([one], [[]], None, ROLES, [])
    with pytest.raises(ValueError, match="1 annotated documents, but 2"):
        confusion([one], [[], []], ROLES)


def test_predictions_of_another_text_are_refused_by_the_name_of_the_document() -> None:
    other = Span.of("Something else altogether.", "target", 0, 9)
    outside = Span(len(TEXT) - 2, len(TEXT) + 2, "target", "k.??")
    for wrong in (other, outside):
        with pytest.raises(
            DataError, match=r"document 'd': the text has no target '.*same documents, in the same order"
        ):
            find_errors([document(MARKET)], [[wrong]], None, ROLES)
        with pytest.raises(DataError, match="document 'd'"):
            confusion([document(MARKET)], [[wrong]], ROLES)


def test_repeats_count_once_and_the_surest_is_shown() -> None:
    sure, unsure = span("location", "the old market", 0.9), span("location", "the old market", 0.2)
    assert errors_of([MARKET, MARKET], [sure, unsure, sure]) == [Error(0, ErrorKind.WRONG_ROLE, MARKET, sure)]


def test_nothing_on_a_side() -> None:
    assert find_errors([], [], [], ROLES) == []
    assert find_errors([document()], [[]], [[]], ROLES) == []
    assert kinds([MARKET], []) == ["missed"]
    assert kinds([], [MARKET]) == ["spurious"]


# Nothing is left out

SMALL = "a b, c of d e"
PAIRS = st.sampled_from(list(combinations([0, 2, 5, 7, 10, 13], 2)))
SPANS = st.lists(
    st.builds(
        lambda role, pair: Span.of(SMALL, role, *pair),
        st.sampled_from(["attacker", "target", "trigger", "other"]),
        PAIRS,
    ),
    max_size=6,
)
OF_SPANS = {
    ErrorKind.BOUNDARY, ErrorKind.WRONG_ROLE, ErrorKind.ROLE_AND_BOUNDARY, ErrorKind.MISSED, ErrorKind.SPURIOUS,
    ErrorKind.CUT,
}  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(SPANS, SPANS, SPANS), max_size=3), st.integers(0, 99))
def test_every_span_is_right_or_in_one_error(sides: list[tuple[list[Span], list[Span], list[Span]]], seed: int) -> None:
    roles = ROLES[:2]
    documents = [Document(str(n), SMALL, role_spans=tuple(gold)) for n, (gold, _, _) in enumerate(sides)]
    predicted, cut = [theirs for _, theirs, _ in sides], [hidden for _, _, hidden in sides]
    found = find_errors(documents, predicted, None, roles, cut)
    gold_keys = {(n, *s.key) for n, d in enumerate(documents) for s in d.spans if s.role in roles}
    keys = {(n, *s.key) for n, spans in enumerate(predicted) for s in spans if s.role in roles}
    in_gold = [(e.document, *e.gold.key) for e in found if e.gold]
    in_predicted = [(e.document, *e.predicted.key) for e in found if e.predicted]
    assert len(in_gold) == len(set(in_gold))
    assert len(in_predicted) == len(set(in_predicted))
    assert set(in_gold) == gold_keys - keys
    assert set(in_predicted) == keys - gold_keys
    assert all(error.kind in OF_SPANS for error in found)
    for error in found:
        if error.kind in (ErrorKind.MISSED, ErrorKind.CUT):
            assert (error.gold in cut[error.document]) == (error.kind is ErrorKind.CUT)

    table = confusion(documents, predicted, roles).counts
    number = Counter(error.kind for error in found)
    same = sum(table[i][i] for i in range(2))
    assert same == len(gold_keys & keys) + number[ErrorKind.BOUNDARY]
    crossed = table[0][1] + table[1][0]
    assert crossed == number[ErrorKind.WRONG_ROLE] + number[ErrorKind.ROLE_AND_BOUNDARY]
    assert table[0][2] + table[1][2] == number[ErrorKind.MISSED] + number[ErrorKind.CUT]
    assert table[2][0] + table[2][1] == number[ErrorKind.SPURIOUS]
    for i, role in enumerate(roles):
        assert sum(table[i]) == sum(key[1] == role for key in gold_keys)
        assert sum(row[i] for row in table) == sum(key[1] == role for key in keys)

    shuffle = random.Random(seed)
    mixed = [shuffle.sample(spans, len(spans)) for spans in predicted]
    turned = [Document(d.id, SMALL, role_spans=d.role_spans[::-1]) for d in documents]
    assert find_errors(turned, mixed, None, roles, cut) == found

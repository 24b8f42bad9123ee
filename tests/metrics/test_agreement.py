"""Agreement of two annotators: worked by hand, counted in another way, and as the data card prints it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.corpora.statistics import annotators_agree
from conflict_events.errors import DataError
from conflict_events.metrics.agreement import Agreement, agreement
from conflict_events.schema import TRIGGER, Document, Event, EventType, Role, Span

TEXT = "Rebels shelled the old town near Arna. Troops fled, then bombed a bridge."
FIGURES = ("triggers", "roles", "roles_overlap", "types", "arguments")


def span(role: str, words: str) -> Span:
    start = TEXT.index(words)
    return Span.of(TEXT, role, start, start + len(words))


def event(kind: str, trigger: str, **arguments: str) -> Event:
    """An event of words of the text."""
    spans = tuple(span(role, words) for role, words in arguments.items())
    return Event(EventType(kind), span(TRIGGER, trigger), spans)


def document(*events: Event, roles: Iterable[Span] = (), name: str = "d") -> Document:
    return Document(name, TEXT, role_spans=tuple(roles), events=events)


def of(one: Document, other: Document) -> Agreement:
    return agreement([one], [other])


FIRST = document(
    event("shelling", "shelled", attacker="Rebels", target="the old town", location="Arna"),
    event("bombing", "bombed", attacker="Troops", target="a bridge"),
)


def test_the_same_annotation_twice_agrees_in_everything() -> None:
    assert of(FIRST, FIRST) == Agreement(
        documents=1, triggers=1.0, roles=1.0, roles_overlap=1.0, types=1.0, arguments=1.0
    )


def test_nothing_to_compare_is_agreement() -> None:
    assert agreement([], []) == Agreement(0, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert of(document(), document()) == Agreement(1, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_everything_against_nothing_is_none_and_no_type_is_compared() -> None:
    assert of(FIRST, document()) == Agreement(1, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_triggers_count_by_start_and_end() -> None:
    """One of two triggers is shared, the other side has a third: 2 * 1 / (2 + 2)."""
    other = document(event("shelling", "shelled"), event("bombing", "fled"))
    assert of(FIRST, other).triggers == 0.5
    longer = document(event("shelling", "shelled"), event("bombing", "bombed a"))
    assert of(FIRST, longer).triggers == 0.5


def test_role_spans_count_exactly_and_by_overlap() -> None:
    """Of 5 and 4 role spans 3 are equal; "town" overlaps "the old town", too, and "Troops" has no counterpart."""
    other = document(
        event("shelling", "shelled", attacker="Rebels", target="town", location="Arna"),
        event("bombing", "bombed", target="a bridge"),
    )
    found = of(FIRST, other)
    assert found.roles == pytest.approx(2 * 3 / 9)
    assert found.roles_overlap == pytest.approx((4 + 4) / 9)
    assert found.triggers == 1.0, "triggers are no role spans"


def test_an_overlap_in_another_role_is_none() -> None:
    one, other = document(roles=[span("target", "the old town")]), document(roles=[span("location", "old town")])
    assert of(one, other).roles_overlap == 0.0
    same = document(roles=[span("target", "old town")])
    assert (of(one, same).roles, of(one, same).roles_overlap) == (0.0, 1.0)


def test_spans_that_only_touch_share_no_character() -> None:
    one, other = document(roles=[span("target", "the old ")]), document(roles=[span("target", "town")])
    assert of(one, other).roles_overlap == 0.0


def test_two_spans_within_one_of_the_other_side_are_each_touched() -> None:
    one = document(roles=[span("target", "the old town")])
    other = document(roles=[span("target", "old"), span("target", "town"), span("target", "Arna")])
    assert of(one, other).roles_overlap == pytest.approx((1 + 2) / 4)


def test_a_span_that_two_events_share_counts_once_among_the_spans_and_twice_among_the_arguments() -> None:
    one = document(
        event("shelling", "shelled", attacker="Rebels"), event("bombing", "bombed", attacker="Rebels", target="Troops")
    )
    other = document(event("shelling", "shelled", attacker="Rebels"), event("bombing", "bombed"))
    found = of(one, other)
    assert found.roles == pytest.approx(2 * 1 / 3)
    assert found.arguments == pytest.approx(2 * 1 / 4)


def test_types_are_compared_on_shared_triggers_only() -> None:
    other = document(event("shelling", "shelled"), event("armed_attack", "bombed"), event("abduction", "fled"))
    assert of(FIRST, other).types == 0.5
    assert of(FIRST, document(event("abduction", "fled"))).types == 1.0, "no shared trigger"


def test_the_order_of_two_events_of_one_trigger_does_not_matter() -> None:
    one, other = event("shelling", "shelled"), event("air_strike", "shelled")
    assert of(document(one, other), document(other, one)).types == 1.0
    assert of(document(one, other), document(one)).types == 0.0


def test_an_argument_needs_the_same_trigger_role_and_span_but_no_type() -> None:
    assert of(FIRST, document(*(replace(e, type=EventType.ABDUCTION) for e in FIRST.events))).arguments == 1.0
    moved = document(
        event("shelling", "shelled", attacker="Troops", target="the old town", location="Arna"),
        event("bombing", "bombed", attacker="Rebels", target="a bridge"),
    )
    assert of(FIRST, moved).arguments == pytest.approx(2 * 3 / 10)
    assert of(FIRST, moved).roles == 1.0, "the spans are the same, only the events of two differ"
    other_role = document(event("shelling", "shelled", weapon="Rebels"))
    assert of(document(event("shelling", "shelled", attacker="Rebels")), other_role).arguments == 0.0
    other_trigger = document(event("shelling", "fled", attacker="Rebels"))
    assert of(document(event("shelling", "shelled", attacker="Rebels")), other_trigger).arguments == 0.0


def test_role_spans_outside_of_events_are_no_arguments() -> None:
    found = of(document(roles=[span("target", "Arna")]), document())
    assert (found.roles, found.arguments) == (0.0, 1.0)


def test_counts_are_summed_over_documents_before_dividing() -> None:
    """1 of 1 and 0 of 3 triggers: 2 * 1 / (1 + 1 + 1 + 2), no mean of 1 and 0."""
    first = [document(event("shelling", "shelled"), name="a"), document(event("shelling", "shelled"), name="b")]
    second = [
        document(event("bombing", "bombed"), event("bombing", "fled"), name="b"),
        document(event("shelling", "shelled"), name="a"),
    ]
    found = agreement(first, second)
    assert (found.documents, found.triggers, found.types) == (2, pytest.approx(0.4), 1.0)


def test_the_same_place_in_another_document_is_another_place() -> None:
    first = [document(event("shelling", "shelled"), name="a"), document(name="b")]
    second = [document(name="a"), document(event("shelling", "shelled"), name="b")]
    assert agreement(first, second).triggers == 0.0


def test_a_record_names_every_figure() -> None:
    assert of(FIRST, FIRST).to_record() == {"documents": 1, **dict.fromkeys(FIGURES, 1.0)}


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (["a"], [], "1 and 0"),
        (["a"], ["b"], "1 and 1"),
        (["a", "b"], ["a"], "2 and 1"),
        (["a", "a"], ["a", "b"], "2 and 2"),
        (["a", "b"], ["a", "a"], "2 and 2"),
        (["a", "a"], ["a", "a"], "2 and 2"),
    ],
)
def test_other_or_repeated_documents_are_refused(first: list[str], second: list[str], counts: str) -> None:
    with pytest.raises(DataError) as caught:
        agreement([document(name=name) for name in first], [document(name=name) for name in second])
    assert str(caught.value) == (
        f"the annotators have different documents: {counts}. Compare the same documents, each once."
    )


def test_another_text_is_refused_by_the_name_of_its_document() -> None:
    with pytest.raises(DataError) as caught:
        of(document(), Document("d", TEXT + " "))
    assert str(caught.value) == "document 'd' has two texts. Annotate the same text."


# Counted in another way


@st.composite
def annotations(draw: st.DrawFn, name: str, text: str) -> Document:
    """Few places, so that two annotations often meet."""

    def place(role: str) -> Span:
        start = draw(st.integers(0, len(text) - 1))
        return Span.of(text, role, start, draw(st.integers(start + 1, min(len(text), start + 3))))

    roles = st.sampled_from([role.value for role in Role])
    events = [
        Event(
            draw(st.sampled_from([EventType.BOMBING, EventType.SHELLING])),
            place(TRIGGER),
            tuple(place(draw(roles)) for _ in range(draw(st.integers(0, 3)))),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    spans = tuple(place(draw(roles)) for _ in range(draw(st.integers(0, 2))))
    return Document(name, text, role_spans=spans, events=tuple(events))


@st.composite
def twice_annotated(draw: st.DrawFn) -> tuple[list[Document], list[Document]]:
    names = [f"d{n}" for n in range(draw(st.integers(0, 3)))]
    pairs = [[draw(annotations(name, "abcdef")) for _ in range(2)] for name in names]
    return [pair[0] for pair in pairs], draw(st.permutations([pair[1] for pair in pairs]))


def dice(one: Sequence[tuple[object, ...]], other: Sequence[tuple[object, ...]]) -> float:
    """Harmonic mean of how much of either side stands in the other."""
    if not one and not other:
        return 1.0
    if not one or not other:
        return 0.0
    precision = sum(item in other for item in one) / len(one)
    recall = sum(item in one for item in other) / len(other)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def by_hand(first: Sequence[Document], second: Sequence[Document]) -> Agreement:
    """The figures from plain lists of everything annotated."""

    def triggers(documents: Sequence[Document]) -> list[tuple[object, ...]]:
        return sorted({(d.id, e.trigger.start, e.trigger.end) for d in documents for e in d.events})

    def roles(documents: Sequence[Document]) -> list[tuple[str, str, int, int]]:
        direct = {(d.id, s.role, s.start, s.end) for d in documents for s in d.role_spans}
        taken = {(d.id, s.role, s.start, s.end) for d in documents for e in d.events for s in e.arguments}
        return sorted(direct | taken)

    def arguments(documents: Sequence[Document]) -> list[tuple[object, ...]]:
        found = {(d.id, e.trigger, s.role, s.start, s.end) for d in documents for e in d.events for s in e.arguments}
        return list(found)

    def kinds(documents: Sequence[Document], trigger: tuple[object, ...]) -> set[str]:
        return {e.type for d in documents for e in d.events if (d.id, e.trigger.start, e.trigger.end) == trigger}

    left, right = roles(first), roles(second)
    meet = [
        (a, b) for a, b in product(left, right) if a[:2] == b[:2] and set(range(a[2], a[3])) & set(range(b[2], b[3]))
    ]
    touched = len({a for a, _ in meet}) + len({b for _, b in meet})
    shared = [trigger for trigger in triggers(first) if trigger in triggers(second)]
    alike = [trigger for trigger in shared if kinds(first, trigger) == kinds(second, trigger)]
    return Agreement(
        documents=len(first),
        triggers=dice(triggers(first), triggers(second)),
        roles=dice(left, right),
        roles_overlap=touched / (len(left) + len(right)) if left or right else 1.0,
        types=len(alike) / len(shared) if shared else 1.0,
        arguments=dice(arguments(first), arguments(second)),
    )


@settings(max_examples=150, deadline=None)
@given(twice_annotated())
def test_every_figure_is_what_counting_in_another_way_gives(pair: tuple[list[Document], list[Document]]) -> None:
    found, expected = agreement(*pair), by_hand(*pair)
    assert found.documents == expected.documents
    for figure in FIGURES:
        assert getattr(found, figure) == pytest.approx(getattr(expected, figure)), figure


@settings(max_examples=100, deadline=None)
@given(twice_annotated())
def test_neither_side_is_gold_and_overlap_forgives(pair: tuple[list[Document], list[Document]]) -> None:
    first, second = pair
    found = agreement(first, second)
    assert found == agreement(second, first)
    assert all(0.0 <= getattr(found, figure) <= 1.0 for figure in FIGURES)
    assert found.roles_overlap >= found.roles
    assert agreement(first, first) == Agreement(len(first), 1.0, 1.0, 1.0, 1.0, 1.0)


# The project's own corpus


def test_the_data_card_prints_the_agreement_on_the_test_split() -> None:
    card = (ROOT / "data" / "README.md").read_text("utf-8").partition("### Agreement\n")[2].partition("\n### ")[0]
    rows = dict(re.findall(r"^\| ([^|]*?) +\| ([^|]*?) +\|$", card, re.MULTILINE))
    found = annotators_agree(ROOT / "data" / "own" / "agreement")
    assert found is not None
    percent = {figure: f"{100 * getattr(found, figure):.1f}" for figure in FIGURES}
    assert rows == {
        "triggers": percent["triggers"],
        "role spans": f"{percent['roles']} ({percent['roles_overlap']} overlapping)",
        "event type, on shared triggers": f"{percent['types']} %",
        "event arguments (same trigger, role and span)": percent["arguments"],
    }
    assert f"On the {found.documents} test articles" in card
    assert list(percent.values()) == ["95.4", "92.7", "94.4", "98.2", "87.2"]

"""Confidence fitted on annotated documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from conftest import roles_only, violent_documents

from conflict_events.confidence import Confidence, Kind
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Role, Span
from conflict_events.tagging import Reading
from conflict_events.training.calibrating import fit_confidence, outcomes

TEXT = "rebels shelled troops near Arna"


def span(role: str, words: str, score: float | None = None) -> Span:
    return Span.of(TEXT, role, TEXT.index(words), TEXT.index(words) + len(words), score)


GOLD = Document(
    "d", TEXT, frozenset(Layer), (),
    (Event(EventType.SHELLING, span(TRIGGER, "shelled"), (span("attacker", "rebels"), span("target", "troops"))),),
)  # fmt: skip


def reading(
    *spans: Span, kind: EventType = EventType.SHELLING, arguments: Sequence[Span] = (), trigger: str = "shelled"
) -> Reading:
    """Spans, and one event whose trigger has score 0.8, whose type 0.6, and itself 0.48."""
    event = Event(kind, span(TRIGGER, trigger, 0.8), tuple(arguments), 0.48, 0.6)
    return Reading([*spans, event.trigger], [event])


# What is right


def test_outcomes_worked_by_hand() -> None:
    found = outcomes(
        [GOLD],
        [
            reading(
                span("attacker", "rebels", 0.9), span("location", "Arna", 0.7), span("weapon", "troops", 0.5),
                arguments=[
                    span("attacker", "rebels", 0.85), span("location", "Arna", 0.65), span("attacker", "troops", 0.45),
                ],
            )
        ],
    )  # fmt: skip
    assert found == {
        Kind.SPAN: [(0.9, True), (0.7, False), (0.5, False)],  # "Arna" is not annotated, "troops" in another role
        Kind.TRIGGER: [(0.8, True)],
        Kind.TYPE: [(0.6, True)],
        Kind.ARGUMENT: [(0.85, True), (0.45, False), (0.65, False)],  # in text order
        Kind.EVENT: [(0.48, True)],
    }


def test_an_event_of_another_type_is_wrong_but_its_arguments_are_right() -> None:
    found = outcomes([GOLD], [reading(kind=EventType.BOMBING, arguments=[span("target", "troops", 0.4)])])
    assert (found[Kind.TYPE], found[Kind.EVENT]) == ([(0.6, False)], [(0.48, False)])
    assert (found[Kind.TRIGGER], found[Kind.ARGUMENT]) == ([(0.8, True)], [(0.4, True)])


def test_the_type_of_what_is_no_trigger_is_neither_right_nor_wrong() -> None:
    found = outcomes([GOLD], [reading(trigger="near", arguments=[span("target", "troops", 0.4)])])
    assert found[Kind.TYPE] == []
    assert (found[Kind.EVENT], found[Kind.TRIGGER]) == ([(0.48, False)], [(0.8, False)])
    assert found[Kind.ARGUMENT] == [(0.4, False)]


def test_events_of_documents_without_that_layer_are_not_counted() -> None:
    roles_only = Document("d", TEXT, frozenset([Layer.ROLES]), (span("target", "troops"),))
    found = outcomes([roles_only], [reading(span("target", "troops", 0.3), arguments=[span("target", "troops", 0.3)])])
    assert found[Kind.SPAN] == [(0.3, True)]
    assert found[Kind.TYPE] == found[Kind.ARGUMENT] == found[Kind.EVENT] == []


def test_what_has_no_score_has_no_outcome() -> None:
    bare = Event(EventType.SHELLING, span(TRIGGER, "shelled"), (span("target", "troops"),))
    assert outcomes([GOLD], [Reading([span("attacker", "rebels"), bare.trigger], [bare])]) == {k: [] for k in Kind}


def test_documents_and_readings_must_go_together() -> None:
    with pytest.raises(ValueError, match="argument"):
        outcomes([GOLD], [])


# What is fitted


def read_as(document: Document, right: float, wrong: float) -> Reading:
    """What is annotated, with a score of ``right``, and on "open" a span and a trigger's argument with ``wrong``."""
    place = document.text.index("open")
    false = Span.of(document.text, "weapon", place, place + 4, wrong)
    (event,) = document.events
    arguments = [replace(argument, score=right) for argument in event.arguments]
    made = replace(
        event, trigger=replace(event.trigger, score=right), arguments=(*arguments, false), score=right, type_score=right
    )
    return Reading(sorted([*arguments, made.trigger, false]), [made])


def test_thresholds_leave_out_what_is_more_often_wrong_than_right() -> None:
    documents = violent_documents(30, "dev")
    readings = [read_as(document, 0.9, 0.3) for document in documents]
    fitted = fit_confidence(documents, readings)
    for document, found in zip(documents, readings, strict=True):
        assert [s.key for s in fitted.spans(found.spans)] == [s.key for s in document.spans]
        (event,) = fitted.events(found.events)
        assert [s.key for s in event.arguments] == [s.key for s in document.events[0].arguments]
    assert all(0 <= threshold <= 1 for threshold in fitted.thresholds.values())
    # 30 of 30 wrong at 0.3 and 90 of 90 right at 0.9: calibrated scores are further apart.
    assert fitted.scaled(span("target", "troops", 0.3)).score < 0.15  # type: ignore[operator]
    assert fitted.scaled(span("target", "troops", 0.9)).score > 0.95  # type: ignore[operator]


def test_nothing_is_left_out_where_that_does_not_help() -> None:
    documents = violent_documents(30, "dev")
    readings = [Reading(r.spans, r.events) for r in (read_as(d, 0.5, 0.5) for d in documents)]
    fitted = fit_confidence(documents, readings)
    for found in readings:
        assert fitted.spans(found.spans) == found.spans
        assert [len(event.arguments) for event in fitted.events(found.events)] == [4]


def test_calibrated_scores_come_near_the_share_that_is_right() -> None:
    # The linker is 0.9 sure of every argument, and every fourth is wrong: three annotated and one not in each event.
    documents = violent_documents(100, "dev")
    fitted = fit_confidence(documents, [read_as(document, 0.9, 0.9) for document in documents])
    (event,) = fitted.events(read_as(documents[0], 0.9, 0.9).events)
    assert [s.score for s in event.arguments] == pytest.approx([0.75] * 4, abs=0.02)


def test_from_a_few_outcomes_nothing_is_learnt() -> None:
    documents = violent_documents(3, "dev")
    readings = [read_as(document, 0.9, 0.3) for document in documents]
    assert fit_confidence(documents, readings) == Confidence()
    assert fit_confidence([], []) == Confidence()


def test_a_tagger_of_roles_only_gets_a_scaling_of_spans_only() -> None:
    documents = list(map(roles_only, violent_documents(30, "dev")))
    readings = [Reading([replace(s, score=0.9) for s in d.spans if s.role in set(Role)], []) for d in documents]
    fitted = fit_confidence(documents, readings)
    assert set(fitted.scaling) == {Kind.SPAN}
    assert set(fitted.thresholds) <= {Kind.SPAN}


def test_what_is_fitted_can_be_stored() -> None:
    documents = violent_documents(30, "dev")
    fitted = fit_confidence(documents, [read_as(document, 0.9, 0.3) for document in documents])
    assert set(fitted.scaling) == set(Kind)
    assert Confidence.from_record(fitted.to_record()) == fitted

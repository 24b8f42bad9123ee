"""The linker's scores to events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.linking.decoding import ROLES, TYPES, decode_event
from conflict_events.schema import TRIGGER, Event, EventType, Role, Span
from conflict_events.scores import LinkScores

TEXT = "At dawn rebels shelled troops near Arna. The troops returned fire."
NONE = 0


def mark(role: str, words: str, occurrence: int = 1, score: float | None = None) -> Span:
    """The span of ``words`` in :data:`TEXT`."""
    start = -1
    for _ in range(occurrence):
        start = TEXT.index(words, start + 1)
    return Span.of(TEXT, role, start, start + len(words), score)


def scores(*roles: str | None, kind: EventType = EventType.SHELLING, sure: float = 9.0) -> LinkScores:
    """Logits that are sure of a role, or none, for each span, and of a type."""
    numbers = [NONE if role is None else ROLES.index(Role(role)) + 1 for role in roles]
    chosen = np.eye(len(ROLES) + 1, dtype=np.float32)[numbers].reshape(-1, len(ROLES) + 1)
    return LinkScores(sure * chosen, sure * np.eye(len(TYPES), dtype=np.float32)[TYPES.index(kind)])


def keys(event: Event) -> list[tuple[str, int, int]]:
    return [span.key for span in event.arguments]


def test_an_event_has_the_spans_with_a_role_and_the_most_probable_type() -> None:
    spans = [mark("attacker", "rebels"), mark("target", "troops"), mark("location", "Arna")]
    event = decode_event(
        TEXT, mark(TRIGGER, "shelled"), spans, scores("attacker", None, "location", kind=EventType.BOMBING)
    )
    assert keys(event) == [spans[0].key, spans[2].key]
    assert (event.type, event.trigger.text) == (EventType.BOMBING, "shelled")


def test_a_role_is_what_the_linker_says_and_not_what_the_tagger_said() -> None:
    event = decode_event(TEXT, mark(TRIGGER, "returned fire"), [mark("attacker", "rebels")], scores("target"))
    assert keys(event) == [("target", 8, 14)]


def test_one_span_serves_several_events_in_different_roles() -> None:
    spans = [mark("attacker", "rebels"), mark("target", "troops")]
    shelling = decode_event(TEXT, mark(TRIGGER, "shelled"), spans, scores("attacker", "target"))
    answer = decode_event(TEXT, mark(TRIGGER, "returned fire"), spans, scores("target", "attacker"))
    assert keys(shelling) == [("attacker", 8, 14), ("target", 23, 29)]
    assert keys(answer) == [("target", 8, 14), ("attacker", 23, 29)]


def test_scores_worked_by_hand() -> None:
    # One logit of log 3 beside others of 0: of 5 roles and none it has 3 / (3 + 4) = 3/7, of 8 types 3 / (3 + 7) = 0.3.
    spans = [mark("target", "troops", score=0.7), mark("location", "Arna")]
    trigger = mark(TRIGGER, "shelled", score=0.5)
    event = decode_event(TEXT, trigger, spans, scores("target", "location", sure=float(np.log(3))))
    assert event.type_score == pytest.approx(0.3)
    assert event.score == pytest.approx(0.5 * 0.3)
    assert event.trigger == trigger
    assert event.arguments[0].score == pytest.approx(0.7 * 3 / 7)
    assert event.arguments[1].score is None, "a span that nobody is unsure of"


def test_a_trigger_without_a_score_gives_an_event_without_but_its_type_has_one() -> None:
    event = decode_event(TEXT, mark(TRIGGER, "shelled"), [], scores(sure=1000.0))
    assert (event.score, event.type_score, event.arguments) == (None, 1.0, ())


def test_every_role_and_type_has_its_column() -> None:
    for role in Role:
        assert keys(decode_event(TEXT, mark(TRIGGER, "shelled"), [mark("target", "troops")], scores(role.value))) == [
            (role.value, 23, 29)
        ]
    for kind in EventType:
        assert decode_event(TEXT, mark(TRIGGER, "shelled"), [], scores(kind=kind)).type is kind


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.1, 5.0, 500.0]), sure=st.floats(0, 1))
@settings(max_examples=60, deadline=None, database=None)
def test_events_are_legal_whatever_the_scores(seed: int, scale: float, sure: float) -> None:
    random = np.random.default_rng(seed)
    words = ["rebels", "troops", "Arna", "dawn", "fire"]
    spans = [mark(str(random.choice(ROLES)), word, score=sure) for word in words]
    logits = random.normal(scale=scale, size=(len(spans), len(ROLES) + 1)).astype(np.float32)
    types = random.normal(scale=scale, size=len(TYPES)).astype(np.float32)
    event = decode_event(TEXT, mark(TRIGGER, "shelled", score=sure), spans, LinkScores(logits, types))
    assert event.type is TYPES[int(types.argmax())]
    expected = {span.start: best for span, best in zip(spans, logits.argmax(axis=1), strict=True) if best != NONE}
    assert {span.start: ROLES.index(Role(span.role)) + 1 for span in event.arguments} == expected
    assert len(event.arguments) == len(expected), "no span stands twice in one event"
    assert list(event.arguments) == sorted(event.arguments)
    for span in event.arguments:
        assert span.text == TEXT[span.start : span.end]
        assert span.score is not None
        assert 0 <= span.score <= sure
    assert event.score is not None
    assert 0 <= event.score <= sure

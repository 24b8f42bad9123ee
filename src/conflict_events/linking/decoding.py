"""The linker's scores to events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from conflict_events.decoding import log_probabilities
from conflict_events.schema import Event, EventType, Role, Span
from conflict_events.scores import LinkScores

ROLES = tuple(Role)
TYPES = tuple(EventType)


def decode_event(text: str, trigger: Span, spans: Sequence[Span], scores: LinkScores) -> Event:
    """The most probable event of a trigger.

    Each span is an argument in its most probable role, or none: no span stands twice in one event. An argument's score
    is the probability of its role times the score of the span itself; the event's is that of its type times the
    trigger's.

    Args:
        text: the document's.
        trigger: of the event.
        spans: role spans within its reach.
        scores: what the linker makes of them.
    """
    arguments = []
    for span, probabilities in zip(spans, np.exp(log_probabilities(scores.roles)), strict=True):
        best = int(probabilities.argmax())
        if best:
            score = None if span.score is None else span.score * float(probabilities[best])
            arguments.append(Span.of(text, ROLES[best - 1], span.start, span.end, score))
    types = np.exp(log_probabilities(scores.types[None])[0])
    kind = int(types.argmax())
    type_score = float(types[kind])
    score = None if trigger.score is None else trigger.score * type_score
    return Event(TYPES[kind], trigger, tuple(arguments), score, type_score)

"""Spans to events, for checkpoints without a trained linker: the sentence rule.

1. Every trigger makes an event.
2. A role span belongs to the nearest trigger of its sentence, counted in characters between them (the earlier one if
   two are equally near). A role span in a sentence without a trigger stays out of events.
3. A trigger left without an attacker, target or location takes the nearest one of its sentence; so one attacker
   serves both acts of "rebels ambushed a convoy and torched two trucks". Weapons are not shared.
4. The type comes from the words of trigger and weapon, by a naive Bayes model fitted to the training split.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conflict_events.errors import CheckpointError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Role, Span
from conflict_events.text import SentenceIndex

_SHARED = (Role.ATTACKER, Role.TARGET, Role.LOCATION)
_WORD = re.compile(r"\w+")
_STEM = 4  # letters: chosen on the dev split


@dataclass(frozen=True)
class TypeModel:
    """Naive Bayes from the words of an event to its type.

    Only words that are present count, each with the smoothed share (n + 1) / (N + 2) of the N events of a type that
    hold it (the Bernoulli event model of McCallum and Nigam 1998, absent words left out).

    Attributes:
        types: how many training events had each type.
        words: how often each feature stood in events of each type.
    """

    types: Mapping[str, int]
    words: Mapping[str, Mapping[str, int]]

    @classmethod
    def fit(cls, documents: Iterable[Document]) -> TypeModel | None:
        """Count the events of annotated documents; None if they have none."""
        types: Counter[str] = Counter()
        words: dict[str, Counter[str]] = {}
        for event in (event for document in documents for event in document.events):
            types[event.type.value] += 1
            for feature in _features(event.trigger, event.arguments):
                words.setdefault(feature, Counter())[event.type.value] += 1
        return cls(dict(types), {word: dict(counts) for word, counts in sorted(words.items())}) if types else None

    def predict(self, trigger: Span, arguments: Sequence[Span]) -> tuple[EventType, float]:
        """The most probable type of an event, and its probability."""
        total = sum(self.types.values())
        log_odds = {name: math.log(count / total) for name, count in self.types.items()}
        for feature in _features(trigger, arguments):
            if counts := self.words.get(feature):
                for name in log_odds:
                    log_odds[name] += math.log((counts.get(name, 0) + 1) / (self.types[name] + 2))
        best = max(log_odds, key=lambda name: log_odds[name])
        probability = 1 / sum(math.exp(value - log_odds[best]) for value in log_odds.values())
        return EventType(best), probability

    def to_record(self) -> dict[str, Any]:
        """The model as JSON."""
        return {"types": dict(self.types), "words": {word: dict(counts) for word, counts in self.words.items()}}

    @classmethod
    def from_record(cls, record: Any) -> TypeModel:
        """Read :meth:`to_record`'s JSON.

        Raises:
            CheckpointError: if it is something else, or has unknown types.
        """
        try:
            types = {EventType(name).value: int(count) for name, count in record["types"].items()}
            words = {str(w): {EventType(n).value: int(c) for n, c in cs.items()} for w, cs in record["words"].items()}
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
            raise CheckpointError(f"the event type model is malformed ({error!r})") from None
        if not types or min(types.values()) < 1 or any(min(counts.values()) < 0 for counts in words.values()):
            raise CheckpointError("the event type model has impossible counts")
        return cls(types, words)


def assemble(text: str, spans: Sequence[Span], types: TypeModel, language: str = "en") -> list[Event]:
    """Events by the sentence rule, in the order of their triggers.

    An event's score is its trigger's score times the probability of its type.

    Args:
        text: the document's text.
        spans: tagged spans, triggers among them, with or without scores.
        types: the event type model.
        language: for sentence boundaries.
    """
    triggers = sorted(span for span in spans if span.role == TRIGGER)
    if not triggers:
        return []
    sentence = SentenceIndex(text, language)
    triggers_in: dict[int, list[Span]] = {}
    for trigger in triggers:
        triggers_in.setdefault(sentence.number(trigger.start), []).append(trigger)
    arguments: dict[Span, list[Span]] = {trigger: [] for trigger in triggers}
    candidates: dict[int, list[Span]] = {}
    for span in spans:
        number = sentence.number(span.start)
        if span.role != TRIGGER and number in triggers_in:
            candidates.setdefault(number, []).append(span)
            arguments[min(triggers_in[number], key=lambda trigger: (_distance(trigger, span), trigger.start))].append(
                span
            )
    events = []
    for trigger in triggers:
        own = arguments[trigger]
        nearby = candidates.get(sentence.number(trigger.start), [])
        for role in _SHARED:
            same = [span for span in nearby if span.role == role]
            if same and not any(span.role == role for span in own):
                own = [*own, min(same, key=lambda span: (_distance(trigger, span), span.start))]
        kind, probability = types.predict(trigger, own)
        score = None if trigger.score is None else trigger.score * probability
        events.append(Event(kind, trigger, tuple(own), score, probability))
    return events


def _distance(one: Span, other: Span) -> int:
    return max(one.start - other.end, other.start - one.end)


def _features(trigger: Span, arguments: Iterable[Span]) -> set[str]:
    """Words of trigger and weapon, lower-cased, and the stems of the trigger's words ("shelled", "shells")."""
    words = {f"{TRIGGER}:{word}" for word in _WORD.findall(trigger.text.lower())}
    words |= {f"stem:{word[:_STEM]}" for word in _WORD.findall(trigger.text.lower())}
    weapons = (span.text.lower() for span in arguments if span.role == Role.WEAPON)
    return words | {f"{Role.WEAPON}:{word}" for text in weapons for word in _WORD.findall(text)}

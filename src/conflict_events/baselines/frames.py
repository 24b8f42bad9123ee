"""Triggers of a parsed text to events: which act a sentence tells, its arguments and its type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conflict_events.baselines.dependency import ArgumentRules, Frame
from conflict_events.baselines.lexicon import Lexicon
from conflict_events.baselines.phrases import Phrases, lemma
from conflict_events.baselines.triggers import Trigger
from conflict_events.schema import TRIGGER, Event, EventType, Role, Span

if TYPE_CHECKING:
    from spacy.tokens import Doc

_OF_PHRASES = (Role.ATTACKER, Role.TARGET)


def read_events(doc: Doc, triggers: Sequence[Trigger], lexicon: Lexicon) -> list[Event]:
    """The events of a document, in the order of their triggers.

    A word such as "killed" is no trigger beside a more specific act of its sentence: its arguments then belong to the
    nearest such act. A place that no rule attaches belongs to every act of its sentence that has none.
    """
    phrases = Phrases(doc, lexicon)
    rules = ArgumentRules(lexicon, phrases, triggers)
    by_sentence: dict[int, list[Trigger]] = {}
    for trigger in triggers:
        by_sentence.setdefault(trigger.anchor.sent.start, []).append(trigger)
    events = []
    for found in by_sentence.values():
        frames = {trigger: rules.frame(trigger) for trigger in found}
        _merge_weak(frames, lexicon)
        places = phrases.places(list(found[0].anchor.sent))
        for trigger, frame in frames.items():
            if not frame.heads[Role.LOCATION]:
                frame.add(Role.LOCATION, places)
            events.append(_event(doc, trigger, frame, phrases, lexicon))
    return sorted(events, key=lambda event: event.trigger)


def _merge_weak(frames: dict[Trigger, Frame], lexicon: Lexicon) -> None:
    strong = [trigger for trigger in frames if not lexicon.has("weak", trigger.entry.name)]
    for trigger in [trigger for trigger in frames if strong and trigger not in strong]:
        frame = frames.pop(trigger)
        nearest = min(strong, key=lambda other: (abs(other.anchor.i - trigger.anchor.i), other.anchor.i))
        for role, heads in frame.heads.items():
            frames[nearest].add(role, heads)


def _event(doc: Doc, trigger: Trigger, frame: Frame, phrases: Phrases, lexicon: Lexicon) -> Event:
    text = str(doc.text)
    arguments: list[Span] = []
    for role, heads in frame.heads.items():
        for head in heads:
            with_of = role in _OF_PHRASES or (role == Role.LOCATION and phrases.is_bare(head))
            bounds = phrases.bounds(head, with_of)
            if (
                bounds
                and not any(bounds[0] < s.end and s.start < bounds[1] for s in arguments)
                and not (bounds[0] < trigger.end and trigger.start < bounds[1])
            ):
                arguments.append(Span.of(text, role, *bounds))
    return Event(_type(trigger, frame, lexicon), Span.of(text, TRIGGER, trigger.start, trigger.end), tuple(arguments))


def _type(trigger: Trigger, frame: Frame, lexicon: Lexicon) -> EventType:
    """The entry's type; of a general word, such as "attack", that of the weapon or of what flies."""
    if lexicon.has("generic", trigger.entry.name):
        for head in (*frame.heads[Role.ATTACKER], *frame.heads[Role.WEAPON]):
            if kind := lexicon.weapons.get(lemma(head)):
                return kind
    return trigger.entry.type

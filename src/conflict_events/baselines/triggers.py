"""Dictionary entries in a parsed text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conflict_events.baselines.lexicon import Entry, Lexicon
from conflict_events.baselines.phrases import lemma

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

_MODIFYING = frozenset(["compound", "amod", "nmod", "npadvmod"])
_PARTICLES = frozenset(["ablaze", "afire", "on", "hostage", "captive"])  # of "set on fire", "held hostage"
_UNREAL = frozenset(["would", "could", "may", "might", "will", "shall", "if"])


@dataclass(frozen=True, slots=True)
class Trigger:
    """A dictionary entry found in the text.

    Attributes:
        entry: which.
        words: its tokens, adjacent.
        anchor: the verb or noun whose dependents are the arguments.
    """

    entry: Entry
    words: tuple[Token, ...]
    anchor: Token

    @property
    def start(self) -> int:
        return int(self.words[0].idx)

    @property
    def end(self) -> int:
        return int(self.words[-1].idx + len(self.words[-1]))


def find_triggers(doc: Doc, lexicon: Lexicon, trusted: Collection[Entry]) -> list[Trigger]:
    """The triggers of a text, from left to right, the longest entry at each place; never overlapping."""
    found: list[Trigger] = []
    after = 0
    for token in doc:
        if token.i >= after and (trigger := _trigger_at(doc, token, lexicon, trusted)):
            found.append(trigger)
            after = trigger.words[-1].i + 1
    return found


def _trigger_at(doc: Doc, token: Token, lexicon: Lexicon, trusted: Collection[Entry]) -> Trigger | None:
    entries = {e for word in (token.lower_, lemma(token)) for e in lexicon.entries.get(word, ()) if e in trusted}
    for entry in sorted(entries, key=lambda e: (-len(e.words), not e.is_verb, e.name)):
        words = tuple(doc[token.i : token.i + len(entry.words)])
        if len(words) == len(entry.words) and all(
            word in (t.lower_, lemma(t)) for word, t in zip(entry.words, words, strict=True)
        ):
            anchor = _anchor(entry, words)
            if anchor is not None and not _is_hypothetical(anchor):
                return Trigger(entry, words, anchor)
    return None


def _anchor(entry: Entry, words: tuple[Token, ...]) -> Token | None:
    """The verb or noun of an entry in use as such; None if it only modifies ("bombing site", "slain rebels")."""
    inside = {word.i for word in words}
    top = next(word for word in words if word.head.i not in inside or word.head.i == word.i)
    if not entry.is_verb:
        return top if top.pos_ in ("NOUN", "PROPN") and top.dep_ not in _MODIFYING else None
    verb = next((word for word in words if word.pos_ in ("VERB", "AUX")), None)
    if verb is None and words[0].pos_ in ("ADJ", "ADV", "ADP", "NOUN") and words[0].lower_ in _PARTICLES:
        verb = next((token for token in top.ancestors if token.pos_ == "VERB"), None)
    if verb is None or verb.dep_ in _MODIFYING or any(child.dep_ == "det" for child in verb.children):
        return None  # "the wounded"
    return verb


def _is_hypothetical(anchor: Token) -> bool:
    """Whether the act is denied, or only possible: "did not attack", "could attack"."""
    return any(child.dep_ == "neg" or child.lower_ in _UNREAL for child in anchor.children)

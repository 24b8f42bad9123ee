"""Who did it to whom, where and with what: the arguments of a trigger, read off a dependency parse.

In the spirit of PETRARCH (Norris, Schrodt and Beieler 2017), which codes political events by dictionaries and syntax.
Relations are those of spaCy's English models (ClearNLP style: ``nsubjpass``, ``agent``, ``dobj``, ``pobj``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conflict_events.baselines.lexicon import Lexicon
from conflict_events.baselines.phrases import Phrases, lemma
from conflict_events.baselines.triggers import Trigger
from conflict_events.schema import EventType, Role

if TYPE_CHECKING:
    from spacy.tokens import Token

_AIMED = frozenset(["at", "on", "upon", "against", "towards", "toward", "into"])
_RELATIVE = frozenset(["who", "which", "that", "whom"])
_CLAUSES = frozenset(["conj", "xcomp", "advcl", "ccomp", "pcomp"])
_MODIFIERS = frozenset(["compound", "amod", "nmod"])
_DEPTH = 4  # clauses that are searched upwards for a subject


@dataclass(slots=True)
class Frame:
    """Heads of the argument phrases of a trigger, by role."""

    heads: dict[Role, list[Token]] = field(default_factory=lambda: {role: [] for role in Role})

    def add(self, role: Role, tokens: Iterable[Token]) -> None:
        """Add heads that are there in no role yet."""
        taken = {token.i for heads in self.heads.values() for token in heads}
        self.heads[role] += [token for token in tokens if token.i not in taken]


class ArgumentRules:
    """Finds the arguments of triggers.

    Args:
        lexicon: the dictionary.
        phrases: the noun phrases of the document.
        triggers: all triggers of the document: none of their words is an argument.
    """

    def __init__(self, lexicon: Lexicon, phrases: Phrases, triggers: Iterable[Trigger]) -> None:
        self._lexicon = lexicon
        self._phrases = phrases
        self._events = {word.i for trigger in triggers for word in trigger.words}

    def frame(self, trigger: Trigger) -> Frame:
        """The arguments that the parse links to a trigger."""
        is_verb = trigger.anchor.pos_ in ("VERB", "AUX")
        attackers, targets = self._of_verb(trigger) if is_verb else self._of_noun(trigger)
        frame = Frame()
        thrown = targets if self._uses_munition(trigger) else []
        means = [t for t in (*attackers, *thrown) if self._is_means(trigger, t)]
        frame.add(Role.WEAPON, [*means, *self._weapons(trigger)])
        if not self._lexicon.has("without_agent", trigger.entry.name):
            frame.add(Role.ATTACKER, self._all(attackers))
        elif is_verb:
            frame.add(Role.ATTACKER, self._all(self._agents(trigger.anchor)))
        frame.add(Role.TARGET, self._all(targets))
        roots = [*trigger.words, trigger.anchor, *frame.heads[Role.TARGET], *frame.heads[Role.ATTACKER]]
        frame.add(Role.LOCATION, self._phrases.places(roots))
        return frame

    def _all(self, heads: Iterable[Token]) -> list[Token]:
        found = [token for head in heads for token in self._phrases.coordinated(head)]
        return [token for token in found if token.i not in self._events]

    def _dependents(self, trigger: Trigger) -> list[Token]:
        inside = {word.i for word in trigger.words}
        return [c for w in {t.i: t for t in (*trigger.words, trigger.anchor)}.values() for c in w.children
                if c.i not in inside]  # fmt: skip

    def _of_verb(self, trigger: Trigger) -> tuple[list[Token], list[Token]]:
        """Attackers and targets: subject and object, the other way round in the passive voice."""
        verb, name = trigger.anchor, trigger.entry.name
        dependents = self._dependents(trigger)
        objects = [c for c in dependents if c.dep_ in ("dobj", "dative") and c.pos_ != "ADP"]
        if is_passive(verb):
            attackers, targets = self._agents(verb), self._patients(verb)
        else:
            attackers, targets = self._subjects(verb), objects
        if not targets and attackers and verb.tag_ in ("VBD", "VBN") and self._lexicon.has("needs_object", name):
            attackers, targets = self._agents(verb), self._patients(verb)  # "two others injured in a blast"
        with_munition = self._uses_munition(trigger)
        for preposition in dependents:
            if preposition.dep_ != "prep":
                continue
            aimed = preposition.lower_ in _AIMED and (with_munition or preposition.lower_ == "against")
            opposed = preposition.lower_ == "with" and self._lexicon.has("mutual", name)
            if aimed or opposed:
                targets = [*targets, *_objects(preposition)]
        return attackers, targets

    def _of_noun(self, trigger: Trigger) -> tuple[list[Token], list[Token]]:
        """Attackers and targets of "attack on X by Y", "Y's attack", "clash between X and Y", "launched an attack"."""
        noun, mutual = trigger.anchor, self._lexicon.has("mutual", trigger.entry.name)
        attackers: list[Token] = []
        targets: list[Token] = []
        for child in self._dependents(trigger):
            if child.dep_ == "poss" or (child.dep_ in _MODIFIERS and self._is_actor(child)):
                attackers.append(child)
            elif child.lower_ == "by":
                attackers += _objects(child)
            elif child.lower_ == "between":
                both = [side for noun in _objects(child) for side in self._phrases.coordinated(noun)]
                attackers, targets = [*attackers, *both[:1]], [*targets, *both[1:]]
            elif mutual and child.lower_ == "with":  # "killed in a clash with the army": the army killed
                sides = attackers if noun.dep_ == "pobj" and is_passive(noun.head.head) else targets
                sides += _objects(child)
            elif child.lower_ in ("of", "on", "against", "upon"):
                targets += [o for o in _objects(child) if o.ent_type_ not in ("DATE", "TIME")]
        verb = noun.head
        if noun.dep_ in ("dobj", "nsubjpass") and self._lexicon.has("light_verbs", lemma(verb)):
            attackers += self._subjects(verb) if noun.dep_ == "dobj" else self._agents(verb)
        return [t for t in attackers if t.pos_ != "PRON"], targets

    def _weapons(self, trigger: Trigger) -> list[Token]:
        """Munitions before the noun ("grenade attack"), after *with*, *by* and *in*, and as object of "using"."""
        before = [t for t in self._before(trigger) if self._is_munition(t) and t.nbor(-1 if t.i else 0).text != "("]
        found = before[-1:]
        for child in self._dependents(trigger):
            if child.lower_ in ("with", "by", "in", "from", "through"):
                found += [token for token in _objects(child) if self._is_munition(token)]
            elif (
                child.pos_ == "VERB" and self._lexicon.has("means_verbs", lemma(child)) and child.i not in self._events
            ):
                found += [t for t in child.children if t.dep_ == "dobj" and self._is_munition(t)]
        return [token for head in found for token in self._phrases.coordinated(head) if self._is_munition(token)]

    def _before(self, trigger: Trigger) -> list[Token]:
        """The modifiers of a noun in front of it, and theirs."""
        first = trigger.words[0]
        inside = (token for child in trigger.anchor.lefts if child.dep_ in _MODIFIERS for token in child.subtree)
        return [token for token in inside if token.i < first.i]

    def _is_munition(self, token: Token) -> bool:
        return lemma(token) in self._lexicon.weapons and token.i not in self._events

    def _uses_munition(self, trigger: Trigger) -> bool:
        """Whether the object of the act is what was thrown or fired, and its aim follows "at" or "on"."""
        name = trigger.entry.name
        lists = ("with_munition", "without_agent")
        return "fire" in trigger.entry.words or any(self._lexicon.has(each, name) for each in lists)

    def _is_means(self, trigger: Trigger, token: Token) -> bool:
        """Whether a subject or object is the weapon: an aircraft that bombs is the attacker, as the guidelines say."""
        flies = self._lexicon.weapons.get(lemma(token)) == EventType.AIR_STRIKE
        return self._is_munition(token) and (not flies or self._lexicon.has("without_agent", trigger.entry.name))

    def _is_actor(self, token: Token) -> bool:
        return self._lexicon.has("actors", lemma(token)) or token.ent_type_ == "ORG"

    def _agents(self, verb: Token) -> list[Token]:
        return [t for child in verb.children if child.dep_ == "agent" or child.lower_ == "by" for t in _objects(child)]

    def _patients(self, verb: Token) -> list[Token]:
        """What the passive verb is about: its subject, the noun that it modifies, or the subject it shares."""
        for _ in range(_DEPTH):
            found = [_resolved(child, verb) for child in verb.children if child.dep_ in ("nsubjpass", "nsubj")]
            if found or verb.dep_ == "acl":
                return found or [verb.head]
            if verb.dep_ not in _CLAUSES:
                break
            verb = verb.head
        return []

    def _subjects(self, verb: Token) -> list[Token]:
        """Who does what the active verb says; a verb without a subject takes that of the clause above it."""
        for _ in range(_DEPTH):
            found = [_resolved(child, verb) for child in verb.children if child.dep_ == "nsubj"]
            if found or verb.dep_ == "acl":
                return found or [verb.head]
            if verb.dep_ not in _CLAUSES:
                break
            verb = verb.head
            if is_passive(verb):
                return self._agents(verb)
        return []


def is_passive(verb: Token) -> bool:
    """Whether the verb stands in the passive voice, with or without an auxiliary."""
    if any(child.dep_ in ("auxpass", "nsubjpass", "agent") for child in verb.children):
        return True
    if verb.dep_ == "conj" and verb.tag_ == "VBN" and not any(c.dep_ in ("nsubj", "dobj") for c in verb.children):
        return is_passive(verb.head)
    return verb.dep_ == "acl" and verb.tag_ == "VBN"


def _objects(preposition: Token) -> list[Token]:
    return [child for child in preposition.children if child.dep_ == "pobj"]


def _resolved(subject: Token, verb: Token) -> Token:
    """The noun that a relative pronoun stands for."""
    return verb.head if subject.lower_ in _RELATIVE and verb.dep_ == "relcl" else subject

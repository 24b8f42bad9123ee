"""Annotated corpora, all read into :class:`~conflict_events.schema.Document`.

``formats`` are files that people bring: the project's own and those of annotation tools. ``public`` are corpora with a
public home and a layout of their own. A reader takes a :class:`~conflict_events.config.CorpusConfig` and gives the
splits it finds; to add one, write it and name it in ``READERS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from conflict_events.config import CorpusConfig
from conflict_events.corpora import dataset
from conflict_events.corpora.formats import FORMATS, Readable
from conflict_events.corpora.occurrences import mark_occurrences
from conflict_events.corpora.public import muc4, muc34, re3d, standoff, unannotated
from conflict_events.corpora.reading import UNDIVIDED, Log, Reading, split_paths, undeclared
from conflict_events.errors import ConfigError, ConflictEventsError
from conflict_events.schema import TRIGGER, Document, Layer

Splits = dict[str, list[Document]]


def _read_files(form: Readable, config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """The files of a format, by split."""

    def chained(paths: list[Path]) -> Reading:
        for path in paths:
            yield from form.read(path, log)

    return {split: chained(paths) for split, paths in split_paths(Path(config.path), form.SUFFIX).items()}


READERS: dict[str, Callable[[CorpusConfig, Log], dict[str, Reading]]] = {
    **{name: partial(_read_files, form) for name, form in FORMATS.items()},
    "dataset": partial(_read_files, dataset),
    "standoff": standoff.read,
    "muc4": muc4.read,
    "muc34": muc34.read,
    "re3d": re3d.read,
    "unannotated": unannotated.read,
}


@dataclass(frozen=True)
class Corpus:
    """A corpus: its config, its documents by split (``train``, ``dev``, ``test``), and what reading left out.

    Attributes:
        left_out: one line for each bad record (with ``skip_bad``), and for everything that no document can hold.
        unread: of each document of ``train``, the roles of the corpus that nobody looked for in it.
    """

    config: CorpusConfig
    splits: Splits
    left_out: tuple[str, ...] = ()
    unread: tuple[frozenset[str], ...] = ()

    def split(self, name: str) -> list[Document]:
        """The documents of a split.

        Raises:
            ConfigError: if the corpus has no such split.
        """
        if name not in self.splits:
            divide = (
                f"divide it: python scripts/prepare_data.py corpus.format={self.config.format} "
                f"corpus.path={self.config.path} convert=jsonl output=FOLDER shares=[0.8,0.1,0.1]"
            )
            raise ConfigError(
                f"corpus {self.config.name!r} has no split {name!r}, only {', '.join(self.splits)}",
                remedy=f"name its files after their splits, or {divide}"
                if UNDIVIDED in self.splits
                else f"put its documents into a file or folder named {name}"
                + ("; training goes without test with test_split=null" if name == "test" else ""),
            )
        return self.splits[name]


def load(config: CorpusConfig) -> Corpus:
    """Read a corpus, with the train splits of its ``extra`` corpora after its own.

    Where files do not say what they annotate, a document has the layer ``events`` if any of the corpus has events.
    Nobody looked for the roles that an added corpus does not declare in its documents, nor for triggers in those
    without the layer ``events``, where others have it.

    Raises:
        ConfigError: if a format is unknown, or there is no train split to take a share of or to add.
        SourceError: if files are missing or have other bytes than they should.
        DataError: if a record breaks the rules and ``config.skip_bad`` is off; the message names file and line.
    """
    log = Log(config.label_map)
    splits = {split: list(_documents(reading, config, log)) for split, reading in open_corpus(config, log).items()}
    unsaid = {Layer.ROLES, Layer.EVENTS} if any(d.events for s in splits.values() for d in s) else {Layer.ROLES}
    splits = {
        split: [d if d.layers else replace(d, layers=frozenset(unsaid)) for d in documents]
        for split, documents in splits.items()
    }
    if config.every_occurrence:
        splits = {split: list(map(mark_occurrences, documents)) for split, documents in splits.items()}
    corpus = Corpus(config, splits, tuple(log.left_out))
    if config.train_share < 1.0:
        splits["train"] = _share(corpus.split("train"), config.train_share)
    unread = [frozenset[str]()] * len(splits.get("train", ()))
    for extra in map(load, config.extra.values()):
        for document in extra.split("train"):
            if error := undeclared(document, config):  # its spans would be taught as no spans
                raise error.at(f"corpus {extra.config.name!r}, which is added to {config.name!r}")
        splits["train"] = [*corpus.split("train"), *extra.split("train")]
        unread += [part | ({*config.roles} - {*extra.config.roles}) for part in extra.unread]
        corpus = replace(corpus, left_out=(*corpus.left_out, *extra.left_out))
    return replace(corpus, unread=_with_triggers(unread, splits.get("train", [])))


def open_corpus(config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """The splits of a corpus, not read yet.

    Raises:
        ConfigError: if the format is unknown.
        SourceError: if files are missing or have other bytes than they should.
    """
    reader = READERS.get(config.format)
    if reader is None:
        raise ConfigError(f"corpus.format={config.format!r} is unknown", remedy=f"choose one of {', '.join(READERS)}")
    return reader(config, log)


def _documents(reading: Reading, config: CorpusConfig, log: Log) -> Iterable[Document]:
    for where, item in reading:
        error = item if isinstance(item, ConflictEventsError) else undeclared(item, config)
        if error is None:
            yield item  # type: ignore[misc]  # no error, so it is a document
            continue
        if error is not item:
            error = error.at(where)
        if not config.skip_bad:
            raise error
        log.left_out.append(str(error))


def _with_triggers(unread: list[frozenset[str]], documents: list[Document]) -> tuple[frozenset[str], ...]:
    """What nobody looked for in documents, with the triggers where only other documents have events."""
    if not any(Layer.EVENTS in document.layers for document in documents):
        return tuple(unread)
    pairs = zip(unread, documents, strict=True)
    return tuple(part if Layer.EVENTS in document.layers else part | {TRIGGER} for part, document in pairs)


def _share(documents: list[Document], share: float) -> list[Document]:
    """The documents whose ids have the lowest hashes, in the order given: chance, but the same one each time."""
    by_hash = sorted(range(len(documents)), key=lambda n: hashlib.sha256(documents[n].id.encode()).digest())
    kept = set(by_hash[: max(1, round(share * len(documents)))])
    return [document for number, document in enumerate(documents) if number in kept]

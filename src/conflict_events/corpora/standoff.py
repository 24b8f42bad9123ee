"""A stand-off layer: annotation kept apart from texts that may not be shipped."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.jsonl import read_files, split_files
from conflict_events.corpora.sources import source_text
from conflict_events.errors import ConfigError, DataError
from conflict_events.schema import Document


def read(config: CorpusConfig) -> dict[str, list[Document]]:
    """Attach the texts in ``config.source_dir`` to the annotation in ``config.path``.

    Documents named in ``reserved.txt`` are left out. ``meta["source"]`` becomes the corpus that a text comes from.

    Raises:
        SourceError: if texts are missing, with the place to get each.
        DataError: naming file and line: a text whose sha256 differs, or a record that breaks the rules.
    """
    folder, texts = Path(config.path), texts_folder(config)
    download.require(download.source_files(folder), texts, config.name)
    return read_files(split_files(folder), partial(attach, texts=texts), config, reserved_ids(folder))


def texts_folder(config: CorpusConfig) -> Path:
    """``config.source_dir``.

    Raises:
        ConfigError: if it is not set.
    """
    if not config.source_dir:
        raise ConfigError("corpus.source_dir is not set", remedy="name the folder that holds the texts")
    return Path(config.source_dir)


def reserved_ids(folder: Path) -> frozenset[str]:
    """Ids that stay out of training, development and evaluation; empty where no ``reserved.txt`` stands."""
    path = folder / "reserved.txt"
    return frozenset(path.read_text("utf-8").split()) if path.is_file() else frozenset()


def attach(record: dict[str, Any], texts: Path) -> Document:
    """A stand-off record with its text.

    Raises:
        SourceError: if the text is not there.
        DataError: if its sha256 differs, or the record breaks the rules.
    """
    source = record.get("source")
    if not isinstance(source, dict) or "sha256" not in source:
        raise DataError("a stand-off record needs a 'source' with corpus, file, place and sha256")
    text = source_text(texts, source)
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    if digest != source["sha256"]:
        raise DataError(
            f"the text of {record.get('id')!r} has sha256 {digest}, not {source['sha256']}",
            remedy="the source file is another version: fetch the pinned one with scripts/prepare_data.py",
        )
    return Document.from_record({**record, "meta": {"source": source["corpus"]}}, text)

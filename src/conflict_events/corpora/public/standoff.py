"""A stand-off layer: annotation kept apart from texts that may not be shipped."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.public.texts import reserved_ids, source_text, texts_folder
from conflict_events.corpora.reading import Log, Reading, read_records, split_paths
from conflict_events.errors import DataError
from conflict_events.schema import Document


def read(config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """Attach the texts in ``config.source_dir`` to the annotation in ``config.path``.

    Documents named in ``reserved.txt`` are left out. ``meta["source"]`` becomes the corpus that a text comes from.
    An error is a text whose sha256 differs, or a record that breaks the rules.

    Raises:
        SourceError: if texts are missing, with the place to get each.
    """
    folder, texts = Path(config.path), texts_folder(config)
    download.require(download.source_files(folder), texts, config.name)
    reserved = reserved_ids(folder)

    def make(record: dict[str, Any], where: str) -> Document | None:
        if str(record.get("id")) in reserved:
            log.leave_out(where, f"id {record['id']!r} is reserved: take the record out")
            return None
        return attach(record, texts)

    return {split: read_records(path, make) for split, (path,) in split_paths(folder, ".jsonl").items()}


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

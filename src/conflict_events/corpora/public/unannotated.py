"""The texts of a stand-off layer's sources that nobody annotated: for a student to learn from its teacher.

A text is left out if the layer annotates it (or another one of the same wording) in whatever split, if it is reserved,
or if it is empty. MUC-4 gives those of its train split only. Ids are those that the layer would give them:
``satp-train-12``, ``muc4-DEV-MUC3-0001``, ``news-FILE-BLOCK``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.public.texts import places, reserved_ids, source_text, texts_folder
from conflict_events.corpora.reading import SPLITS, Log, Reading, lines, parse_line, text_digest
from conflict_events.schema import Document

_NOT_FOR_TRAINING = ("muc4/splits/dev.json", "muc4/splits/test.json")


def read(config: CorpusConfig, _log: Log) -> dict[str, Reading]:
    """One split, ``train``, of documents without any layer.

    Raises:
        SourceError: if texts are missing, with the place to get each.
        DataError: if a record of the layer cannot be read.
    """
    folder, texts = Path(config.path), texts_folder(config)
    files = download.source_files(folder)
    download.require(files, texts, config.name)
    reserved, annotated = reserved_ids(folder), dict(_annotated(folder))
    there = list(places(texts, [file.path for file in files if file.path not in _NOT_FOR_TRAINING]))
    taken = {text_digest(source_text(texts, source)) for source in annotated.values()}
    taken |= {text_digest(source_text(texts, source)) for identifier, source in there if identifier in reserved}

    def documents() -> Iterator[tuple[str, Document]]:
        known = {*taken, text_digest("")}
        for identifier, source in there:
            text = source_text(texts, source)
            if identifier in annotated or (digest := text_digest(text)) in known:
                continue
            known.add(digest)
            yield identifier, Document(identifier, text, meta={"source": source["corpus"]})

    return {"train": documents()}


def _annotated(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and place of every text of the layer."""
    for path in (folder / f"{split}.jsonl" for split in SPLITS):
        for where, line in lines(path) if path.is_file() else ():
            record = parse_line(where, line)
            yield record["id"], record["source"]

"""MUC-4 role fillers in the split of Du et al. 2021 (GRIT): five roles, entities as lists of mentions.

``{split}.json`` holds one JSON object a line: ``docid``, ``doctext`` (lower-cased), and ``extracts``: role to
entities, an entity being a list of ``[mention, first character]``. Each mention becomes a role span. The key marks
the mentions an annotator listed, not every occurrence in the text, so strict span scores on it are a lower bound; the
documents carry their entities, and evaluation scores those (:mod:`conflict_events.metrics.ceaf_ree`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.entities import META_KEY, to_meta
from conflict_events.corpora.public.texts import reserved_ids, texts_folder
from conflict_events.corpora.reading import SPLITS, Log, Reading, read_records
from conflict_events.errors import DataError
from conflict_events.schema import Document, Layer, Span

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def read(config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """The three splits below ``config.source_dir/muc4/splits``. An error is a mention that stands elsewhere.

    Documents named in ``reserved.txt`` are left out; all of them are of the train split.

    Raises:
        SourceError: if files are missing or have other bytes.
    """
    texts = texts_folder(config)
    download.require(download.source_files(Path(config.path)), texts, config.name)
    reserved = reserved_ids(Path(config.path))

    def make(record: dict[str, Any], _where: str) -> Document | None:
        return None if record["docid"] in reserved else _document(record, log)

    return {split: read_records(texts / "muc4" / "splits" / f"{split}.json", make) for split in SPLITS}


def _document(record: dict[str, Any], log: Log) -> Document:
    text = record["doctext"]
    grouped = []
    for name, entities in record["extracts"].items():
        role = log.label(_CAMEL.sub("_", name).lower())
        if role is None:
            continue
        for entity in entities:
            mentions = [Span.of(text, role, start, start + len(mention)) for mention, start in entity]
            for (mention, start), span in zip(entity, mentions, strict=True):
                if span.text != mention:
                    raise DataError(f"{record['docid']}: {mention!r} does not stand at {start}, but {span.text!r}")
            if mentions:
                grouped.append(mentions)
    spans = tuple(span for mentions in grouped for span in mentions)
    meta = {"source": "muc4", META_KEY: to_meta(grouped)}
    return Document(record["docid"], text, frozenset({Layer.ROLES}), spans, meta=meta)

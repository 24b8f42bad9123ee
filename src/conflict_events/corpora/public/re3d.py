"""re3d's own entities: organisations, people, places, weapons and more in reports on Syria and Iraq (Dstl 2017).

Home: https://github.com/dstl/re3d. A folder for each outlet holds ``documents.json`` and ``entities.json``, one JSON
object a line. An entity names its document, ``begin`` and ``end``, its ``value`` and its ``type``; the type becomes the
role of a span. There are no roles in events here: an organisation may be attacker, target or neither.

``confidence`` is the probability that an entity is right, as estimated from experts and crowd workers. Those at 0 are
what the automatic extraction had proposed and people turned down: other types of the same span (*Syria* as a place
where it acts), parts of longer names, plain mistakes. Whatever is less likely right than wrong is no annotation.

No splits are published. ``splits.json`` gives those of the event layer over the same documents (``corpus=conflict``),
so that nothing trained on these entities has read a text that events are tested on. A document that it does not name
is reserved there and left out; no other is left to deal.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download
from conflict_events.corpora.public.texts import texts_folder
from conflict_events.corpora.reading import SPLITS, Log, Reading, attempt, lines, parse_line
from conflict_events.errors import ConflictEventsError, SourceError
from conflict_events.schema import Document, Layer, Span

_LIKELY = 0.5
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_Placed = tuple[str, dict[str, Any]]  # a record and where it stands


def read(config: CorpusConfig, log: Log) -> dict[str, Reading]:
    """The documents of ``config.path/splits.json`` with their entities, from ``config.source_dir``.

    Left out are documents without a split, entities below a confidence of one half (counted for each file), and
    entities whose value is not what the text has at their place.

    Raises:
        SourceError: if files are missing or have other bytes, or there is no ``splits.json``.
        DataError: if a line is no JSON object.
    """
    texts = texts_folder(config)
    files = download.source_files(Path(config.path))
    download.require(files, texts, config.name)
    splits = _splits(Path(config.path) / "splits.json")
    dealt: dict[str, list[tuple[str, Document | ConflictEventsError]]] = {split: [] for split in SPLITS}
    for folder in dict.fromkeys((texts / file.path).parent for file in files):
        entities = _entities(folder / "entities.json", splits, log)
        for where, line in lines(folder / "documents.json"):
            record = parse_line(where, line)
            if (split := splits.get(record["_id"])) is None:
                log.leave_out(where, f"document {record['_id']!r} has no split: it is reserved")
                continue
            make = partial(_document, record, entities[record["_id"]], folder.name, log)
            if (item := attempt(where, make)) is not None:
                dealt[split].append((where, item))
    return {split: iter(items) for split, items in dealt.items()}


def _splits(path: Path) -> dict[str, str]:
    """Splits by document."""
    if not path.is_file():
        raise SourceError(f"there is no {path.name}", where=str(path.parent), remedy="check corpus.path")
    return dict(json.loads(path.read_text("utf-8")))


def _entities(path: Path, documents: Mapping[str, str], log: Log) -> dict[str, list[_Placed]]:
    """The likely entities of a file, by document; of these documents only."""
    found: dict[str, list[_Placed]] = defaultdict(list)
    unlikely = 0
    for where, line in lines(path):
        record = parse_line(where, line)
        if record["documentId"] not in documents:
            continue
        if record["confidence"] < _LIKELY:
            unlikely += 1
        else:
            found[record["documentId"]].append((where, record))
    if unlikely:
        log.leave_out(str(path), f"{unlikely} entities with a confidence below {_LIKELY}")
    return found


def _document(record: Mapping[str, Any], entities: Sequence[_Placed], outlet: str, log: Log) -> Document:
    text = record["text"]
    spans = set()  # some entities differ in outer white space only
    for where, entity in entities:
        begin, end, value, kind = (entity[key] for key in ("begin", "end", "value", "type"))
        if text[begin:end] != value or not value.strip():
            log.leave_out(where, f"{kind} {value!r} does not stand at {begin}, but {text[begin:end]!r}")
            continue
        role = log.label(kind if kind in log.label_map else _CAMEL.sub("_", kind))
        if role is not None:
            begin += len(value) - len(value.lstrip())
            spans.add(Span.of(text, role, begin, begin + len(value.strip())))
    meta = {"source": "re3d", "outlet": outlet}
    return Document(record["_id"], text, frozenset({Layer.ROLES}), tuple(sorted(spans)), meta=meta)

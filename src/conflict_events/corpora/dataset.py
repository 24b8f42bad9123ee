"""Corpora as ``datasets.DatasetDict``: typed columns, ready for ``push_to_hub``, and Parquet files read back.

Columns: ``id``, ``text``, ``layers``, ``spans`` (every span with its role, triggers included), ``events``, ``tokens``
and ``ner_tags`` (IOB2 over words and signs, for token classification without offsets; spans that compete for a token
are only in ``spans``), ``meta`` (JSON). Offsets are half-open and count characters. The split ``dev`` is called
``validation``, as is usual there, and a corpus without splits is ``train``: ``all`` means something else there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from conflict_events.corpora.formats.conll import words
from conflict_events.corpora.reading import UNDIVIDED, Log, Reading, attempt
from conflict_events.errors import ConfigError, DataError
from conflict_events.labels import LabelScheme
from conflict_events.schema import TRIGGER, Document, EventType, Layer, Role, Span

if TYPE_CHECKING:
    from datasets import DatasetDict, Features

_CALLED = {"dev": "validation", UNDIVIDED: "train"}
SUFFIX = ".parquet"
_BATCH = 1000  # rows


def split_name(split: str) -> str:
    """What the split is called in a dataset."""
    return _CALLED.get(split, split)


def features(roles: Sequence[str]) -> Features:
    """The columns of a corpus with these roles."""
    from datasets import ClassLabel, Features, List, Value

    span = {"start": Value("int32"), "end": Value("int32"), "text": Value("string")}
    named = sorted({*roles, TRIGGER}, key=[*roles, TRIGGER].index)
    return Features(
        {
            "id": Value("string"),
            "text": Value("string"),
            "layers": List(ClassLabel(names=[layer.value for layer in Layer])),
            "spans": List({"role": ClassLabel(names=named), **span}),
            "events": List(
                {
                    "type": ClassLabel(names=[kind.value for kind in EventType]),
                    "trigger": span,
                    **{role.value: List(span) for role in Role},
                }
            ),
            "tokens": List(Value("string")),
            "ner_tags": List(ClassLabel(names=LabelScheme(tuple(roles)).labels)),
            "meta": Value("string"),
        }
    )


def to_dataset_dict(splits: Mapping[str, Sequence[Document]], roles: Sequence[str]) -> DatasetDict:
    """A corpus as a dataset; ``to_dataset_dict(corpus.splits, corpus.config.roles).push_to_hub(ID)`` publishes it.

    Args:
        splits: the documents. A split without any is left out: ``load_dataset`` would refuse the whole dataset.
        roles: the label set, in order.

    Raises:
        ConfigError: if a document has a role that is not in the label set (one of an ``extra`` corpus, say).
    """
    from datasets import Dataset, DatasetDict

    scheme = LabelScheme(tuple(roles))
    columns = features(roles)
    return DatasetDict(
        {
            split_name(split): Dataset.from_list([_row(document, scheme) for document in documents], features=columns)
            for split, documents in splits.items()
            if documents
        }
    )


def _row(document: Document, scheme: LabelScheme) -> dict[str, Any]:
    for span in document.spans:
        if span.role not in (*scheme.roles, TRIGGER):
            raise ConfigError(
                f"document {document.id!r} has role {span.role!r}, which the label set does not hold",
                remedy=f"add it to corpus.roles={list(scheme.roles)}",
            )
    pieces = words(document.text, {edge for span in document.spans for edge in (span.start, span.end)})
    labels, _ = scheme.encode(np.array(pieces, dtype=np.int64).reshape(-1, 2), document.spans)
    return {
        "id": document.id,
        "text": document.text,
        "layers": [layer.value for layer in Layer if layer in document.layers],
        "spans": [{"role": str(span.role), **_place(span)} for span in document.spans],
        "events": [
            {"type": event.type.value, "trigger": _place(event.trigger)}
            | {role.value: [_place(span) for span in event.by_role(role)] for role in Role}
            for event in document.events
        ],
        "tokens": [document.text[start:end] for start, end in pieces],
        "ner_tags": labels.tolist(),
        "meta": json.dumps(dict(document.meta), ensure_ascii=False),
    }


def _place(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "text": span.text}


def read(path: Path, _log: Log) -> Reading:
    """The documents of a Parquet file with these columns; ``tokens`` and ``ner_tags`` are not needed."""
    from pyarrow import ArrowException

    try:
        for number, (row, columns) in enumerate(_rows(path)):
            where = f"{path}: row {number}"
            if (item := attempt(where, lambda r=row, c=columns: _document(r, c))) is not None:  # type: ignore[misc]
                yield where, item
    except (ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())  # pages are read one by one: damage may show late
        yield str(path), DataError(f"cannot be read as Parquet ({reason})", where=str(path))


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], Features]]:
    from datasets import Features
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        columns = Features.from_arrow_schema(file.schema_arrow)
        for batch in file.iter_batches(_BATCH):
            for row in batch.to_pylist():
                yield row, columns


def _document(row: Mapping[str, Any], columns: Features) -> Document:
    try:
        role_of, type_of = columns["spans"].feature["role"], columns["events"].feature["type"]
        events = [
            {"type": type_of.int2str(event["type"]), "trigger": _pair(event["trigger"])}
            | {role.value: [_pair(place) for place in event[role.value]] for role in Role}
            for event in row["events"]
        ]
        record = {
            "id": row["id"],
            "text": row["text"],
            "layers": [columns["layers"].feature.int2str(layer) for layer in row["layers"]],
            "events": events,
            "meta": json.loads(row["meta"] or "{}"),
        }
        taken = {(TRIGGER, *event["trigger"]) for event in events}
        taken |= {(role.value, *pair) for event in events for role in Role for pair in event[role.value]}
        spans = [(role_of.int2str(span["role"]), span["start"], span["end"]) for span in row["spans"]]
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise DataError(
            f"the columns are not those of a corpus ({error!r})",
            remedy="write it with python scripts/prepare_data.py dataset=FOLDER",
        ) from None
    record["spans"] = [{"role": r, "start": s, "end": e} for r, s, e in spans if (r, s, e) not in taken]
    return Document.from_record(record)


def _pair(place: Mapping[str, Any]) -> list[int]:
    return [place["start"], place["end"]]

"""The project's own JSONL: one annotated document a line, a file a split."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Document

SPLITS = ("train", "dev", "test")


def read(config: CorpusConfig) -> dict[str, list[Document]]:
    """The splits ``train.jsonl``, ``dev.jsonl`` and ``test.jsonl`` that stand in ``config.path``.

    Raises:
        SourceError: if none of them exists.
        DataError: naming file and line, for a record that breaks the rules or a role the corpus does not declare.
    """
    return read_files(split_files(Path(config.path)), Document.from_record, config)


def read_files(
    files: Mapping[str, Path],
    make: Callable[[dict[str, Any]], Document],
    config: CorpusConfig,
    left_out: Collection[str] = (),
) -> dict[str, list[Document]]:
    """Read JSON-lines files, one a split.

    Args:
        files: by split.
        make: turns a record into a document.
        config: of the corpus.
        left_out: ids whose records are not even read.

    Raises:
        DataError: naming file and line.
    """
    return {
        name: [build(w, record, make, config) for w, record in records(path) if str(record.get("id")) not in left_out]
        for name, path in files.items()
    }


def build(
    where: str, record: dict[str, Any], make: Callable[[dict[str, Any]], Document], config: CorpusConfig
) -> Document:
    """The document that ``make`` reads from a record, with only roles that the corpus declares.

    Raises:
        DataError: naming ``where``.
    """
    try:
        document = make(record)
    except DataError as error:
        raise error.at(where) from None
    for span in document.spans:
        if span.role not in config.roles:
            raise DataError(
                f"document {document.id!r} has role {span.role!r}, which corpus {config.name!r} does not declare",
                where=where,
                remedy=f"correct it or add it to corpus.roles={list(config.roles)}",
            )
    return document


def split_files(folder: Path) -> dict[str, Path]:
    """The split files of a folder.

    Raises:
        SourceError: if there is none.
    """
    files = {name: folder / f"{name}.jsonl" for name in SPLITS if (folder / f"{name}.jsonl").is_file()}
    if not files:
        raise SourceError(
            "there is no train.jsonl, dev.jsonl or test.jsonl", where=str(folder), remedy="check corpus.path"
        )
    return files


def records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """``("file:line", record)`` for every line that is not blank.

    Raises:
        DataError: for invalid UTF-8, invalid JSON, or JSON that is no object, naming file and line.
    """
    for where, line in lines(path):
        yield where, parse_line(where, line)


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """``("file:line", bytes)`` for every line that is not blank."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path}:{number}", line


def parse_line(where: str, line: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        DataError: for invalid UTF-8, invalid JSON, or JSON that is no object, naming ``where``.
    """
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 ({error})", where=where, remedy="save the file as UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"not JSON ({error})", where=where, remedy="write one JSON object a line") from None
    if not isinstance(record, dict):
        raise DataError(f"the line is a JSON {type(record).__name__}, not an object", where=where)
    return record


def write(path: Path, documents: Iterable[Document]) -> None:
    """Write documents as annotated records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for document in documents:
            file.write(json.dumps(document.to_record(), ensure_ascii=False) + "\n")

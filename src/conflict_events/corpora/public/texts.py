"""Where the text of a stand-off record stands: one small reader for each public source.

Every file is decoded as UTF-8 with undecodable bytes replaced, so that offsets mean the same everywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from conflict_events.config import CorpusConfig
from conflict_events.errors import ConfigError, SourceError

_EMPTY_LINE = re.compile(r"\n\s*\n")


@lru_cache(maxsize=64)
def _decoded(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise SourceError(f"cannot be read ({error.strerror})", where=str(path), remedy="check source_dir") from None


@lru_cache(maxsize=64)
def _json_lines(path: Path, key: str, text: str) -> dict[str, str]:
    rows = (json.loads(line) for line in _decoded(path).removeprefix("\ufeff").split("\n") if line.strip())
    return {row[key]: row[text] for row in rows}


def _tsv_cell(folder: Path, source: Mapping[str, Any]) -> str:
    """SATP and InsightCrime: first tab-separated cell of a line, outer white space, then outer quotes off."""
    line = _decoded(folder / source["file"]).split("\n")[source["line"] - 1]
    return str(line.removesuffix("\r").split("\t")[0].strip().strip('"'))


def _re3d(folder: Path, source: Mapping[str, Any]) -> str:
    return _json_lines(folder / source["file"], *_KEYS["re3d"])[source["document"]]


def _muc4(folder: Path, source: Mapping[str, Any]) -> str:
    return _json_lines(folder / source["file"], *_KEYS["muc4"])[source["document"]]


def _news(folder: Path, source: Mapping[str, Any]) -> str:
    """Blocks between empty lines; a document is the first lines of one."""
    block = _EMPTY_LINE.split(_decoded(folder / source["file"]))[source["block"]].strip("\n")
    return "\n".join(block.split("\n")[: source["lines"]])


_READERS: dict[str, Callable[[Path, Mapping[str, Any]], str]] = {
    "satp": _tsv_cell,
    "insightcrime": _tsv_cell,
    "re3d": _re3d,
    "muc4": _muc4,
    "news": _news,
}


_NAMES = {"satp": "satp", "insightcrime": "insight"}
_KEYS = {"re3d": ("_id", "text"), "muc4": ("docid", "doctext")}  # of the id and of the text in JSON lines


def places(source_dir: Path, files: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text of some source files: the id that a stand-off layer gives it, and its ``source``.

    Args:
        source_dir: folder of the sources, as for :func:`source_text`.
        files: below it, such as ``satp/train.tsv``.
    """
    for corpus, _, name in (file.partition("/") for file in files):
        path, source = source_dir / corpus / name, {"corpus": corpus, "file": name}
        if corpus in ("satp", "insightcrime"):
            for number, line in enumerate(_decoded(path).split("\n"), start=1):
                if line.strip():
                    yield f"{_NAMES[corpus]}-{path.stem}-{number}", source | {"line": number}
        elif corpus == "news":
            for number, block in enumerate(_EMPTY_LINE.split(_decoded(path))):
                lines = block.strip("\n").count("\n") + 1
                yield f"news-{path.stem}-{number}", source | {"block": number, "lines": lines}
        elif corpus in ("muc4", "re3d"):
            for name in _json_lines(path, *_KEYS[corpus]):
                yield f"{corpus}-{name}", source | {"document": name}


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


def source_text(source_dir: Path, source: Mapping[str, Any]) -> str:
    """The text that a stand-off record's ``source`` points to.

    Args:
        source_dir: folder that holds ``satp/``, ``insightcrime/``, ``re3d/``, ``muc4/`` and ``news/``.
        source: ``corpus``, ``file``, and ``line``, ``document``, or ``block`` and ``lines``.

    Raises:
        SourceError: if the file is missing or has no such line or document.
    """
    reader = _READERS.get(source.get("corpus", ""))
    if reader is None:
        raise SourceError(f"source corpus {source.get('corpus')!r} is unknown", remedy=f"known: {', '.join(_READERS)}")
    folder = source_dir / source["corpus"]
    try:
        return reader(folder, source)
    except (KeyError, IndexError):
        raise SourceError(
            f"there is no text at {dict(source)}", where=str(folder / source.get("file", "")), remedy="check source_dir"
        ) from None

"""Articles, records that are none, and the checks that every format shares."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from conflict_events.errors import InputError
from conflict_events.schema import lone_surrogate


@dataclass(frozen=True, slots=True)
class Article:
    """A text to work on, with its id and whatever comes along with it.

    Ids are carried through as they are: nobody checks whether two articles have the same one.
    """

    id: str
    text: str
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that gives no article.

    Attributes:
        where: file and line, or the file, or the id of an article that could not be worked on.
        reason: what is wrong.
        record: what stood there (a line, a row's cells, an article), so that it can be mended from the error file
            alone; None where a whole file is at fault. What is not UTF-8 shows as replacement characters.
    """

    where: str
    reason: str
    record: str | list[str] | dict[str, Any] | None = None

    def to_record(self) -> dict[str, Any]:
        """``{"where", "reason"}`` and, if it was kept, ``"record"``; names that are not UTF-8 with replacements."""
        where, reason = (words.encode("utf-8", "replace").decode() for words in (self.where, self.reason))
        record: dict[str, Any] = {"where": where, "reason": reason}
        return record if self.record is None else record | {"record": self.record}


Record: TypeAlias = Article | BadRecord


@dataclass(frozen=True, slots=True)
class Columns:
    """The JSONL keys, or the columns of tables, that hold text and id; a table may do without the usual one of ids."""

    text: str = "text"
    id: str = "id"


def check_columns(names: Sequence[str], where: str, columns: Columns) -> None:
    """Check that a table has the text column and, unless it was not asked for, that of ids.

    Raises:
        InputError: naming those that it has.
    """
    needed = {"text_column": columns.text}
    if columns.id != Columns().id:
        needed["id_column"] = columns.id
    for setting, name in needed.items():
        if name not in names:
            raise InputError(
                f"there is no column {name!r}",
                where=where,
                remedy=f"set {setting} to one of: {', '.join(names)}",
            )


def article(given: Any, otherwise: str, text: Any, meta: Mapping[str, Any]) -> Article:
    """A checked article.

    Args:
        given: its id; missing if None or empty.
        otherwise: the id if none is given.
        text: the text.
        meta: what comes along, ready for JSON.

    Raises:
        ValueError: if the text is none, or text, id or meta cannot be written as UTF-8.
    """
    identifier = otherwise if given is None or given == "" else str(given)
    if not isinstance(text, str):
        raise ValueError(f"the text is {type(text).__name__}, not a string")
    if "\0" in text:
        raise ValueError("the text holds NUL bytes: is it a text file?")
    if (at := lone_surrogate(text)) is not None:
        raise ValueError(f"the text is not valid Unicode at character {at}: save the file as UTF-8")
    if lone_surrogate(json.dumps([identifier, meta], ensure_ascii=False)) is not None:
        raise ValueError("the id (which may be the name of the file) or what stands beside the text is not UTF-8")
    return Article(identifier, text, dict(meta))


def decoded(raw: bytes) -> str:
    """UTF-8 as text, a byte-order mark taken off and line ends left as they are.

    Raises:
        ValueError: if it is not UTF-8.
    """
    return io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8-sig", newline="").read()


def shown(raw: bytes) -> str:
    """A line for the error file, whatever it holds."""
    return raw.decode("utf-8", "replace").rstrip("\r\n")

"""Records out. A file appears under its name only when it is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from conflict_events.errors import InputError


class JsonlWriter:
    """Writes JSON lines to ``PATH.part`` and gives the file its name when the block ends without an error.

    Raises:
        InputError: if the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._part = path.with_name(path.name + ".part")
        self._file: IO[str]

    def __enter__(self) -> JsonlWriter:
        if self.path.is_dir():
            raise InputError("cannot be written (it is a folder)", where=str(self.path))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", where=str(self.path)) from None
        return self

    def write(self, record: Mapping[str, Any]) -> None:
        """Add one record."""
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if kind is None:
            self._part.replace(self.path)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON object, indented for people; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")

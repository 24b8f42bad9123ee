"""Formats of annotated files, read and written: the project's own, and those of annotation tools.

To add one, write a module with ``SUFFIX``, ``read`` and ``write``, and name it in ``FORMATS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from conflict_events.corpora.formats import brat, conll, doccano, jsonl, label_studio, markup, prodigy
from conflict_events.corpora.reading import Log, Reading
from conflict_events.schema import Document


class Readable(Protocol):
    """What a format's module offers at least.

    ``SUFFIX`` is that of a split's file, with the full stop; empty where a split is a folder.
    """

    SUFFIX: str

    def read(self, path: Path, log: Log) -> Reading:
        """The documents of a split's file or folder."""


class Format(Readable, Protocol):
    """A format that is written, too."""

    def write(self, path: Path, documents: Iterable[Document], log: Log | None = None) -> None:
        """Write a split's file or folder. Documents that the format cannot hold at all go to ``log``."""


FORMATS: dict[str, Format] = {
    "jsonl": jsonl,
    "markup": markup,
    "conll": conll,
    "brat": brat,
    "label_studio": label_studio,
    "doccano": doccano,
    "prodigy": prodigy,
}

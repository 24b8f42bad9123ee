"""One file of articles: its bytes, decompressed, and how much of it has been read."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from conflict_events.errors import InputError

STDIN = "-"
_PIECE = 1 << 17  # compressed bytes at a time

BROKEN = (OSError, EOFError, zlib.error)
"""What reading a damaged file may raise; it ends there."""


class File:
    """A file of articles.

    Args:
        path: its path, or ``-`` for standard input.
        name: what ids of its records begin with.

    Attributes:
        position: bytes of the file that have been read, as a function; compressed ones of a compressed file.
    """

    def __init__(self, path: str, name: str) -> None:
        self.path = path
        self.name = name
        self.position: Callable[[], int] = lambda: 0

    @property
    def where(self) -> str:
        """The file's name in messages."""
        return "stdin" if self.path == STDIN else self.path

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file's bytes, decompressed as its suffix says."""
        if self.path == STDIN:
            yield sys.stdin.buffer
            return
        with Path(self.path).open("rb") as raw:
            self.position = raw.tell
            try:
                yield _decompressed(raw, self.path)
            finally:
                end = raw.tell()
                self.position = lambda: end


def _decompressed(raw: BinaryIO, path: str) -> BinaryIO:
    suffix = Path(path).suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if suffix == ".zst":
        return io.BufferedReader(_Zstandard(raw, path), _PIECE)
    return raw


class _Zstandard(io.RawIOBase):
    """Frames of Zstandard. The library's own reader takes a file that was cut off for one that has ended."""

    def __init__(self, raw: BinaryIO, path: str) -> None:
        try:
            import zstandard
        except ImportError:
            raise InputError(
                "files of kind '.zst' need zstandard", where=path, remedy="install it (pip install zstandard)"
            ) from None
        self._raw = raw
        self._error = zstandard.ZstdError
        self._new: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = None
        self._rest = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._rest or self._raw.read(_PIECE)
            if not piece:
                if self._frame is not None:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                return 0
            self._frame = self._frame or self._new()
            try:
                self._ready = memoryview(self._frame.decompress(piece))
            except self._error as error:
                raise OSError(str(error)) from None
            self._rest = b""
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

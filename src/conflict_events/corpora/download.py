"""Public files at pinned revisions: fetched once, checked by size and sha256 every time.

A corpus's folder holds ``sources.json``: a list of ``{"path", "url", "sha256", "bytes"}``, ``path`` being where the
file goes below the source folder, ``url`` naming a commit. ``bytes`` may be left out where a size is not known: such
a file is not continued after an interruption but begun anew, and the sha256 alone tells whether it is whole.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from conflict_events.digests import sha256_of
from conflict_events.errors import SourceError

MANIFEST = "sources.json"
_CHUNK = 1 << 16
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with a public home; with ``unpacked``, an archive that this folder may stand for."""

    path: str
    url: str
    sha256: str
    bytes: int | None = None
    unpacked: str | None = None


def source_files(folder: Path) -> list[SourceFile]:
    """The entries of ``folder/sources.json``.

    Raises:
        SourceError: if it is missing.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise SourceError(f"there is no {MANIFEST}", where=str(folder), remedy="check corpus.path")
    return [SourceFile(**entry) for entry in json.loads(manifest.read_text("utf-8"))]


def problems(files: list[SourceFile], folder: Path) -> Iterator[str]:
    """What is missing from ``folder`` or has other bytes, one line each, with the place to get it."""
    for file in files:
        path = folder / file.path
        if file.unpacked and (folder / file.unpacked).is_dir():
            continue
        if not path.is_file():
            yield f"{path}: missing (its home is {file.url})"
        elif (found := sha256_of(path)) != file.sha256:
            yield f"{path}: sha256 is {found}, not {file.sha256} (its home is {file.url})"


def require(files: list[SourceFile], folder: Path, corpus: str) -> None:
    """Check that every file is there with the right bytes.

    Raises:
        SourceError: listing what is missing and where to get it.
    """
    found = list(problems(files, folder))
    if found:
        raise SourceError(
            f"{len(found)} source files are missing or differ",
            where=str(folder),
            remedy=f"run 'python scripts/prepare_data.py corpus={corpus}', with a copy at hand source_dir=FOLDER:\n  "
            + "\n  ".join(found),
        )


def fetch(files: list[SourceFile], folder: Path, progress: Callable[[str], None]) -> None:
    """Download what is missing; a part that an interruption left behind is continued.

    Args:
        files: what to fetch.
        folder: where it goes.
        progress: called with a line of text for each file.

    Raises:
        SourceError: if a file cannot be had, or has other bytes than it should.
    """
    for file in files:
        target = folder / file.path
        if target.is_file() and sha256_of(target) == file.sha256:
            progress(f"{file.path}: present")
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        size = "" if file.bytes is None else f"{file.bytes:,} bytes "
        progress(f"{file.path}: downloading {size}from {file.url}")
        _download(file, part)
        found = sha256_of(part)
        if found != file.sha256:
            part.unlink()
            raise SourceError(
                f"downloaded bytes have sha256 {found}, not {file.sha256}", where=file.url, remedy="try again"
            )
        part.replace(target)


def _download(file: SourceFile, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    if file.bytes is None or have >= file.bytes:
        have = 0
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            continued = have > 0 and answer.status == 206
            with part.open("ab" if continued else "wb") as out:
                while chunk := answer.read(_CHUNK):
                    out.write(chunk)
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise SourceError(
            f"cannot download ({error!r})",
            where=file.url,
            remedy=f"without a network, put a copy at {part.with_suffix('')} or pass source_dir=FOLDER",
        ) from None
    if file.bytes is not None and part.stat().st_size < file.bytes:  # a server that hangs up early raises nothing
        raise SourceError(
            f"the transfer broke off at {part.stat().st_size:,} of {file.bytes:,} bytes",
            where=file.url,
            remedy="run it again: it goes on where it stopped",
        )

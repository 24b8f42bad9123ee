"""The model in the box: a folder of this package whose every file is checked against its manifest."""

from __future__ import annotations

import json
from pathlib import Path

from conflict_events.digests import sha256_of
from conflict_events.errors import CheckpointError

MANIFEST = "manifest.json"
_FOLDER = Path(__file__).parent.parent / "default_model"
_FORMAT = 1
_REMEDY = "install conflict-events again"


def default_model() -> Path:
    """The folder of the packaged model, every file checked.

    Raises:
        CheckpointError: if none is packaged, or files are missing, changed or there besides.
    """
    if not (_FOLDER / MANIFEST).is_file():
        raise CheckpointError(
            "no model is packaged with this version",
            remedy="train one with 'make train' and give its folder, or give a Hub id",
        )
    verify(_FOLDER)
    return _FOLDER


def write_manifest(folder: Path) -> None:
    """Write ``manifest.json`` with the sha256 of every other file of a folder, those in its folders included."""
    record = {"format": _FORMAT, "files": {name: sha256_of(folder / name) for name in _files(folder)}}
    (folder / MANIFEST).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def verify(folder: Path) -> None:
    """Check every file of a folder against its manifest.

    Raises:
        CheckpointError: naming the first that is missing, changed or not in the manifest.
    """
    path = folder / MANIFEST
    try:
        record = json.loads(path.read_text("utf-8"))
        expected = dict(record["files"]) if record["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"the manifest cannot be read ({error!r})", where=str(path), remedy=_REMEDY) from None
    there = set(_files(folder))
    for name, sha256 in expected.items():
        if name not in there:
            raise CheckpointError(f"{name} is missing", where=str(folder), remedy=_REMEDY)
        if (found := sha256_of(folder / name)) != sha256:
            raise CheckpointError(
                f"{name} was changed: its sha256 is {found}, not {sha256}", where=str(folder), remedy=_REMEDY
            )
    if more := sorted(there - expected.keys()):
        raise CheckpointError(f"{more[0]} does not belong here", where=str(folder), remedy=_REMEDY)


def _files(folder: Path) -> list[str]:
    """The files of a folder, apart from the manifest, as paths from there with slashes, sorted."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != MANIFEST)

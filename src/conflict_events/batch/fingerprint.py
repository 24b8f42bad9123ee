"""What a run is about: input, model and settings, in few words that another run's can be compared with."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conflict_events.articles import Source
from conflict_events.config import CheckpointConfig, PredictConfig
from conflict_events.digests import sha256_of
from conflict_events.errors import InputError, OutputError
from conflict_events.hub import checkpoint_folder

_CHECKPOINT = (".json", ".safetensors", ".onnx", ".data", ".txt", ".model")
_NO_MATTER = ("path", "device", "threads", "batch_tokens")  # what is found is the same, to rounding


def of_run(config: PredictConfig, format_: str, input_: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that decides what a run writes.

    The number of workers, the runner, the device and the size of batches are not part of it: a run may go on with
    others.

    Args:
        config: of the run.
        format_: of the output.
        input_: what :func:`of_input` says.
    """
    settings = {
        name: value.value if isinstance(value, Enum) else value
        for name, value in dataclasses.asdict(config.model).items()
        if name not in _NO_MATTER
    }
    return {
        "version": version("conflict-events"),
        "input": dict(input_),
        "format": format_,
        "errors": config.errors,
        "text_column": config.text_column,
        "id_column": config.id_column,
        "shard_size": config.runner.shard_size,
        "model": settings | of_checkpoint(config.model),
    }


def of_input(sources: Sequence[Source]) -> tuple[dict[str, Any], list[int]]:
    """What the input is: names, sizes and times of change of its files, without reading them.

    A copy that keeps the times (``cp -p``, ``rsync -t``) is the same input.

    Returns:
        Numbers and a hash; and the bytes before each source, with the sum of all at the end.

    Raises:
        InputError: if a file is not there.
    """
    digest, files, newest, starts = hashlib.sha256(), 0, 0, [0]
    for source in sources:
        size = 0
        for path in source.files() if source.paths != ("-",) else ():
            try:
                status = Path(path).stat()
            except OSError as error:
                raise InputError(f"cannot be read ({error.strerror})", where=path) from None
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "surrogateescape"))
            files, size, newest = files + 1, size + status.st_size, max(newest, status.st_mtime_ns)
        starts.append(starts[-1] + size)
    changed = datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="milliseconds")
    return {"files": files, "bytes": starts[-1], "last change": changed, "sha256": digest.hexdigest()}, starts


def of_checkpoint(config: CheckpointConfig) -> dict[str, Any]:
    """What a checkpoint is: its name, and a hash of all its files.

    Raises:
        CheckpointError: if there is none.
        SourceError: if the Hub cannot be reached.
    """
    folder = checkpoint_folder(config.path or None, config.revision, config.subfolder)
    digest = hashlib.sha256()
    paths = [path for place in (folder, folder / "onnx") if place.is_dir() for path in place.iterdir()]
    for path in sorted(path for path in paths if path.suffix in _CHECKPOINT):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_of(path)}\n".encode())
    return {"name": config.path, "sha256": digest.hexdigest()}


def refuse_others(where: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Compare the run that was begun with the one that is wanted.

    Raises:
        OutputError: if they differ, saying in what.
    """
    before, now = (dict(_flat(record)) for record in (there, wanted))
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    # A hash tells people nothing; it is named where nothing else differs.
    names = [name for name in names if not name.endswith("sha256")] or names
    if names:
        told = "; ".join(
            f"the files of {name.removesuffix('.sha256')} have changed"
            if name.endswith("sha256")
            else f"{name} was {before.get(name)}, is {now.get(name)}"
            for name in names
        )
        raise OutputError(
            f"the output is of another run: {told}",
            where=str(where),
            remedy="give another output, or write over it with runner.restart=true",
        )


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value

"""A checkpoint or a dataset to the Hugging Face Hub, or a checkpoint into the folder that the package carries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from conflict_events.config import PushConfig
from conflict_events.errors import ConfigError
from conflict_events.hub.resolving import resolve
from conflict_events.publishing.describing import card
from conflict_events.publishing.packing import pack
from conflict_events.publishing.scrubbing import require_impersonal
from conflict_events.publishing.staging import CARD, Files, checkpoint_files, dataset_files, size_of
from conflict_events.publishing.uploading import Published, upload

__all__ = ["Published", "publish"]


def publish(config: PushConfig, progress: Callable[[str], None]) -> Published | None:
    """Do what ``scripts/push_to_hub.py`` is asked for.

    Args:
        config: what goes where.
        progress: called with a line of text for each file, and, in a dry run, with the card.

    Returns:
        Where it is published; None for a dry run or a packed folder.

    Raises:
        CheckpointError: if the checkpoint is incomplete or cannot be loaded.
        ConfigError: if something in it names this machine or its user, or settings are missing.
        DataError: if the dataset or the metrics are malformed.
        SourceError: if the Hub cannot be reached or refuses.
    """
    files = _files(config)
    require_impersonal(files)
    for name, content in files.items():
        progress(f"{size_of(content):>14,} {name}")
    progress(f"{sum(map(size_of, files.values())):>14,} bytes in {len(files)} files")
    if config.dry_run:
        content = files[CARD]
        progress(content.decode("utf-8") if isinstance(content, bytes) else content.read_text("utf-8"))
        return None
    if config.pack is not None:
        pack(files, Path(config.pack))
        return None
    kind = "model" if config.dataset is None else "dataset"
    return upload(files, _repo_id(config), kind, private=config.private, branch=config.branch, message=config.message)


def _files(config: PushConfig) -> Files:
    """Everything that is published, by its path in the repository."""
    if config.dataset is not None:
        return dataset_files(Path(config.dataset))
    if config.path is None:
        raise ConfigError("there is nothing to publish", remedy="add path=CHECKPOINT, or dataset=FOLDER")
    folder = resolve(config.path, onnx=True)
    files = checkpoint_files(folder, [Path(path) for path in config.metrics])
    return files | {CARD: card(config, folder, files, _repo_id(config)).encode()}


def _repo_id(config: PushConfig) -> str:
    if config.repo_id is None:
        raise ConfigError("repo_id is missing", remedy="add repo_id=USER/NAME")
    return config.repo_id

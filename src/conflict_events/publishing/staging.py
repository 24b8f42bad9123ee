"""Which files of a checkpoint or a dataset are published, and as what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from conflict_events import handler
from conflict_events.checkpoint import CONFIG_FILE, read_json
from conflict_events.engines.exported import Exported
from conflict_events.errors import DataError
from conflict_events.hub.resolving import ONNX, has_onnx
from conflict_events.publishing.scrubbing import without_paths

Files = dict[str, bytes | Path]
"""Path in the repository to content, or to the file that has it."""

CARD = "README.md"
METRICS = "metrics.json"
TRAINING = "training_config.yaml"
HANDLER = "handler.py"
_PATTERNS = (
    "*.safetensors", "*.safetensors.index.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model", "conflict_events.json", "linker.json", "LICENSE", "NOTICE",
    f"{ONNX}/*.onnx", f"{ONNX}/*.onnx_data", f"{ONNX}/*.json",
)  # fmt: skip
# Of a model's name in these, transformers makes the folder that it was loaded from.
_NAMED = {CONFIG_FILE: "_name_or_path", "tokenizer_config.json": "name_or_path"}


def checkpoint_files(folder: Path, evaluations: Sequence[Path]) -> Files:
    """What makes up a checkpoint: never pickles, never what a trainer leaves beside it.

    The training config and metrics of the run are taken from the folder around the checkpoint, where training puts
    them, or from the folder itself, where publishing does.

    Args:
        folder: the checkpoint's.
        evaluations: files ``metrics.json`` of evaluations.

    Raises:
        CheckpointError: if a config is malformed, or ``onnx/`` was exported from other weights.
        DataError: if metrics or training config are malformed.
    """
    if has_onnx(folder):
        Exported.load(folder).require_current(folder)
    files: Files = {
        path.relative_to(folder).as_posix(): path for pattern in _PATTERNS for path in sorted(folder.glob(pattern))
    }
    for name, key in _NAMED.items():
        if (folder / name).is_file():
            record = {k: v for k, v in read_json(folder / name).items() if k != key}
            files[name] = _json(record)
    if config := training_config(folder):
        files[TRAINING] = yaml.safe_dump(without_paths(config), sort_keys=False, allow_unicode=True).encode()
    if metrics := _metrics(folder, evaluations):
        files[METRICS] = _json(metrics)
    assert handler.__file__ is not None
    return files | {HANDLER: Path(handler.__file__)}


def dataset_files(folder: Path) -> Files:
    """A dataset folder as ``scripts/prepare_data.py dataset=FOLDER`` writes it.

    Raises:
        DataError: if it has no Parquet files or no card.
    """
    files: Files = {path.name: path for pattern in ("*.parquet", CARD) for path in sorted(folder.glob(pattern))}
    if len(files) < 2 or CARD not in files:
        raise DataError(
            "there are no Parquet files with a card",
            where=str(folder),
            remedy="write them with python scripts/prepare_data.py corpus=... dataset=FOLDER",
        )
    return files


def training_config(folder: Path) -> dict[str, Any]:
    """The settings that a checkpoint was trained with; empty if they are not known.

    Raises:
        DataError: if the file is no YAML mapping.
    """
    found = _beside(folder, "config.yaml", TRAINING)
    if found is None:
        return {}
    try:
        config = yaml.safe_load(found.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise DataError(f"not YAML ({error})", where=str(found), remedy="remove or correct it") from None
    if not isinstance(config, dict):
        raise DataError("not a training config", where=str(found), remedy="remove or correct it")
    return config


def run_metrics(folder: Path) -> dict[str, Any]:
    """What was measured in training; empty if that is not known."""
    found = _beside(folder, METRICS, METRICS)
    record = read_json(found) if found is not None else {}
    return record.get("training_run", {}) if "evaluations" in record else record


def _metrics(folder: Path, evaluations: Sequence[Path]) -> dict[str, Any]:
    """``metrics.json`` of a repository: the run's and those of evaluations."""
    run = run_metrics(folder)
    if not run and not evaluations:
        return {}
    return {"training_run": run, "evaluations": [without_paths(read_json(path)) for path in evaluations]}


def _beside(folder: Path, around: str, inside: str) -> Path | None:
    """A file in the run's folder around a checkpoint, or in the checkpoint itself."""
    beside_log = (folder.parent / "training_log.jsonl").is_file()  # the folder around is that of its training
    for path in (*([folder.parent / around] if beside_log else []), folder / inside):
        if path.is_file():
            return path
    return None


def size_of(content: bytes | Path) -> int:
    """In bytes."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _json(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()

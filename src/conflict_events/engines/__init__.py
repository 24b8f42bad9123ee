"""Engines run the encoder: windows of token ids in, rows of scores out."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

from conflict_events.config import EngineKind
from conflict_events.engines.base import Engine
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub.resolving import ONNX

_INSTALL_TORCH = "run: pip install 'conflict-events[torch]'"
_INSTALL_ONNX = "run: pip install onnxruntime"


def load_engine(
    folder: Path,
    kind: EngineKind = EngineKind.auto,
    device: str | None = None,
    batch_tokens: int = 4096,
    threads: int | None = None,
) -> Engine:
    """The engine for a checkpoint.

    Args:
        folder: the checkpoint's.
        kind: which one. ``auto`` is onnxruntime if the checkpoint's ``onnx/`` folder is whole and was made from its
            weights, and no device but the CPU is asked for; else torch.
        device: ``cpu``, ``cuda``, ``mps``; None for the CPU with onnxruntime, for the best present with torch.
        batch_tokens: about how many tokens go through torch at a time.
        threads: cores that onnxruntime takes; None for all that this process may use.

    Raises:
        CheckpointError: if the checkpoint does not have what the engine needs, or it is damaged.
        ConfigError: if what the engine needs is not installed, or it cannot use the device.
    """
    if kind is EngineKind.torch:
        return _torch(folder, device, batch_tokens)
    if kind is EngineKind.onnx:
        return _onnx(folder, device, threads)
    try:
        return _onnx(folder, device, threads)
    except (CheckpointError, ConfigError) as error:
        reason = error
    if not any(folder.glob("*.safetensors")):
        raise reason
    if not _has_torch():
        raise ConfigError(
            f"torch is not installed, and onnxruntime cannot be used instead ({reason})",
            where=str(folder),
            remedy=_INSTALL_TORCH,
        )
    if (folder / ONNX).is_dir() and device in (None, "cpu"):
        warnings.warn(f"torch is used, which is slower: {reason}", stacklevel=3)
    return _torch(folder, device, batch_tokens)


def _torch(folder: Path, device: str | None, batch_tokens: int) -> Engine:
    if not _has_torch():
        raise ConfigError("torch is not installed", where="engine=torch", remedy=_INSTALL_TORCH)
    from conflict_events.engines.torch import TorchEngine

    if not any(folder.glob("*.safetensors")):
        raise CheckpointError(
            "there are no weights for torch, ONNX files alone", where=str(folder), remedy="leave out engine=torch"
        )
    return TorchEngine.from_folder(folder, device, batch_tokens)


def _onnx(folder: Path, device: str | None, threads: int | None) -> Engine:
    if device not in (None, "cpu"):
        raise ConfigError(
            f"the onnx engine does not run on device {device!r}", remedy="set engine=torch, or leave out the device"
        )
    if find_spec("onnxruntime") is None:
        raise ConfigError("onnxruntime is not installed", where="engine=onnx", remedy=_INSTALL_ONNX)
    from conflict_events.engines.onnx import OnnxEngine

    return OnnxEngine.from_folder(folder, threads)


def _has_torch() -> bool:
    return all(find_spec(name) is not None for name in ("torch", "transformers", "safetensors"))

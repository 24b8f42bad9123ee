"""A Hub id, a folder, the packaged model or an encoder known by name -> local files, at a revision.

Weights are safetensors or ONNX, or nothing; code is fetched only for who sets ``trust_remote_code``.
"""

from pathlib import Path

from conflict_events.hub.encoders import ENCODERS, known_encoder
from conflict_events.hub.packaged import default_model, write_manifest
from conflict_events.hub.resolving import resolve

__all__ = ["ENCODERS", "checkpoint_folder", "default_model", "known_encoder", "resolve", "write_manifest"]


def checkpoint_folder(name: str | None, revision: str | None = None, subfolder: str | None = None) -> Path:
    """The local folder of a checkpoint to extract with: a folder or a Hub id, or with None the packaged model.

    Raises:
        CheckpointError: as :func:`resolve` and :func:`default_model` raise it.
        SourceError: as :func:`resolve` raises it.
    """
    return default_model() if name is None else resolve(name, revision, subfolder=subfolder, onnx=True)

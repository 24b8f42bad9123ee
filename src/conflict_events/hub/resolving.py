"""A folder or a Hub id -> the folder of a model."""

from __future__ import annotations

import re
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]

from conflict_events.errors import CheckpointError
from conflict_events.hub.failures import explained

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
ONNX = "onnx"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")
# Configs, tokenizers and safetensors; never pickles, never code.
_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "training_config.yaml", "LICENSE", "NOTICE")
_WANTED_ONNX = (f"{ONNX}/*.onnx", f"{ONNX}/*.onnx_data")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")
_SUBFOLDER = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*\Z")


def resolve(
    name: str, revision: str | None = None, *, subfolder: str | None = None, code: bool = False, onnx: bool = False
) -> Path:
    """The local folder of a model.

    Args:
        name: a folder, or a Hub id. That is downloaded into the Hub cache, unless it is there already, with the token
            that ``HF_TOKEN`` or ``hf auth login`` has set; with ``HF_HUB_OFFLINE=1`` the cache alone is asked.
        revision: branch, tag or commit, for a Hub id.
        subfolder: where in the folder or repository the model is.
        code: also fetch the repository's Python files (for ``trust_remote_code``).
        onnx: also fetch ``onnx/``, and take a model that has nothing else.

    Raises:
        CheckpointError: if there is no such folder, repository or revision, or its weights are pickles only.
        SourceError: if the Hub cannot be reached and the cache does not have the model, or it refuses the token.
    """
    if subfolder is not None and not _SUBFOLDER.match(subfolder):
        raise CheckpointError(f"subfolder={subfolder!r} is no path below it", where=name, remedy="write it like a/b")
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not _HUB_ID.match(name) or ".." in name:
            raise CheckpointError("there is no such folder", where=name, remedy="give a folder or a Hub id")
        wanted = [*_WANTED, *(["*.py"] if code else []), *(_WANTED_ONNX if onnx else [])]
        folder = _download(name, revision, [f"{subfolder}/{pattern}" if subfolder else pattern for pattern in wanted])
    folder = folder / subfolder if subfolder else folder
    if not folder.is_dir():
        raise CheckpointError(f"there is no {subfolder} in it", where=name, remedy="check the subfolder")
    if not any((folder / weights).is_file() for weights in WEIGHTS) and not (onnx and has_onnx(folder)):
        raise _without_weights(folder, name)
    return folder


def has_onnx(folder: Path) -> bool:
    """Whether there are ONNX files below a model's folder, where this package puts them."""
    return any((folder / ONNX).glob("*.onnx"))


def _without_weights(folder: Path, name: str) -> CheckpointError:
    """What is to be said of a folder that has no weights to load."""
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if pickles:
        return CheckpointError(
            f"the weights are pickles only ({', '.join(pickles)}), which can run code when loaded",
            where=name,
            remedy="convert them where you trust them: model.save_pretrained(folder) writes safetensors",
        )
    inner = sorted(path.parent for weights in WEIGHTS for path in folder.glob(f"*/{weights}"))
    if not inner:
        advice = "a repository with pickled weights only is not loaded"
    elif Path(name).expanduser().is_dir():
        advice = f"did you mean {inner[0]}?"
    else:
        advice = f"did you mean subfolder={inner[0].name}?"
    return CheckpointError("there is no model.safetensors", where=name, remedy=advice)


def _download(name: str, revision: str | None, wanted: list[str]) -> Path:
    try:
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=wanted))
    except HFValidationError as error:
        raise CheckpointError(f"this is no Hub id ({error})", where=name, remedy="write owner/name") from None
    except (HTTPError, OSError) as error:
        raise explained(error, name, revision) from None

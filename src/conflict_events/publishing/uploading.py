"""Files to a repository on the Hub: one commit, by ``huggingface_hub`` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]

from conflict_events.errors import ConfigError
from conflict_events.hub.failures import explained

# What an earlier checkpoint or dataset may have left: beside a new one it would be taken for its own.
_OURS = {
    "model": ("*.safetensors", "*.safetensors.index.json", "linker.json", "onnx/*.onnx", "onnx/*.onnx_data",
              "metrics.json", "training_config.yaml"),
    "dataset": ("*.parquet",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Published:
    """Where something was published.

    Attributes:
        url: of the repository.
        commit: that holds it, 40 hexadecimal digits.
    """

    url: str
    commit: str


def upload(
    files: Mapping[str, bytes | Path],
    repo_id: str,
    kind: str,
    *,
    private: bool = False,
    branch: str | None = None,
    message: str | None = None,
) -> Published:
    """Make the repository unless it is there, and commit the files; those of an earlier push that are gone are removed.

    Args:
        files: by path in the repository.
        repo_id: ``owner/name``.
        kind: ``model`` or ``dataset``.
        private: of a new repository: readers need its owner's leave. One that is there stays as it is.
        branch: made unless it is there; None for the main one.
        message: of the commit.

    Raises:
        ConfigError: if ``repo_id`` is no id, or the Hub finds the card's metadata malformed.
        CheckpointError: if the repository may not be seen.
        SourceError: if the Hub cannot be reached, or refuses the token or the files.
    """
    api = HfApi()
    try:
        url = api.create_repo(repo_id, repo_type=kind, private=private, exist_ok=True)
        if branch is not None:
            api.create_branch(repo_id, repo_type=kind, branch=branch, exist_ok=True)
        there = api.list_repo_files(repo_id, repo_type=kind, revision=branch)
        stale = [name for name in there if name not in files and _is_ours(name, kind)]
        done = api.create_commit(
            repo_id,
            [
                *(CommitOperationDelete(name, is_folder=False) for name in stale),
                *(CommitOperationAdd(name, content) for name, content in files.items()),
            ],
            commit_message=message or f"Upload {kind}",
            repo_type=kind,
            revision=branch,
        )
    except HFValidationError as error:
        raise ConfigError(f"repo_id={repo_id!r} is no Hub id ({error})", remedy="write owner/name") from None
    except (HTTPError, OSError, RuntimeError) as error:
        cause = error.__cause__ if isinstance(error, RuntimeError) else error  # uploads run in threads
        if not isinstance(cause, HTTPError | OSError):
            raise
        raise explained(cause, repo_id, branch) from None
    except ValueError as error:  # of the card's metadata
        raise ConfigError(f"the Hub does not take it ({error})", where=repo_id, remedy="correct README.md") from None
    return Published(str(url), str(done.oid))


def _is_ours(name: str, kind: str) -> bool:
    """Whether a file is one that publishing writes: in its folder, not below it."""
    return any(fnmatch(name, pattern) and name.count("/") == pattern.count("/") for pattern in _OURS[kind])

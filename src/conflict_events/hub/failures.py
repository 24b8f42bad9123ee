"""What the Hub's client raises, told as errors of this package: what is wrong, and what to do."""

from __future__ import annotations

from huggingface_hub.errors import (  # type: ignore[attr-defined]
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from conflict_events.errors import CheckpointError, ConflictEventsError, SourceError

_LOG_IN = "set HF_TOKEN or run 'hf auth login'"


def explained(error: HTTPError | OSError, name: str, revision: str | None) -> ConflictEventsError:
    """An error of ``huggingface_hub`` as one of ours.

    Args:
        error: what it raised.
        name: the repository's id.
        revision: that was asked for.
    """
    if isinstance(error, RevisionNotFoundError):
        return CheckpointError(
            f"revision {revision!r} does not exist",
            where=name,
            remedy="name a branch, tag or commit of the repository, or leave it out for the newest",
        )
    if isinstance(error, GatedRepoError):
        return CheckpointError(
            "its owner gives access on request only",
            where=name,
            remedy=f"ask for it on the repository's page, then {_LOG_IN}",
        )
    if isinstance(error, RepositoryNotFoundError):
        return CheckpointError(
            "there is neither such a folder nor such a repository on the Hub",
            where=name,
            remedy=f"check the name; for a private repository {_LOG_IN}, as someone who may read it",
        )
    if isinstance(error, LocalEntryNotFoundError | OfflineModeIsEnabled | ConnectionError | TimeoutError):
        return SourceError(
            f"the Hub cannot be reached and the cache has no copy ({type(error.__cause__ or error).__name__})",
            where=name,
            remedy="check the network and HF_HUB_OFFLINE, or give a local folder",
        )
    if isinstance(error, HfHubHTTPError):
        return _refused(error, name)
    if isinstance(error, HTTPError):
        return SourceError(
            f"the transfer from the Hub broke off ({type(error).__name__}: {error})",
            where=name,
            remedy="check the network and run it again: files that arrived whole are kept",
        )
    return SourceError(f"the files cannot be stored ({error})", where=name, remedy="check HF_HOME and the disk")


def _refused(error: HfHubHTTPError, name: str) -> ConflictEventsError:
    """An answer of the Hub that is an error."""
    status = getattr(error.response, "status_code", None)
    reason = error.server_message or type(error).__name__
    if status == 401:
        return SourceError(f"the Hub refuses the token ({reason})", where=name, remedy=f"{_LOG_IN} anew")
    if status == 403:
        return SourceError(
            f"the token may not do this ({reason})", where=name, remedy=f"{_LOG_IN} with the rights for it"
        )
    if status is not None and 400 <= status < 500:
        return SourceError(f"the Hub refuses ({status}: {reason})", where=name, remedy="correct it and try again")
    return SourceError(
        f"the Hub cannot be reached in good order (status {status}: {reason})",
        where=name,
        remedy="check the network, and try again later",
    )

"""``linker.json``: what a linker was made for and how large it is. Any engine reads it; none of it needs torch."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from conflict_events.checkpoint import read_json
from conflict_events.config import LinkerConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.linking.decoding import ROLES, TYPES

LINKER_CONFIG = "linker.json"
_FORMAT = 1


def write_linker_config(folder: Path, config: LinkerConfig, hidden_size: int) -> None:
    """Write ``linker.json``.

    Args:
        folder: the checkpoint's.
        config: the linker's size.
        hidden_size: of the tagger's encoder.
    """
    record = {"format": _FORMAT, **_made_for(hidden_size), "size": dataclasses.asdict(config)}
    (folder / LINKER_CONFIG).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def read_linker_config(folder: Path, hidden_size: int) -> LinkerConfig | None:
    """The size of a checkpoint's linker; None if it has none.

    Args:
        folder: the checkpoint's.
        hidden_size: of the tagger's encoder.

    Raises:
        CheckpointError: if the file is malformed, of another version, or made for another encoder or other roles or
            types.
    """
    path = folder / LINKER_CONFIG
    if not path.is_file():
        return None
    record = read_json(path)
    if record.get("format") != _FORMAT:
        raise CheckpointError("written by another version", where=str(path), remedy="update conflict-events")
    for name, value in _made_for(hidden_size).items():
        if record.get(name) != value:
            raise CheckpointError(
                f"the linker was made for {name} {record.get(name)!r}, this checkpoint needs {value!r}",
                where=str(path),
                remedy=f"it belongs to another checkpoint: remove {LINKER_CONFIG} or train again",
            )
    try:
        return LinkerConfig(**record["size"])
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"the linker's size is malformed ({error!r})", where=str(path), remedy="copy the file again or train again"
        ) from None


def _made_for(hidden_size: int) -> dict[str, object]:
    return {
        "hidden_size": hidden_size,
        "roles": [role.value for role in ROLES],
        "types": [kind.value for kind in TYPES],
    }

"""Nothing of the machine that trained goes into what is published."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from conflict_events.errors import ConfigError

_OF_THE_RUN = ("output_dir", "hydra")
_TEXT = (".json", ".yaml", ".md")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "added_tokens.json")  # these have every word
_HOMES = r"/(?:home|Users|root)/[^\s\"'<>|]+|[A-Za-z]:\\+Users\\+[^\s\"'<>|]+"
_SHORTEST_NAME = 4  # shorter user names are words


def without_paths(value: Any) -> Any:
    """Settings without output folders, and of every absolute path only the last part."""
    if isinstance(value, dict):
        return {key: without_paths(inner) for key, inner in value.items() if key not in _OF_THE_RUN}
    if isinstance(value, list):
        return [without_paths(inner) for inner in value]
    if isinstance(value, str):
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(value).is_absolute() or value.startswith("~"):
                return kind(value).name
    return value


def require_impersonal(files: Mapping[str, bytes | Path]) -> None:
    """Check that no text that is published names this machine's folders or its user.

    Raises:
        ConfigError: naming file and line.
    """
    named = re.compile("|".join([_HOMES, *_local_folders()]))
    for name, content in files.items():
        if not name.endswith(_TEXT) or name in _VOCABULARIES:
            continue
        text = content.decode("utf-8") if isinstance(content, bytes) else content.read_text("utf-8", "replace")
        for number, line in enumerate(text.splitlines(), start=1):
            if found := named.search(line):
                raise ConfigError(
                    f"{found.group()!r} names a folder of this machine or its user",
                    where=f"{name}:{number}",
                    remedy="take it out of the checkpoint, its config.yaml or its metrics, and publish again",
                )


def _local_folders() -> Iterator[str]:
    """Patterns for the working and the home folder, and for paths with the user's name."""
    for folder in (Path.cwd(), Path.home()):
        if len(folder.parts) > 1:
            yield rf"{re.escape(str(folder))}(?![\w-])"
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without users
        return
    if len(user) >= _SHORTEST_NAME and user != "root":
        yield rf"(?<!huggingface\.co)(?<!huggingface\.co/datasets)[/\\]{re.escape(user)}[/\\]"

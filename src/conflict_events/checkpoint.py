"""What a checkpoint folder says about itself: labels, window, decoding, event types.

Beside the files that transformers writes (``config.json``, ``model.safetensors``, ``tokenizer.json``) a checkpoint
has ``conflict_events.json``. Token classifiers made elsewhere lack it and get the defaults.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conflict_events.config import Algorithm, DecodingConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.labels import LabelScheme

SETTINGS_FILE = "conflict_events.json"
_FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """How a checkpoint is to be used.

    Attributes:
        window: how documents are cut.
        decoding: how scores become spans.
        language: of the text it was trained on, for sentence boundaries.
        name: what records call the model, where it has no Hub id.
        event_types: the record of a :class:`conflict_events.linking.rule.TypeModel`, if it was trained with events.
        confidence: the record of a :class:`conflict_events.confidence.Confidence`, if one was fitted.
    """

    window: WindowConfig = field(default_factory=WindowConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    language: str = "en"
    name: str | None = None
    event_types: dict[str, Any] | None = None
    confidence: dict[str, Any] | None = None

    def save(self, folder: Path) -> None:
        """Write ``conflict_events.json``."""
        record = {"format": _FORMAT} | dataclasses.asdict(self)
        record["decoding"]["algorithm"] = self.decoding.algorithm.value
        (folder / SETTINGS_FILE).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Settings:
        """Read ``conflict_events.json``, or the defaults where there is none.

        Raises:
            CheckpointError: if it is of another format version or has unknown or ill-typed settings.
        """
        path = folder / SETTINGS_FILE
        if not path.is_file():
            longest = read_json(folder / "config.json").get("max_position_embeddings")
            window = WindowConfig()
            if isinstance(longest, int) and 0 < longest < window.max_tokens:
                window = WindowConfig(longest, longest // 5)
            return cls(window=window)
        record = read_json(path)
        if record.pop("format", None) != _FORMAT:
            raise CheckpointError(
                "written by another version", where=str(path), remedy="update conflict-events or train again"
            )
        try:
            decoding = record.pop("decoding")
            settings = cls(
                window=WindowConfig(**record.pop("window")),
                decoding=DecodingConfig(**decoding | {"algorithm": Algorithm(decoding["algorithm"])}),
                **record,
            )
            for value, kind in (
                (settings.window.max_tokens, int),
                (settings.window.overlap, int),
                (settings.decoding.whole_words, bool),
                (settings.decoding.min_score, (int, float, type(None))),
                (settings.language, str),
                (settings.name, (str, type(None))),
                (settings.event_types, (dict, type(None))),
                (settings.confidence, (dict, type(None))),
            ):
                if not isinstance(value, kind):
                    raise TypeError(f"{value!r} is of another kind than it should be")
            return settings
        except (TypeError, KeyError, ValueError, ConfigError) as error:
            raise CheckpointError(f"the settings are malformed ({error})", where=str(path)) from None


def label_scheme(folder: Path) -> tuple[LabelScheme, list[int]]:
    """The BIO scheme of a checkpoint's ``config.json``, and the score column of each label.

    Raises:
        CheckpointError: if there is no ``config.json``, or it has no BIO labels.
    """
    path = folder / "config.json"
    names = read_json(path).get("id2label")
    if not isinstance(names, dict) or not names or not all(number.isdecimal() for number in names):
        raise CheckpointError(
            "config.json has no id2label", where=str(folder), remedy="give a checkpoint of a token classifier"
        )
    try:
        return LabelScheme.from_id2label({int(number): str(name) for number, name in names.items()})
    except CheckpointError as error:
        raise error.at(str(folder)) from None


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CheckpointError: if the file is missing or holds something else.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except OSError:
        raise CheckpointError(f"there is no {path.name}", where=str(path.parent)) from None
    except ValueError as error:
        raise CheckpointError(f"not JSON ({error})", where=str(path)) from None
    if not isinstance(record, dict):
        raise CheckpointError("not a JSON object", where=str(path))
    return record

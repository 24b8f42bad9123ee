"""What a checkpoint folder says about itself: labels, window, decoding, event types.

Beside the files that transformers writes (``config.json``, ``model.safetensors``, ``tokenizer.json``) a checkpoint
has ``conflict_events.json``. Token classifiers made elsewhere lack it and get the defaults.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conflict_events.config import Algorithm, DecodingConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.labels import LabelScheme

CONFIG_FILE = "config.json"
SETTINGS_FILE = "conflict_events.json"
_ADAPTER_FILE = "adapter_config.json"
_FORMAT = 1
_MOST_BYTES = 16 << 20  # of a config or settings: those of the largest models are a tenth of it


@dataclass(frozen=True)
class Settings:
    """How a checkpoint is to be used.

    Attributes:
        window: how documents are cut.
        decoding: how scores become spans.
        language: of the text it was trained on, for sentence boundaries.
        name: what records call the model, where it has no Hub id.
        event_types: the record of a :class:`conflict_events.linking.rule.TypeModel`, if it was trained with
            events and has no linker.
        confidence: the record of a :class:`conflict_events.confidence.Confidence`, if one was fitted.
        screen: the record of a :class:`conflict_events.screening.Screen`, if one was fitted.
    """

    window: WindowConfig = field(default_factory=WindowConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    language: str = "en"
    name: str | None = None
    event_types: dict[str, Any] | None = None
    confidence: dict[str, Any] | None = None
    screen: dict[str, Any] | None = None

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
            longest = read_json(folder / CONFIG_FILE).get("max_position_embeddings")
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
                (settings.screen, (dict, type(None))),
            ):
                if not isinstance(value, kind):
                    raise TypeError(f"{value!r} is of another kind than it should be")
            return settings
        except (TypeError, KeyError, ValueError, ConfigError) as error:
            raise CheckpointError(f"the settings are malformed ({error})", where=str(path)) from None


def label_scheme(
    folder: Path, label_map: Mapping[str, str | None] | None = None
) -> tuple[LabelScheme, list[tuple[int, ...]]]:
    """The BIO scheme of a checkpoint's ``config.json``, and the score columns that make up each label.

    Args:
        folder: the checkpoint's.
        label_map: entity types of the checkpoint to roles, None to drop one. Others keep their name.

    Raises:
        CheckpointError: if there is no ``config.json``, or it has no BIO labels.
        ConfigError: if the map names a type that the checkpoint has not, or leaves no role.
    """
    names = read_json(folder / CONFIG_FILE).get("id2label")
    if not isinstance(names, dict) or not names or not all(number.isdecimal() for number in names):
        raise CheckpointError(
            "config.json has no id2label", where=str(folder), remedy="give a checkpoint of a token classifier"
        )
    try:
        return LabelScheme.from_id2label({int(number): str(name) for number, name in names.items()}, label_map or {})
    except (CheckpointError, ConfigError) as error:
        raise error.at(str(folder)) from None


def require_fitting_tokenizer(folder: Path, highest_id: int, window: WindowConfig) -> None:
    """Check that tokens and windows stay within the encoder's embeddings.

    Raises:
        CheckpointError: if the tokenizer has ids, or the settings windows, that the encoder has no embedding for.
    """
    config = read_json(folder / CONFIG_FILE)
    vocabulary, longest = config.get("vocab_size"), config.get("max_position_embeddings")
    if isinstance(vocabulary, int) and highest_id >= vocabulary:
        raise CheckpointError(
            f"the tokenizer has ids up to {highest_id}, the encoder an embedding of {vocabulary} tokens",
            where=str(folder),
            remedy="tokenizer.json belongs to another model: fetch or copy it again",
        )
    if isinstance(longest, int) and 0 < longest < window.max_tokens:
        raise CheckpointError(
            f"windows of {window.max_tokens} tokens are more than the encoder's {longest} positions",
            where=str(folder / SETTINGS_FILE),
            remedy=f"{SETTINGS_FILE} belongs to another model: fetch or copy it again",
        )


def require_self_contained(folder: Path) -> None:
    """Check that loading a model asks for nothing outside its folder.

    Raises:
        CheckpointError: for an adapter without its model, and for attention that would run code from the Hub.
    """
    if (folder / _ADAPTER_FILE).is_file():
        raise CheckpointError(
            "this is an adapter for another model",
            where=str(folder),
            remedy=f"merge it into its model (merge_and_unload), save that, and leave out {_ADAPTER_FILE}",
        )
    config = read_json(folder / CONFIG_FILE)
    for key in ("attn_implementation", "_attn_implementation", "experts_implementation", "_experts_implementation"):
        if "/" in json.dumps(config.get(key)):
            raise CheckpointError(
                f"{key}={config[key]!r} would run code from the Hub",
                where=str(folder / CONFIG_FILE),
                remedy=f"take {key} out of a copy of the checkpoint",
            )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        CheckpointError: if the file is missing, larger than any config is, or holds something else.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CheckpointError(
                f"{path.name} has {path.stat().st_size:,} bytes, more than any config",
                where=str(path),
                remedy="do not use this checkpoint",
            )
        record = json.loads(path.read_text("utf-8"))
    except OSError:
        raise CheckpointError(
            f"there is no {path.name}", where=str(path.parent), remedy="fetch or copy it again"
        ) from None
    except RecursionError:
        raise CheckpointError("nested too deep", where=str(path), remedy="do not use this checkpoint") from None
    except ValueError as error:
        raise CheckpointError(f"not JSON ({error})", where=str(path), remedy="fetch or copy it again") from None
    if not isinstance(record, dict):
        raise CheckpointError("not a JSON object", where=str(path), remedy="fetch or copy it again")
    return record

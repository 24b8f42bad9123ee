"""Headers of safetensors files: which tensors there are and how large, told without reading one.

A config that does not fit the weights beside it is refused here, before anything of its sizes is built: ``config.json``
may come from anywhere, and a hidden size of a hundred million would be allocated first and missed later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from conflict_events.checkpoint import CONFIG_FILE, read_json
from conflict_events.errors import CheckpointError

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
Shapes = Mapping[str, tuple[int, ...]]

_WIDTHS = ("hidden_size", "dim", "d_model", "n_embd", "embedding_size", "intermediate_size", "hidden_dim", "vocab_size")
_HEAD = "classifier.weight"
_LAYERS = re.compile(r"(num_hidden_|n_|num_|encoder_|decoder_)layers?\Z|n_layer\Z")
_SIZE = re.compile(r"size|dim|length|position|embed|layer|head|hidden|inner|window|width|expert|vocab|label")
# More than any encoder has positions, and little enough to build.
_LARGEST = 1 << 20
_REMEDY = "the files are damaged or do not belong together: fetch or copy them again"


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of a safetensors file, by name.

    Raises:
        CheckpointError: if the file is missing, cut short or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no {path.name}", where=str(path.parent), remedy="fetch or copy it again"
        ) from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"the weights cannot be read ({error})",
            where=str(path),
            remedy="the file is damaged or was cut short: fetch or copy it again",
        ) from None


def model_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a model's weights, be they one file or several with an index.

    Raises:
        CheckpointError: if files are missing or damaged, or the index names files outside the folder.
    """
    if (folder / WEIGHTS).is_file() or not (folder / INDEX).is_file():
        return shapes_of(folder / WEIGHTS)
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError("the index has no weight_map", where=str(folder / INDEX), remedy=_REMEDY)
    shapes: dict[str, tuple[int, ...]] = {}
    for name in sorted(set(places.values())):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise CheckpointError(
                f"the index names {name!r}, which is no safetensors file of this folder",
                where=str(folder / INDEX),
                remedy="do not use this checkpoint",
            )
        shapes |= shapes_of(folder / name)
    return shapes


def require_fitting_config(folder: Path, *, labels: bool) -> None:
    """Check the sizes in ``config.json`` against the weights.

    Args:
        folder: of a model with safetensors.
        labels: whether the weights have a classifier for the config's labels.

    Raises:
        CheckpointError: naming the setting and what the weights have.
    """
    config, shapes = read_json(folder / CONFIG_FILE), model_shapes(folder)
    if problem := _misfit(config, shapes, labels):
        raise CheckpointError(f"the config does not fit the weights: {problem}", where=str(folder), remedy=_REMEDY)


def _misfit(config: Mapping[str, Any], shapes: Shapes, labels: bool) -> str | None:
    """What in a config the weights cannot have, in words; None if all is well."""
    sizes = {size for shape in shapes.values() for size in shape}
    limit = max(_LARGEST, *sizes) if sizes else _LARGEST
    for key, value in _numbers(config):
        if _LAYERS.match(key) and value > len(shapes):
            return f"{key}={value}, with {len(shapes)} tensors in all"
        if _SIZE.search(key) and abs(value) > limit:
            return f"{key}={value}, where the largest dimension is {max(sizes, default=0)}"
    widths = {key: config[key] for key in _WIDTHS if isinstance(config.get(key), int)}
    for key, value in widths.items():
        if value not in sizes:
            return f"{key}={value}, a dimension that no tensor has"
    vocabulary = widths.pop("vocab_size", None)
    tables = {shape[1] for shape in shapes.values() if len(shape) == 2 and shape[0] == vocabulary}
    if vocabulary is not None and widths and not tables & set(widths.values()):
        return f"no embedding of {vocabulary} tokens is {' or '.join(f'{k}={v}' for k, v in widths.items())} wide"
    names, head = config.get("id2label"), shapes.get(_HEAD)
    if labels and head and isinstance(names, dict) and len(names) != head[0]:
        return f"id2label names {len(names)} labels, the classifier has {head[0]}"
    return None


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    """Every number in a config with the nearest key above it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _numbers(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield key, value

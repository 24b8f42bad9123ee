"""The linker's network and its files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SMALL_LINKER, damaged_weights, tiny_linker
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from conflict_events.config import LinkerConfig
from conflict_events.errors import CheckpointError
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.network import LINKER_WEIGHTS, load_linker, save_linker
from conflict_events.linking.settings import LINKER_CONFIG

HIDDEN = 32
ROLE_NAMES = [role.value for role in ROLES]
TYPE_NAMES = [kind.value for kind in TYPES]
OF_TOKENS = ("states", "mask", "sentence", "between")


def inputs(lengths: list[int], seed: int = 0, longest: int | None = None, spans: int = 3) -> dict[str, Tensor]:
    """Random surroundings of triggers, padded with what must not matter, and ``spans`` spans of each."""
    random = torch.Generator().manual_seed(seed)
    shape = (len(lengths), longest or max(lengths))
    places = torch.tensor(lengths)
    first = (torch.rand(len(lengths), generator=random) * places).long()
    span_first = (torch.rand(len(lengths), spans, generator=random) * places[:, None]).long()
    return {
        "states": torch.randn(*shape, HIDDEN, generator=random),
        "first": first,
        "last": torch.minimum(first + 1, places - 1),
        "sentence": torch.randint(0, 5, shape, generator=random),
        "between": torch.randint(0, 4, shape, generator=random),
        "mask": torch.arange(shape[1])[None] < places[:, None],
        "span_first": span_first,
        "span_last": torch.minimum(span_first + 2, places[:, None] - 1),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a linker's files."""
    save_linker(tiny_linker(), tmp_path, SMALL_LINKER)
    return tmp_path


# The network


@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("spans", [0, 1, 5])
@pytest.mark.parametrize("lengths", [[1], [3, 9, 1], [70]])
def test_each_link_gets_a_row_of_roles_a_span_and_a_row_of_types(layers: int, spans: int, lengths: list[int]) -> None:
    linker = tiny_linker(config=dataclasses.replace(SMALL_LINKER, layers=layers)).eval()
    with torch.no_grad():
        roles, types = linker(**inputs(lengths, spans=spans))
    assert roles.shape == (len(lengths), spans, len(ROLES) + 1)
    assert types.shape == (len(lengths), len(TYPES))
    assert torch.isfinite(roles).all()
    assert torch.isfinite(types).all()


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5), seed=st.integers(0, 1000), padding=st.integers(0, 9)
)
@settings(max_examples=25, deadline=None, database=None)
def test_padding_and_company_change_nothing(lengths: list[int], seed: int, padding: int) -> None:
    linker = tiny_linker().eval()
    together = inputs(lengths, seed, longest=max(lengths) + padding)
    together["states"][~together["mask"]] = 1e3
    with torch.no_grad():
        roles, types = linker(**together)
        for row, length in enumerate(lengths):
            alone = {
                name: value[row : row + 1, :length] if name in OF_TOKENS else value[row : row + 1]
                for name, value in together.items()
            }
            own_roles, own_types = linker(**alone)
            torch.testing.assert_close(roles[row], own_roles[0], atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(types[row], own_types[0], atol=1e-5, rtol=1e-4)


def test_what_spans_a_link_has_changes_nothing_for_another_span_and_nothing_for_the_type() -> None:
    linker = tiny_linker().eval()
    several = inputs([20], seed=5, spans=4)
    with torch.no_grad():
        roles, types = linker(**several)
        for number in range(4):
            places = {name: several[name][:, number : number + 1] for name in ("span_first", "span_last")}
            own_roles, own_types = linker(**several | places)
            torch.testing.assert_close(roles[:, number : number + 1], own_roles, atol=1e-6, rtol=1e-4)
            torch.testing.assert_close(types, own_types, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("changed", ["states", "trigger", "sentence", "between", "span"])
def test_the_scores_depend_on_all_that_the_linker_is_given(changed: str) -> None:
    linker = tiny_linker().eval()
    with torch.no_grad():
        for table in (linker.distance, linker.sentence, linker.between):
            torch.nn.init.normal_(table.weight)
    one = inputs([12], seed=3) | {"first": torch.tensor([4]), "last": torch.tensor([4])}
    other = dict(one)
    if changed == "trigger":
        other |= {"first": torch.tensor([9]), "last": torch.tensor([9])}
    elif changed == "span":
        other |= {"span_first": one["span_first"].flip(1), "span_last": one["span_last"].flip(1)}
    else:
        other[changed] = one[changed].flip(1)
    with torch.no_grad():
        (roles, types), (other_roles, other_types) = linker(**one), linker(**other)
    assert not torch.allclose(roles, other_roles, atol=1e-4)
    assert torch.allclose(types, other_types, atol=1e-5) is (changed == "span")


def test_a_trigger_and_a_span_count_as_the_mean_over_their_tokens() -> None:
    linker = tiny_linker().eval()
    for module in linker.modules():
        if isinstance(module, torch.nn.Embedding):
            torch.nn.init.zeros_(module.weight)  # tokens differ in nothing, wherever they stand
    one, several = inputs([9], spans=1), inputs([9], spans=1)
    one |= {"first": torch.tensor([3]), "last": torch.tensor([3]), "span_last": one["span_first"]}
    several |= {
        "first": torch.tensor([2]), "last": torch.tensor([5]),
        "span_first": torch.tensor([[1]]), "span_last": torch.tensor([[7]]),
    }  # fmt: skip
    one["states"] = several["states"] = one["states"][:, :1].repeat(1, 9, 1)
    with torch.no_grad():
        for expected, found in zip(linker(**one), linker(**several), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_tokens_further_away_than_the_reach_count_as_that_far() -> None:
    linker = tiny_linker(config=dataclasses.replace(SMALL_LINKER, reach=2)).eval()
    with torch.no_grad():
        roles, types = linker(**inputs([40]))
    assert torch.isfinite(roles).all()
    assert torch.isfinite(types).all()


# Its files


def test_a_linker_comes_back_as_it_was_saved(folder: Path) -> None:
    saved, loaded = tiny_linker().eval(), load_linker(folder, HIDDEN)
    assert loaded is not None
    assert loaded.reach == SMALL_LINKER.reach
    assert not loaded.training
    given_ = inputs([9, 4])
    with torch.no_grad():
        for before, after in zip(saved(**given_), loaded(**given_), strict=True):
            torch.testing.assert_close(after, before, atol=0, rtol=0)


def test_dropout_of_the_config_is_that_of_the_loaded_linker(tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL_LINKER, dropout=0.4)
    save_linker(tiny_linker(config=config), tmp_path, config)
    loaded = load_linker(tmp_path, HIDDEN)
    assert loaded is not None
    assert {module.p for module in loaded.modules() if isinstance(module, torch.nn.Dropout)} == {0.4}


def test_a_folder_without_linker_has_none(tmp_path: Path) -> None:
    assert load_linker(tmp_path, HIDDEN) is None


def test_its_settings_are_json_that_says_what_it_was_made_for(folder: Path) -> None:
    record = json.loads((folder / LINKER_CONFIG).read_text("utf-8"))
    assert record["hidden_size"] == HIDDEN
    assert record["roles"] == ROLE_NAMES
    assert record["types"] == TYPE_NAMES
    assert LinkerConfig(**record["size"]) == SMALL_LINKER


def changed(folder: Path, **values: Any) -> Path:
    """Write other values into ``linker.json``."""
    path = folder / LINKER_CONFIG
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")
    return path


def refused(folder: Path, match: str, hidden_size: int = HIDDEN) -> CheckpointError:
    """The error of loading; it names a file and says what to do."""
    with pytest.raises(CheckpointError, match=match) as caught:
        load_linker(folder, hidden_size)
    assert "linker" in str(caught.value)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(folder))
    assert caught.value.remedy
    return caught.value


def test_another_hidden_size_is_refused_with_both(folder: Path) -> None:
    error = refused(folder, r"hidden_size 32.*needs 384", hidden_size=384)
    assert error.where == str(folder / LINKER_CONFIG)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("roles", ["perp_ind", "perp_org", "target", "victim", "weapon"]),
        ("roles", ROLE_NAMES[::-1]),
        ("roles", None),
        ("types", TYPE_NAMES[:-1]),
        ("types", ["kill", "injure"]),
        ("hidden_size", "32"),
    ],
    ids=str,
)
def test_other_roles_and_types_are_refused(folder: Path, key: str, value: object) -> None:
    path = changed(folder, **{key: value})
    assert refused(folder, f"made for {key}").where == str(path)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_of_the_format_is_refused(folder: Path, version: object) -> None:
    path = changed(folder, format=version)
    assert refused(folder, "another version").where == str(path)


SIZE = dataclasses.asdict(SMALL_LINKER)


@pytest.mark.parametrize(
    "size",
    [
        None,
        [],
        {},
        SIZE | {"depth": 3},
        {key: value for key, value in SIZE.items() if key != "width"},
        SIZE | {"width": "wide"},
        SIZE | {"width": 16.0},
        SIZE | {"width": 0},
        SIZE | {"width": -16},
        SIZE | {"width": 15},
        SIZE | {"width": 32},
        SIZE | {"width": 2 * 10**15},
        SIZE | {"reach": 0},
        SIZE | {"reach": 13},
        SIZE | {"reach": 10**15},
        SIZE | {"reach": "far"},
        SIZE | {"layers": -1},
        SIZE | {"layers": 0},
        SIZE | {"layers": 2},
        SIZE | {"layers": 1.5},
        SIZE | {"heads": 0},
        SIZE | {"heads": 3},
        SIZE | {"dropout": 2.0},
        SIZE | {"dropout": "much"},
    ],
    ids=str,
)
def test_sizes_that_are_not_those_of_the_weights_are_refused(folder: Path, size: object) -> None:
    changed(folder, size=size)
    refused(folder, "linker")


def test_a_size_that_is_missing_is_refused(folder: Path) -> None:
    path = folder / LINKER_CONFIG
    record = json.loads(path.read_text("utf-8"))
    del record["size"]
    path.write_text(json.dumps(record), "utf-8")
    refused(folder, "size")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00"])
def test_settings_that_are_no_json_object_are_refused(folder: Path, content: str) -> None:
    path = folder / LINKER_CONFIG
    path.write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match="not") as caught:
        load_linker(folder, HIDDEN)
    assert caught.value.where == str(path)


@damaged_weights
def test_damaged_weights_are_refused(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    weights = folder / LINKER_WEIGHTS
    weights.write_bytes(damage(weights.read_bytes()))
    refused(folder, "cannot be loaded")


def test_missing_weights_are_refused(folder: Path) -> None:
    (folder / LINKER_WEIGHTS).unlink()
    refused(folder, LINKER_WEIGHTS)


def renamed(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"linker.{name}": tensor for name, tensor in tensors.items()}


def without_one(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name != "norm.bias"}


def with_another(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return tensors | {"classifier.weight": torch.zeros(2)}


def of_another_shape(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return tensors | {"norm.bias": torch.zeros(3)}


@pytest.mark.parametrize("change", [renamed, without_one, with_another, of_another_shape])
def test_weights_of_something_else_are_refused(
    folder: Path, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]
) -> None:
    weights = folder / LINKER_WEIGHTS
    save_file(change(load_file(weights)), weights)
    refused(folder, "cannot be loaded")


def test_weights_are_float32_arrays_of_numbers(folder: Path) -> None:
    tensors = load_file(folder / LINKER_WEIGHTS)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert all(np.isfinite(tensor.numpy()).all() for tensor in tensors.values())

"""Configs that do not fit their weights are refused before anything of their sizes is built."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROLES, damaged_weights, tiny_bert
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForTokenClassification

from conflict_events.errors import CheckpointError
from conflict_events.labels import LabelScheme
from conflict_events.model import load_classifier
from conflict_events.weights import model_shapes, require_fitting_config, shapes_of

FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {}, "roberta": {}, "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2},
    "albert": {"embedding_size": 16}, "electra": {"embedding_size": 16}, "deberta-v2": {"type_vocab_size": 0},
    "modernbert": {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
    "xlm-roberta": {}, "mpnet": {},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, scheme: LabelScheme) -> Path:
    """A small model."""
    tiny_bert(scheme, 119).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def change(folder: Path, **settings: Any) -> None:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | settings), "utf-8")


def test_shapes_are_those_of_the_tensors(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3, 4), "b": torch.zeros(5, dtype=torch.bfloat16)}, tmp_path / "x.safetensors")
    assert shapes_of(tmp_path / "x.safetensors") == {"a": (3, 4), "b": (5,)}


@damaged_weights
def test_damaged_weights_are_refused_with_the_remedy(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CheckpointError, match=r"cannot be read.*cut short: fetch or copy it again") as error:
        load_classifier(folder)
    assert error.value.where == str(path)


def test_a_header_that_claims_to_be_larger_than_the_file_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="cannot be read"):
        require_fitting_config(folder, labels=True)


def test_missing_weights_are_told(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"there is no model\.safetensors"):
        load_classifier(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_configs_of_many_families_fit_their_weights(family: str, tmp_path: Path) -> None:
    sizes = {
        "vocab_size": 119, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 64, "max_position_embeddings": 66,
    }  # fmt: skip
    config = AutoConfig.for_model(family, **sizes | FAMILIES[family], id2label=LabelScheme(ROLES).id2label)
    AutoModelForTokenClassification.from_config(config).save_pretrained(tmp_path)
    require_fitting_config(tmp_path, labels=True)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hidden_size": 10**8}, "hidden_size=100000000"),
        ({"hidden_size": 33}, "hidden_size=33, a dimension that no tensor has"),
        ({"hidden_size": 119}, "no embedding of 119 tokens is hidden_size=119"),
        ({"vocab_size": 10**9}, "vocab_size=1000000000"),
        ({"vocab_size": 500}, "vocab_size=500, a dimension that no tensor has"),
        ({"intermediate_size": 10**7}, "intermediate_size=10000000"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers=1000000000, with 39 tensors in all"),
        ({"max_position_embeddings": 10**12}, "max_position_embeddings=1000000000000"),
        ({"max_position_embeddings": 1e12}, r"max_position_embeddings=1000000000000\.0"),
        ({"type_vocab_size": -(10**9)}, "type_vocab_size=-1000000000"),
        ({"num_labels": 10**9}, "num_labels=1000000000"),
        ({"head_dim": [1, {"head_dim": 10**9}]}, "head_dim=1000000000"),
        ({"vision_config": {"image_size": 10**9}}, "image_size=1000000000"),
        ({"hidden_size": float("inf")}, "hidden_size=inf"),
        ({"id2label": {"0": "O", "1": "B-X", "2": "I-X"}}, "id2label names 3 labels, the classifier has 11"),
    ],
    ids=str,
)
def test_sizes_that_the_weights_do_not_have_are_refused_at_once(
    folder: Path, settings: dict[str, Any], words: str
) -> None:
    change(folder, **settings)
    began = time.perf_counter()
    with pytest.raises(CheckpointError, match=f"config does not fit the weights: {words}") as error:
        load_classifier(folder)
    assert time.perf_counter() - began < 1
    assert error.value.where == str(folder)


@pytest.mark.parametrize("new_head", [False, True])
def test_weights_of_other_shapes_than_the_config_has_are_named(folder: Path, new_head: bool) -> None:
    change(folder, max_position_embeddings=64)
    with pytest.raises(CheckpointError, match=r"position_embeddings.weight has shape \(128, 32\).*has \(64, 32\)"):
        load_classifier(folder, new_head=new_head)


def test_an_encoder_that_is_to_be_trained_needs_no_head_for_its_labels(folder: Path) -> None:
    change(folder, id2label={"0": "LABEL_0", "1": "LABEL_1"})
    require_fitting_config(folder, labels=False)


@pytest.mark.parametrize(
    "foreign",
    [
        {"auto_map": {"AutoModelForTokenClassification": "evil.Evil"}},
        {"auto_map": {"AutoModelForTokenClassification": "other/repo--evil.Evil"}},
        {"colour": "red", "hidden_dropout": {"nested": [1, 2]}},
    ],
    ids=str,
)
def test_foreign_keys_run_no_code_and_do_no_harm(folder: Path, foreign: dict[str, Any]) -> None:
    (folder / "evil.py").write_text("raise SystemExit('code of the repository was run')", "utf-8")
    change(folder, **foreign)
    assert type(load_classifier(folder)).__name__ == "BertForTokenClassification"


@pytest.mark.parametrize(
    "foreign",
    [
        {"model_type": "mine", "auto_map": {"AutoModelForTokenClassification": "evil.Evil", "AutoConfig": "evil.C"}},
        {"model_type": ["bert"]},
        {"to_dict": 5},
        {"__class__": "x"},
        {"dtype": "os.system"},
        {"hidden_act": "__import__('os')"},
        {"transformers_weights": "pytorch_model.bin"},
        {"quantization_config": {"quant_method": "gptq", "bits": 4}},
    ],
    ids=str,
)
def test_foreign_keys_that_cannot_be_followed_are_told_as_our_error(folder: Path, foreign: dict[str, Any]) -> None:
    (folder / "evil.py").write_text("raise SystemExit('code of the repository was run')", "utf-8")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    change(folder, **foreign)
    with pytest.raises(CheckpointError):
        load_classifier(folder)


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", ["someone/kernel", "flash|someone/kernel:f", {"text": "someone/kernel"}], ids=str)
def test_attention_from_the_hub_is_refused_for_it_is_code(folder: Path, key: str, value: object) -> None:
    change(folder, **{key: value})
    with pytest.raises(CheckpointError, match=f"^{folder}/config.json: {key}=.*would run code from the Hub"):
        load_classifier(folder)


def test_attention_by_its_plain_name_is_taken(folder: Path) -> None:
    change(folder, attn_implementation="eager")
    assert load_classifier(folder).config._attn_implementation == "eager"


def test_an_adapter_is_refused_with_the_way_to_merge_it(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "someone/model"}', "utf-8")
    with pytest.raises(CheckpointError, match=r"adapter for another model.*merge_and_unload"):
        load_classifier(folder)


# Weights in several files


def split(folder: Path, places: dict[str, str] | None = None) -> None:
    """Two files and an index in the place of one."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in parts.items():
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
    weight_map = {name: file for file, part in parts.items() for name in part} | (places or {})
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": weight_map}), "utf-8"
    )
    (folder / "model.safetensors").unlink()


def test_several_files_have_the_shapes_of_one(folder: Path) -> None:
    whole = model_shapes(folder)
    split(folder)
    assert model_shapes(folder) == whole
    assert load_classifier(folder).config.hidden_size == 32


@pytest.mark.parametrize("place", ["../other.safetensors", "/etc/passwd", "a.bin", "..", "sub/a.safetensors"])
def test_an_index_that_points_elsewhere_is_refused(folder: Path, place: str) -> None:
    shutil.copy(folder / "model.safetensors", folder.parent / "other.safetensors")
    split(folder, {"classifier.bias": place})
    with pytest.raises(CheckpointError, match=r"no safetensors file of this folder.*Do not use"):
        load_classifier(folder)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 5}}'])
def test_an_index_without_a_map_is_refused(folder: Path, content: str) -> None:
    split(folder)
    (folder / "model.safetensors.index.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match="no weight_map"):
        load_classifier(folder)


def test_a_missing_part_is_named(folder: Path) -> None:
    split(folder)
    (folder / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"there is no b\.safetensors"):
        load_classifier(folder)

"""Which files of a checkpoint are published, and as what."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from conflict_events.errors import CheckpointError, DataError
from conflict_events.publishing.staging import (
    checkpoint_files,
    dataset_files,
    run_metrics,
    size_of,
    training_config,
)


def content(found: bytes | Path) -> Any:
    raw = found if isinstance(found, bytes) else found.read_bytes()
    return json.loads(raw)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A training's folder, with a checkpoint in it."""
    checkpoint = tmp_path / "run" / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "config.json").write_text('{"_name_or_path": "/home/x/y", "model_type": "bert"}', "utf-8")
    (checkpoint / "tokenizer_config.json").write_text('{"name_or_path": "/home/x/y", "model_max_length": 64}', "utf-8")
    for name in ("model.safetensors", "tokenizer.json", "conflict_events.json", "linker.json", "linker.safetensors"):
        (checkpoint / name).write_bytes(b"{}")
    config = {"output_dir": "/home/x/run", "corpus": {"name": "mine", "path": "/home/x/mine"}, "training": {"seed": 13}}
    (checkpoint.parent / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    (checkpoint.parent / "metrics.json").write_text('{"corpus": "mine", "documents": {"train": 6}}', "utf-8")
    (checkpoint.parent / "training_log.jsonl").write_text("{}\n", "utf-8")
    return checkpoint


def test_a_checkpoint_is_published_with_training_metrics_and_handler(run: Path) -> None:
    assert sorted(checkpoint_files(run, [])) == [
        "config.json", "conflict_events.json", "handler.py", "linker.json", "linker.safetensors", "metrics.json",
        "model.safetensors", "tokenizer.json", "tokenizer_config.json", "training_config.yaml",
    ]  # fmt: skip


def test_the_folder_that_a_model_was_loaded_from_is_left_out(run: Path) -> None:
    files = checkpoint_files(run, [])
    assert content(files["config.json"]) == {"model_type": "bert"}
    assert content(files["tokenizer_config.json"]) == {"model_max_length": 64}


def test_paths_of_the_machine_are_left_out_of_the_training_config(run: Path) -> None:
    found = checkpoint_files(run, [])["training_config.yaml"]
    assert isinstance(found, bytes)
    assert yaml.safe_load(found) == {"corpus": {"name": "mine", "path": "mine"}, "training": {"seed": 13}}


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "training_args.bin", "optimizer.pt", "model.pkl", "modeling_mine.py", ".env", "notes.txt",
     "onnx/run.py", "old/model.safetensors", "README.md.bak", "events.out.tfevents.1"],
)  # fmt: skip
def test_pickles_code_and_what_else_lies_about_are_not_published(run: Path, name: str) -> None:
    before = checkpoint_files(run, []).keys()
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_bytes(b"x")
    assert checkpoint_files(run, []).keys() == before


def test_onnx_is_published_if_it_is_there_and_was_made_from_these_weights(
    exported_checkpoint: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(exported_checkpoint, tmp_path / "checkpoint"))
    names = {name for name in checkpoint_files(folder, []) if name.startswith("onnx/")}
    assert names == {f"onnx/{path.name}" for path in (folder / "onnx").iterdir()}
    weights = bytearray((folder / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (folder / "model.safetensors").write_bytes(weights)
    with pytest.raises(CheckpointError, match="export"):
        checkpoint_files(folder, [])


def test_metrics_are_those_of_the_run_and_of_evaluations(run: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text('{"corpus": "mine", "split": "test", "model": "/mnt/x/checkpoint"}', "utf-8")
    assert content(checkpoint_files(run, [tmp_path / "metrics.json"])["metrics.json"]) == {
        "training_run": {"corpus": "mine", "documents": {"train": 6}},
        "evaluations": [{"corpus": "mine", "split": "test", "model": "checkpoint"}],
    }


def test_what_was_published_can_be_published_again(run: Path, tmp_path: Path) -> None:
    first = checkpoint_files(run, [])
    for name, found in first.items():
        (tmp_path / "again" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "again" / name).write_bytes(found if isinstance(found, bytes) else found.read_bytes())
    again = checkpoint_files(tmp_path / "again", [])
    assert {name: size_of(found) for name, found in again.items()} == {n: size_of(f) for n, f in first.items()}
    assert training_config(tmp_path / "again") == {"corpus": {"name": "mine", "path": "mine"}, "training": {"seed": 13}}
    assert run_metrics(tmp_path / "again") == {"corpus": "mine", "documents": {"train": 6}}


def test_a_config_in_a_folder_around_that_is_no_run_is_not_taken(run: Path) -> None:
    (run.parent / "training_log.jsonl").unlink()
    assert training_config(run) == {}
    assert run_metrics(run) == {}
    assert "training_config.yaml" not in checkpoint_files(run, [])
    assert "metrics.json" not in checkpoint_files(run, [])


@pytest.mark.parametrize("text", ["a: [", "- a\n- b\n", "!!python/object/apply:os.getcwd []", ""])
def test_a_training_config_that_is_none_is_refused(run: Path, text: str) -> None:
    (run.parent / "config.yaml").write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"not YAML|not a training config") as error:
        training_config(run)
    assert error.value.where == str(run.parent / "config.yaml")


def test_a_missing_evaluation_is_told(run: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no metrics\.json"):
        checkpoint_files(run, [tmp_path / "nowhere" / "metrics.json"])


def test_a_dataset_is_its_parquet_files_and_its_card(tmp_path: Path) -> None:
    for name in ("train.parquet", "validation.parquet", "README.md", "notes.txt", "script.py"):
        (tmp_path / name).write_bytes(b"x")
    assert sorted(dataset_files(tmp_path)) == ["README.md", "train.parquet", "validation.parquet"]


@pytest.mark.parametrize("there", [[], ["README.md"], ["train.parquet", "test.parquet"]], ids=str)
def test_a_folder_that_is_no_dataset_is_told_how_to_make_one(tmp_path: Path, there: list[str]) -> None:
    for name in there:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=r"no Parquet files with a card.*prepare_data\.py"):
        dataset_files(tmp_path)

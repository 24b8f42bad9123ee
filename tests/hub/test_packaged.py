"""The model in the box is what its manifest says, or it is not loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conflict_events.errors import CheckpointError
from conflict_events.hub import default_model, packaged, write_manifest


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the packaged model."""
    folder = tmp_path / "default_model"
    (folder / "onnx").mkdir(parents=True)
    (folder / "config.json").write_text("{}", "utf-8")
    (folder / "onnx" / "model_quantized.onnx").write_bytes(b"weights")
    write_manifest(folder)
    monkeypatch.setattr(packaged, "_FOLDER", folder)
    return folder


def test_a_sound_model_is_found(box: Path) -> None:
    assert default_model() == box


def test_the_manifest_names_every_file_but_itself_and_does_not_change_when_written_again(box: Path) -> None:
    first = (box / "manifest.json").read_bytes()
    assert sorted(json.loads(first)["files"]) == ["config.json", "onnx/model_quantized.onnx"]
    write_manifest(box)
    assert (box / "manifest.json").read_bytes() == first


def test_without_a_packaged_model_the_way_to_one_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packaged, "_FOLDER", tmp_path)
    with pytest.raises(CheckpointError, match=r"no model is packaged.*make train.*or give a Hub id"):
        default_model()


@pytest.mark.parametrize("name", ["config.json", "onnx/model_quantized.onnx"])
def test_one_changed_byte_is_refused_by_name(box: Path, name: str) -> None:
    raw = (box / name).read_bytes()
    (box / name).write_bytes(bytes([raw[0] ^ 1]) + raw[1:])
    with pytest.raises(CheckpointError, match=rf"{name} was changed: its sha256 is .*Install conflict-events again"):
        default_model()


@pytest.mark.parametrize("name", ["config.json", "onnx/model_quantized.onnx"])
def test_a_missing_file_is_refused_by_name(box: Path, name: str) -> None:
    (box / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        default_model()


def test_a_file_that_came_later_is_refused_by_name(box: Path) -> None:
    (box / "model.safetensors").write_bytes(b"others")
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not belong here"):
        default_model()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "files": 5}', "\x00"])
def test_a_manifest_that_is_none_is_refused(box: Path, content: str) -> None:
    (box / "manifest.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match="manifest cannot be read"):
        default_model()


def test_a_manifest_of_another_format_vouches_for_nothing(box: Path) -> None:
    record = json.loads((box / "manifest.json").read_text("utf-8"))
    (box / "manifest.json").write_text(json.dumps(record | {"format": 2}), "utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json does not belong here"):
        default_model()

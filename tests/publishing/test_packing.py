"""The folder that the package carries: what inference needs, within its size, every file fingerprinted."""

from __future__ import annotations

from pathlib import Path

import pytest

from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub import packaged
from conflict_events.publishing.packing import pack
from conflict_events.publishing.staging import Files

FILES: Files = {
    "config.json": b"{}", "conflict_events.json": b"{}", "tokenizer.json": b"{}", "linker.json": b"{}",
    "model.safetensors": b"large", "linker.safetensors": b"large", "handler.py": b"pass", "vocab.txt": b"a",
    "onnx/model.onnx": b"large", "onnx/model_quantized.onnx": b"small", "onnx/linker_quantized.onnx": b"small",
    "onnx/export.json": b"{}",
    "metrics.json": b"{}", "training_config.yaml": b"{}", "README.md": b"# card",
}  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_what_inference_needs_is_packed_and_verified(tmp_path: Path) -> None:
    pack(FILES, tmp_path / "box")
    assert names(tmp_path / "box") == [
        "README.md", "config.json", "conflict_events.json", "linker.json", "manifest.json", "metrics.json",
        "onnx/export.json", "onnx/linker_quantized.onnx", "onnx/model_quantized.onnx",
        "tokenizer.json", "training_config.yaml",
    ]  # fmt: skip
    packaged.verify(tmp_path / "box")
    (tmp_path / "box" / "onnx" / "model_quantized.onnx").write_bytes(b"other")
    with pytest.raises(CheckpointError, match="was changed"):
        packaged.verify(tmp_path / "box")


def test_files_are_packed_as_bytes_or_from_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"from a file")
    pack(FILES | {"onnx/model_quantized.onnx": tmp_path / "weights"}, tmp_path / "box")
    assert (tmp_path / "box" / "onnx" / "model_quantized.onnx").read_bytes() == b"from a file"
    assert (tmp_path / "box" / "README.md").read_bytes() == b"# card"


def test_without_quantised_weights_nothing_is_packed(tmp_path: Path) -> None:
    bare = {name: content for name, content in FILES.items() if "quantized" not in name}
    with pytest.raises(CheckpointError, match=r"no onnx/\*_quantized\.onnx.*export_onnx\.py"):
        pack(bare, tmp_path / "box")
    assert not (tmp_path / "box").exists()


def test_a_model_too_large_for_a_package_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "weights").open("wb") as file:
        file.truncate(25_000_001)
    with pytest.raises(CheckpointError, match="a package should carry 25,000,000"):
        pack(FILES | {"onnx/model_quantized.onnx": tmp_path / "weights"}, tmp_path / "box")
    assert not (tmp_path / "box").exists()


def test_a_folder_with_something_in_it_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="is there already"):
        pack(FILES, tmp_path / "box")
    assert names(tmp_path / "box") == ["mine.txt"]

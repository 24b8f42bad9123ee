"""``scripts/export_onnx.py`` as a user runs it, and prediction with what it wrote."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from conflict_events.config import CorpusConfig
from conflict_events.hub.resolving import ONNX


def run(script: str, folder: Path, *given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{script}", *given, f"hydra.run.dir={folder / 'hydra'}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.fixture
def checkpoint(tmp_path: Path, exported_checkpoint: Path) -> Path:
    """A tiny checkpoint without ``onnx/``."""
    return Path(shutil.copytree(exported_checkpoint, tmp_path / "checkpoint", ignore=shutil.ignore_patterns(ONNX)))


def test_what_is_exported_predicts_without_its_weights(
    tmp_path: Path, checkpoint: Path, tiny_corpus: CorpusConfig
) -> None:
    corpus = [f"corpus.path={tiny_corpus.path}", "corpus.name=tiny", "most_loss=1.0"]
    exported = run("export_onnx.py", tmp_path, f"path={checkpoint}", *corpus)
    assert exported.returncode == 0, exported.stderr[-3000:]
    for shown in ("tiny dev, 3 documents", "spans equal", "model_quantized.onnx: ", f"written to {checkpoint / ONNX}"):
        assert shown in exported.stdout
    for path in checkpoint.glob("*.safetensors"):
        path.unlink()
    source, output = tmp_path / "a.txt", tmp_path / "out.jsonl"
    source.write_text("Rebels attacked the village near hill 3.", "utf-8")
    given = [f"input={source}", f"output={output}", f"model.path={checkpoint}", "model.min_score=0"]
    predicted = run("predict.py", tmp_path, *given, "engine=onnx")
    assert predicted.returncode == 0, predicted.stderr[-3000:]
    assert json.loads(output.read_text("utf-8"))["spans"]
    refused = run("predict.py", tmp_path, *given, "engine=torch", "runner.restart=true")
    assert refused.returncode == 1
    assert "no weights for torch" in refused.stderr


def test_an_export_that_is_refused_is_one_line_on_standard_error(
    tmp_path: Path, checkpoint: Path, tiny_corpus: CorpusConfig
) -> None:
    given = [f"path={checkpoint}", f"corpus.path={tiny_corpus.path}", "corpus.name=tiny", "tolerance=0"]
    done = run("export_onnx.py", tmp_path, *given)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {checkpoint}: the exported graph gives other scores than torch")
    assert done.stderr.count("\n") == 1
    assert not (checkpoint / ONNX).exists()

"""Which engine a checkpoint gets: the one asked for, or with ``auto`` the fastest that can be used."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from conflict_events import engines
from conflict_events.config import EngineKind
from conflict_events.engines import load_engine
from conflict_events.engines.exported import EXPORT_RECORD
from conflict_events.engines.onnx import OnnxEngine
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.extractor import EventExtractor
from conflict_events.hub.resolving import ONNX

TEXT = "rebels attacked the village near hill 7 . troops bombed the market ."


@pytest.fixture
def folder(tmp_path: Path, exported_checkpoint: Path) -> Path:
    """A copy of an exported checkpoint, to change."""
    return Path(shutil.copytree(exported_checkpoint, tmp_path / "changed"))


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> object:
    """Makes libraries look as if they were not installed."""

    def remove(*names: str) -> None:
        found = engines.find_spec
        monkeypatch.setattr(engines, "find_spec", lambda name: None if name in names else found(name))

    return remove


def silent(folder: Path, *args: object) -> object:
    """The engine, loaded without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return load_engine(folder, *args)  # type: ignore[arg-type]


def make_stale(folder: Path) -> None:
    """Let the export be of other weights than those that are there, as after another training."""
    record = folder / ONNX / EXPORT_RECORD
    content = json.loads(record.read_text("utf-8"))
    content["made_from"]["model.safetensors"] = "0" * 64
    record.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("device", [None, "cpu"])
def test_auto_takes_a_whole_export(folder: Path, device: str | None) -> None:
    assert isinstance(silent(folder, EngineKind.auto, device), OnnxEngine)


def test_auto_takes_torch_where_there_is_no_export(tiny_linked_checkpoint: Path) -> None:
    engine = silent(tiny_linked_checkpoint)
    assert isinstance(engine, TorchEngine)
    assert engine.reach == 12


def test_auto_takes_torch_with_a_warning_where_the_export_is_of_other_weights(folder: Path) -> None:
    make_stale(folder)
    with pytest.warns(UserWarning, match=r"torch is used.*not made from the model\.safetensors"):
        assert isinstance(load_engine(folder), TorchEngine)


def test_auto_takes_torch_with_a_warning_where_a_graph_is_damaged(folder: Path) -> None:
    (folder / ONNX / "model_quantized.onnx").write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        assert isinstance(load_engine(folder), TorchEngine)


def test_auto_takes_torch_for_another_device(folder: Path) -> None:
    with pytest.raises(ConfigError, match="gpu7"):  # torch's own words: it was asked
        silent(folder, EngineKind.auto, "gpu7")


def test_auto_takes_torch_without_onnxruntime(folder: Path, without: object) -> None:
    without("onnxruntime")  # type: ignore[operator]
    with pytest.warns(UserWarning, match="onnxruntime is not installed"):
        assert isinstance(load_engine(folder), TorchEngine)


def test_auto_needs_no_torch_for_a_whole_export(folder: Path, without: object) -> None:
    without("torch", "transformers")  # type: ignore[operator]
    assert isinstance(silent(folder), OnnxEngine)


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_without_any_engine_the_remedy_is_an_installation(
    tiny_linked_checkpoint: Path, without: object, missing: str
) -> None:
    without(missing)  # type: ignore[operator]
    with pytest.raises(ConfigError, match=r"torch is not installed.*export\.json") as caught:
        load_engine(tiny_linked_checkpoint)
    assert "pip install 'conflict-events[torch]'" in (caught.value.remedy or "")


def test_without_safetensors_the_export_is_all_there_is(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    assert isinstance(silent(folder), OnnxEngine)
    (folder / ONNX / "model_quantized.onnx").write_bytes(b"")
    with pytest.raises(CheckpointError, match="damaged"):
        load_engine(folder)


def test_torch_is_taken_when_asked_for(folder: Path) -> None:
    assert isinstance(silent(folder, EngineKind.torch, "cpu"), TorchEngine)


def test_torch_without_safetensors_is_refused(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(CheckpointError, match="ONNX files alone") as caught:
        load_engine(folder, EngineKind.torch)
    assert caught.value.remedy


def test_torch_that_is_not_installed_is_refused_with_the_command(folder: Path, without: object) -> None:
    without("torch")  # type: ignore[operator]
    with pytest.raises(ConfigError, match=r"torch is not installed.*Run: pip install"):
        load_engine(folder, EngineKind.torch)


def test_onnx_of_other_weights_is_refused_with_the_reason(folder: Path) -> None:
    make_stale(folder)
    with pytest.raises(CheckpointError, match=r"not made from the model\.safetensors"):
        load_engine(folder, EngineKind.onnx)


def test_onnx_on_another_device_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="'cuda'"):
        load_engine(folder, EngineKind.onnx, "cuda")


def test_onnxruntime_that_is_not_installed_is_refused_with_the_command(folder: Path, without: object) -> None:
    without("onnxruntime")  # type: ignore[operator]
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed.*Run: pip install onnxruntime"):
        load_engine(folder, EngineKind.onnx)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_are_passed_on(folder: Path, threads: int) -> None:
    engine = load_engine(folder, threads=threads)
    assert isinstance(engine, OnnxEngine)
    assert engine.threads == threads


# Through the extractor


@pytest.mark.parametrize(("name", "kind"), [("auto", OnnxEngine), ("onnx", OnnxEngine), ("torch", TorchEngine)])
def test_the_extractor_takes_an_engine_by_name(folder: Path, name: str, kind: type) -> None:
    extractor = EventExtractor.from_pretrained(folder, engine=name)
    assert isinstance(extractor.tagger.engine, kind)
    assert extractor.tagger.reach == 12


def test_an_unknown_engine_is_refused_with_those_there_are(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"'tensorrt'.*auto, torch, onnx"):
        EventExtractor.from_pretrained(folder, engine="tensorrt")


def test_extraction_with_onnx_imports_neither_torch_nor_transformers(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    program = (
        "import sys\n"
        "from conflict_events import EventExtractor\n"
        f"extraction = EventExtractor.from_pretrained({str(folder)!r}, min_score=0.0).extract({TEXT!r})\n"
        "unwanted = ('torch', 'transformers', 'safetensors', 'onnx')\n"
        "print(len(extraction.spans), *(name for name in unwanted if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    spans, *imported = done.stdout.split()
    assert int(spans) > 0
    assert imported == []

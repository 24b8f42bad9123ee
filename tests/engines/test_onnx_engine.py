"""The onnx engine: torch's scores without torch; an export that is not whole, or of other weights, is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import damaged_weights, tiny_linker
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from conflict_events.config import LinkerConfig
from conflict_events.digests import sha256_of
from conflict_events.engines.base import cores
from conflict_events.engines.exported import EXPORT_RECORD, FLOAT, QUANTIZED, Exported
from conflict_events.engines.onnx import OnnxEngine, open_graph
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import CheckpointError
from conflict_events.exporting.graphs import example_links
from conflict_events.hub.resolving import ONNX
from conflict_events.linking.network import save_linker
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.scores import Scored

WINDOWS = st.lists(st.lists(st.integers(5, 60), min_size=1, max_size=30), max_size=6)
REACH = 12  # of the tiny linker


@pytest.fixture
def folder(tmp_path: Path, exported_checkpoint: Path) -> Path:
    """A copy of an exported checkpoint, to change."""
    return Path(shutil.copytree(exported_checkpoint, tmp_path / "changed"))


@pytest.fixture(scope="module")
def exact(exported_checkpoint: Path) -> OnnxEngine:
    return OnnxEngine.from_folder(exported_checkpoint, form=FLOAT, threads=2)


@pytest.fixture(scope="module")
def rough(exported_checkpoint: Path) -> OnnxEngine:
    return OnnxEngine.from_folder(exported_checkpoint, threads=2)


@pytest.fixture(scope="module")
def with_torch(exported_checkpoint: Path) -> TorchEngine:
    return TorchEngine.from_folder(exported_checkpoint, device="cpu")


def assert_same(found: list[Scored], expected: list[Scored], atol: float) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.states is not None
        assert b.states is not None
        assert a.logits.dtype == a.states.dtype == np.float32
        assert (a.logits.shape, a.states.shape) == (b.logits.shape, b.states.shape)
        np.testing.assert_allclose(a.logits, b.logits, atol=atol)
        np.testing.assert_allclose(a.states, b.states, atol=atol)


# Scores


@given(windows=WINDOWS)
@settings(max_examples=15, deadline=None, database=None)
def test_windows_get_torchs_scores_in_the_order_given(
    exact: OnnxEngine, with_torch: TorchEngine, windows: list[list[int]]
) -> None:
    assert_same(exact.run(windows), with_torch.run(windows), atol=1e-5)


def test_events_get_torchs_scores_in_the_order_given(exact: OnnxEngine, with_torch: TorchEngine) -> None:
    links = example_links(32, REACH) * 3
    for found, expected in zip(exact.link(links), with_torch.link(links), strict=True):
        assert found.roles.shape == expected.roles.shape
        np.testing.assert_allclose(found.roles, expected.roles, atol=1e-5)
        np.testing.assert_allclose(found.types, expected.types, atol=1e-5)


def test_quantised_scores_are_near_torchs_and_not_the_same(rough: OnnxEngine, with_torch: TorchEngine) -> None:
    windows = [[2, 7, 9, 3], [2, *range(5, 40), 3]]
    assert_same(rough.run(windows), with_torch.run(windows), atol=0.2)
    assert any(
        not np.allclose(a.logits, b.logits, atol=1e-5)
        for a, b in zip(rough.run(windows), with_torch.run(windows), strict=True)
    )


@given(windows=WINDOWS)
@settings(max_examples=10, deadline=None, database=None)
def test_quantised_scores_do_not_depend_on_the_company_a_window_keeps(
    rough: OnnxEngine, windows: list[list[int]]
) -> None:
    for together, window in zip(rough.run(windows), windows, strict=True):
        (alone,) = rough.run([window])
        np.testing.assert_array_equal(together.logits, alone.logits)
        np.testing.assert_array_equal(together.states, alone.states)  # type: ignore[arg-type]


def test_nothing_to_score_gives_nothing(exact: OnnxEngine) -> None:
    assert exact.run([]) == []
    assert exact.link([]) == []


def test_a_window_of_one_token_is_scored(exact: OnnxEngine) -> None:
    (scored,) = exact.run([[7]])
    assert scored.logits.shape == (1, 11)


def test_the_reach_is_that_of_the_linker(exact: OnnxEngine) -> None:
    assert exact.reach == REACH


# Without a linker


def test_without_a_linker_there_are_no_states_no_reach_and_no_events(exported_without_linker: Path) -> None:
    engine = OnnxEngine.from_folder(exported_without_linker)
    assert engine.reach is None
    assert [scored.states for scored in engine.run([[2, 7, 3]])] == [None]
    with pytest.raises(CheckpointError, match="no linker") as caught:
        engine.link(example_links(32, REACH))
    assert caught.value.remedy


# Threads


def test_as_many_windows_are_worked_on_at_once_as_there_are_threads(exported_checkpoint: Path) -> None:
    graph = open_graph(exported_checkpoint / ONNX / "model.onnx")
    meeting = threading.Barrier(3, timeout=10)  # breaks unless three runs are under way at once

    class Together:
        get_inputs = graph.get_inputs

        def run(self, *args: object) -> object:
            meeting.wait()
            return graph.run(*args)

    assert len(OnnxEngine(Together(), threads=3).run([[2, 3]] * 6)) == 6  # type: ignore[arg-type]


def test_one_thread_works_in_the_calling_one(exported_checkpoint: Path) -> None:
    graph = open_graph(exported_checkpoint / ONNX / "model.onnx")
    callers = set()

    class Watched:
        get_inputs = graph.get_inputs

        def run(self, *args: object) -> object:
            callers.add(threading.current_thread())
            return graph.run(*args)

    OnnxEngine(Watched(), threads=1).run([[2, 3]] * 3)  # type: ignore[arg-type]
    assert callers == {threading.current_thread()}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot bind a process to cores")
def test_threads_are_the_cores_that_the_process_may_use() -> None:
    program = (
        "import os\nfrom conflict_events.engines.onnx import cores\n"
        "os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])\nprint(cores())"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1\n"
    assert cores() == len(os.sched_getaffinity(0))


# What is whole, and what belongs together


def test_a_folder_without_safetensors_is_enough(folder: Path, exact: OnnxEngine) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    assert_same(OnnxEngine.from_folder(folder, form=FLOAT).run([[2, 7, 3]]), exact.run([[2, 7, 3]]), atol=0)


def test_quantised_graphs_alone_are_enough_and_the_default(folder: Path, rough: OnnxEngine) -> None:
    for name in ("model", "linker"):
        (folder / ONNX / FLOAT.format(name)).unlink()
    engine = OnnxEngine.from_folder(folder)
    assert_same(engine.run([[2, 7, 3]]), rough.run([[2, 7, 3]]), atol=0)
    with pytest.raises(CheckpointError, match=r"no model\.onnx"):
        OnnxEngine.from_folder(folder, form=FLOAT)


def refused(folder: Path, match: str) -> CheckpointError:
    with pytest.raises(CheckpointError, match=match) as caught:
        OnnxEngine.from_folder(folder)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(folder))
    assert "export_onnx.py" in (caught.value.remedy or "")
    return caught.value


@pytest.mark.parametrize("name", ["model.safetensors", "linker.safetensors", LINKER_CONFIG])
def test_an_export_of_other_weights_is_refused_with_the_file_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes() + b" ")
    refused(folder, f"not made from the {name}")


def test_an_export_without_the_linker_trained_since_is_refused(tmp_path: Path, exported_without_linker: Path) -> None:
    folder = Path(shutil.copytree(exported_without_linker, tmp_path / "trained"))
    save_linker(tiny_linker(), folder, LinkerConfig(reach=12, width=16, layers=1, heads=2, dropout=0.0))
    refused(folder, "not made from the linker")


@damaged_weights
@pytest.mark.parametrize("name", ["model", "linker"])
def test_a_damaged_graph_is_refused_with_its_name(folder: Path, name: str, damage: Callable[[bytes], bytes]) -> None:
    path = folder / ONNX / QUANTIZED.format(name)
    path.write_bytes(damage(path.read_bytes()))
    assert refused(folder, "damaged").where == str(path)


@damaged_weights
def test_a_damaged_graph_whose_hash_is_recorded_is_refused_by_onnxruntime(
    folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = folder / ONNX / "model_quantized.onnx"
    path.write_bytes(damage(path.read_bytes()))
    record_anew(folder, path)
    refused(folder, "cannot be loaded|labels")


def record_anew(folder: Path, path: Path) -> None:
    """Enter the hash that a file has now, as whoever changes it on purpose would."""
    record = folder / ONNX / EXPORT_RECORD
    content = json.loads(record.read_text("utf-8"))
    content["files"][path.name] = sha256_of(path)
    record.write_text(json.dumps(content), "utf-8")


def test_a_graph_that_reads_files_outside_its_folder_is_refused(folder: Path) -> None:
    """ONNX files may keep weights in other files; a path that leads elsewhere is not followed."""
    (folder / "secret").write_bytes(bytes(4 * 11))
    path = folder / ONNX / "model_quantized.onnx"
    weights = TensorProto(data_type=TensorProto.FLOAT, dims=[11], name="weights", data_location=TensorProto.EXTERNAL)
    for key, value in {"location": "../secret", "offset": "0", "length": "44"}.items():
        weights.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["weights"], ["logits"])], "leak", [],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [11])], [weights],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    record_anew(folder, path)
    refused(folder, "cannot be loaded")


@pytest.mark.parametrize("name", ["model_quantized.onnx", "linker_quantized.onnx"])
def test_the_other_form_takes_the_place_of_a_missing_file(folder: Path, name: str) -> None:
    (folder / ONNX / name).unlink()
    assert OnnxEngine.from_folder(folder).run([[2, 7, 3]])


@pytest.mark.parametrize("name", ["model", "linker"])
def test_a_missing_graph_is_named(folder: Path, name: str) -> None:
    for form in (FLOAT, QUANTIZED):
        (folder / ONNX / form.format(name)).unlink()
    refused(folder, f"no {name}_quantized.onnx or {name}.onnx")


def test_a_graph_that_the_record_does_not_name_is_not_used(folder: Path) -> None:
    record = folder / ONNX / EXPORT_RECORD
    content = json.loads(record.read_text("utf-8"))
    content["files"] = {}
    record.write_text(json.dumps(content), "utf-8")
    refused(folder, "no model_quantized.onnx")


def test_a_folder_without_export_is_refused(folder: Path) -> None:
    shutil.rmtree(folder / ONNX)
    refused(folder, f"no {ONNX}/{EXPORT_RECORD}")


def test_graphs_without_a_record_are_refused(folder: Path) -> None:
    (folder / ONNX / EXPORT_RECORD).unlink()
    refused(folder, f"no {ONNX}/{EXPORT_RECORD}")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 2}, "another version"),
        ({"format": None}, "another version"),
        ({"files": []}, "malformed"),
        ({"made_from": "model.safetensors"}, "malformed"),
        ({"more": {}}, "malformed"),
    ],
    ids=str,
)
def test_a_malformed_record_is_refused(folder: Path, change: dict[str, object], match: str) -> None:
    record = folder / ONNX / EXPORT_RECORD
    record.write_text(json.dumps(json.loads(record.read_text("utf-8")) | change), "utf-8")
    refused(folder, match)


def test_a_graph_with_other_labels_than_the_config_is_refused(folder: Path) -> None:
    config = folder / "config.json"
    content = json.loads(config.read_text("utf-8"))
    del content["id2label"]["10"]
    config.write_text(json.dumps(content), "utf-8")
    refused(folder, "11 labels.* has 10")


def test_a_linker_for_another_encoder_is_refused(folder: Path) -> None:
    for path in folder.glob("*.safetensors"):
        path.unlink()
    settings_ = folder / LINKER_CONFIG
    settings_.write_text(json.dumps(json.loads(settings_.read_text("utf-8")) | {"hidden_size": 48}), "utf-8")
    with pytest.raises(CheckpointError, match=r"not made from the linker\.json"):
        OnnxEngine.from_folder(folder)
    settings_path = folder / ONNX / EXPORT_RECORD
    content = json.loads(settings_path.read_text("utf-8"))
    content["made_from"][LINKER_CONFIG] = sha256_of(settings_)
    settings_path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(CheckpointError, match=r"hidden_size 48.*needs 32"):
        OnnxEngine.from_folder(folder)


def test_what_is_recorded_is_what_is_there(exported_checkpoint: Path) -> None:
    exported = Exported.load(exported_checkpoint)
    inner = exported_checkpoint / ONNX
    assert {path.name for path in inner.glob("*.onnx")} == set(exported.files)
    assert set(exported.made_from) == {"model.safetensors", "linker.safetensors", LINKER_CONFIG}
    assert exported.versions["opset"] == onnx.load(inner / "model.onnx").opset_import[0].version


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_an_engine_that_was_used_works_in_a_forked_process(exact: OnnxEngine) -> None:
    windows = [[5, 6, 7], [8, 9], [10, 11, 12]]
    exact.run(windows)  # its threads have begun; the child has none of them
    child = os.fork()
    if child == 0:
        os._exit(0 if len(exact.run(windows)) == 3 else 1)
    for _ in range(300):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert (ended, status) == (child, 0)

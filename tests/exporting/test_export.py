"""Exporting: any encoder gives torch's scores; the folder appears whole, with what was measured, or not at all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROLES, violent_documents
from torch import Tensor
from transformers import AutoConfig, AutoModelForTokenClassification, PreTrainedModel

from conflict_events import exporting
from conflict_events.config import CorpusConfig, ExportConfig
from conflict_events.corpora.formats import jsonl
from conflict_events.engines.exported import EXPORT_RECORD, Exported
from conflict_events.engines.onnx import OnnxEngine, open_graph
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.exporting import export
from conflict_events.exporting.graphs import export_tagger, quiet
from conflict_events.exporting.quantizing import quantize
from conflict_events.hub.resolving import ONNX

SIZE = {
    "vocab_size": 80, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
    "max_position_embeddings": 128, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "num_labels": 11,
}  # fmt: skip
ENCODERS: dict[str, dict[str, Any]] = {
    "bert": {},
    "roberta": {},
    "distilbert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "modernbert": {"global_attn_every_n_layers": 2, "local_attention": 8, "cls_token_id": 0, "sep_token_id": 2},
    "mpnet": {},
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 16},
}


def encoder(family: str) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **SIZE | ENCODERS[family])
    return AutoModelForTokenClassification.from_config(config, attn_implementation="eager").eval()


@pytest.fixture
def config(tmp_path: Path, exported_checkpoint: Path) -> ExportConfig:
    """To export a tiny checkpoint that has no ``onnx/`` yet."""
    folder = Path(shutil.copytree(exported_checkpoint, tmp_path / "again", ignore=shutil.ignore_patterns(ONNX)))
    jsonl.write(tmp_path / "corpus" / "dev.jsonl", violent_documents(3, "dev"))
    corpus = CorpusConfig("tiny", "jsonl", str(tmp_path / "corpus"), roles=list(ROLES))
    return ExportConfig(str(folder), corpus)


# Encoders


@pytest.mark.parametrize("family", ENCODERS)
def test_every_family_of_encoders_gives_torchs_scores_at_any_length(family: str, tmp_path: Path) -> None:
    model = encoder(family)
    export_tagger(model, tmp_path / "model.onnx", with_states=True)
    graph = open_graph(tmp_path / "model.onnx")
    assert [given.name for given in graph.get_inputs()] == ["input_ids"]
    for windows, tokens in [(1, 1), (1, 2), (1, 100), (3, 17)]:
        ids = torch.randint(3, 80, (windows, tokens))
        with torch.inference_mode():
            expected = model(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True)
        logits, states = graph.run(["logits", "states"], {"input_ids": ids.numpy()})
        np.testing.assert_allclose(logits, expected.logits, atol=1e-5)
        np.testing.assert_allclose(states, expected.hidden_states[-1], atol=1e-5)


def test_an_export_of_an_earlier_version_which_takes_a_mask_gives_the_same(tmp_path: Path) -> None:
    class Masked(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
            return logits

    model = encoder("bert")
    export_tagger(model, tmp_path / "model.onnx", with_states=False)
    ids = torch.arange(9).reshape(1, 9) + 3
    with quiet():
        torch.onnx.export(
            Masked(), (ids, torch.ones_like(ids)), tmp_path / "masked.onnx", output_names=["logits"],
            input_names=["input_ids", "attention_mask"],
            dynamic_axes={name: {1: "tokens"} for name in ("input_ids", "attention_mask")},
            opset_version=17, dynamo=False,
        )  # fmt: skip
    windows = [[0, 7, 9, 30, 2], [0, 2]]
    new, old = (OnnxEngine(open_graph(tmp_path / f"{name}.onnx")).run(windows) for name in ("model", "masked"))
    for one, other in zip(new, old, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-5)


@pytest.mark.parametrize("family", ENCODERS)
def test_every_family_can_be_quantised(family: str, tmp_path: Path) -> None:
    exact, rough = tmp_path / "model.onnx", tmp_path / "model_quantized.onnx"
    export_tagger(encoder(family), exact, with_states=False)
    quantize(exact, rough)
    windows = [[0, 7, 9, 30, 2]]
    (a,), (b,) = (OnnxEngine(open_graph(path)).run(windows) for path in (exact, rough))
    assert 0.0 < np.abs(a.logits - b.logits).max() < 0.2


def test_quantised_files_are_much_smaller(tmp_path: Path) -> None:
    model = AutoModelForTokenClassification.from_config(
        AutoConfig.for_model("bert", **SIZE | {"vocab_size": 5000, "hidden_size": 64}), attn_implementation="eager"
    )
    exact, rough = tmp_path / "model.onnx", tmp_path / "model_quantized.onnx"
    export_tagger(model, exact, with_states=False)
    quantize(exact, rough)
    assert rough.stat().st_size < 0.35 * exact.stat().st_size  # embeddings among them


def test_an_encoder_that_cannot_be_exported_is_refused_with_the_reason_and_the_remedy(tmp_path: Path) -> None:
    class Impossible(torch.nn.Module):
        config = encoder("bert").config

        def forward(self, input_ids: torch.Tensor, **options: object) -> Any:
            raise RuntimeError("no such operator\nand a long trace")

    with pytest.raises(CheckpointError, match=r"cannot be exported.*no such operator\)") as caught:
        export_tagger(Impossible(), tmp_path / "model.onnx", with_states=False)  # type: ignore[arg-type]
    assert caught.value.remedy == "use engine=torch"


def test_an_encoder_too_large_for_one_file_is_refused_before_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conflict_events.exporting.graphs._MOST_BYTES", 1000)
    with pytest.raises(CheckpointError, match=r"bytes of weights, an ONNX file holds 1,000"):
        export_tagger(encoder("bert"), tmp_path / "model.onnx", with_states=False)
    assert list(tmp_path.iterdir()) == []


# The folder


def inside(config: ExportConfig) -> list[str]:
    return sorted(path.name for path in (Path(config.path) / ONNX).iterdir())


def beside(config: ExportConfig) -> list[str]:
    return sorted(path.name for path in Path(config.path).iterdir() if "onnx" in path.name)


def test_the_folder_holds_both_forms_of_both_networks_and_the_record(config: ExportConfig) -> None:
    result = export(dataclasses.replace(config, most_loss=1.0))
    files = ["linker.onnx", "linker_quantized.onnx", "model.onnx", "model_quantized.onnx"]
    assert inside(config) == sorted([*files, EXPORT_RECORD])
    assert sorted(result.sizes) == files
    assert result.is_quantized
    assert beside(config) == [ONNX]


def test_what_was_measured_is_recorded(config: ExportConfig) -> None:
    result = export(dataclasses.replace(config, most_loss=1.0))
    checks = Exported.load(Path(config.path)).checks
    assert checks == result.checks
    assert (checks["corpus"], checks["split"], checks["documents"]) == ("tiny", "dev", 3)
    exact, rough = checks["float"], checks["quantized"]
    assert set(exact["differences"]) == {"logits", "states", "links"}
    assert exact["spans_equal"] == exact["events_equal"] == 1.0
    assert exact["role_f1"] == checks["torch"]["role_f1"]
    assert exact["differences"]["logits"] < 1e-5 < rough["differences"]["logits"]
    assert 0.0 <= rough["spans_equal"] <= 1.0


def test_quantising_can_be_left_out(config: ExportConfig) -> None:
    result = export(dataclasses.replace(config, quantize=False))
    assert not result.is_quantized
    assert inside(config) == sorted(["linker.onnx", "model.onnx", EXPORT_RECORD])
    assert "quantized" not in result.checks


def test_quantised_graphs_that_lose_too_much_are_not_kept(config: ExportConfig) -> None:
    result = export(dataclasses.replace(config, most_loss=-1.0))  # even the same F1 is too little
    assert not result.is_quantized
    assert inside(config) == sorted(["linker.onnx", "model.onnx", EXPORT_RECORD])
    assert "quantized" in result.checks


@pytest.mark.parametrize("added", [0.01, float("nan")])
def test_a_graph_with_other_scores_is_refused_and_an_earlier_export_stays(
    config: ExportConfig, monkeypatch: pytest.MonkeyPatch, added: float
) -> None:
    export(dataclasses.replace(config, quantize=False))
    before = (Path(config.path) / ONNX / EXPORT_RECORD).read_bytes()
    monkeypatch.setattr(exporting, "export_tagger", with_other_weights(exporting.export_tagger, added))
    with pytest.raises(CheckpointError, match=r"other scores than torch, by up to (\d|nan)") as caught:
        export(config)
    assert caught.value.remedy
    assert (Path(config.path) / ONNX / EXPORT_RECORD).read_bytes() == before
    assert beside(config) == [ONNX]


def with_other_weights(real: Callable[..., None], added: float) -> Callable[..., None]:
    def altered(model: PreTrainedModel, path: Path, **options: Any) -> None:
        with torch.no_grad():
            model.classifier.bias += added
        real(model, path, **options)

    return altered


def test_a_new_export_takes_the_place_of_the_old_one(config: ExportConfig) -> None:
    export(dataclasses.replace(config, most_loss=1.0))
    (Path(config.path) / ".onnx.part").mkdir()  # of a run that was interrupted
    export(dataclasses.replace(config, quantize=False))
    assert inside(config) == sorted(["linker.onnx", "model.onnx", EXPORT_RECORD])
    assert beside(config) == [ONNX]


# Bad input


def test_a_folder_without_weights_is_refused(config: ExportConfig, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no weights to export"):
        export(dataclasses.replace(config, path=str(tmp_path / "nowhere")))


def test_a_split_that_is_not_there_is_refused(config: ExportConfig) -> None:
    with pytest.raises(ConfigError, match="no split 'test'"):
        export(dataclasses.replace(config, split="test"))


def test_nothing_to_compare_on_is_refused(config: ExportConfig) -> None:
    with pytest.raises(ConfigError, match="nothing in split 'dev'"):
        export(dataclasses.replace(config, limit=0))


def test_what_8_bits_cost_is_not_measured_on_other_roles(config: ExportConfig, tmp_path: Path) -> None:
    others = [dataclasses.replace(d, role_spans=(), events=()) for d in violent_documents(3, "dev")]
    jsonl.write(tmp_path / "corpus" / "dev.jsonl", others)
    with pytest.raises(ConfigError, match=r"no annotated attacker, .* what 8 bits cost cannot be told"):
        export(config)
    assert beside(config) == []
    assert not export(dataclasses.replace(config, quantize=False)).is_quantized


def test_the_record_is_json_with_a_version(config: ExportConfig) -> None:
    export(dataclasses.replace(config, quantize=False))
    record = json.loads((Path(config.path) / ONNX / EXPORT_RECORD).read_text("utf-8"))
    assert record["format"] == 1
    assert {"opset", "torch", "transformers", "onnxruntime"} <= record["versions"].keys()

"""The torch engine: scores do not depend on the company a window keeps; damaged weights are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_bert
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertForTokenClassification

from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import CheckpointError, ConflictEventsError
from conflict_events.labels import LabelScheme

VOCABULARY = 60
WINDOWS = st.lists(st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=30), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def model(scheme: LabelScheme) -> BertForTokenClassification:
    return tiny_bert(scheme, VOCABULARY)


@pytest.fixture
def damaged(tmp_path: Path, tiny_encoder: Path) -> Path:
    """A copy of a checkpoint, to damage."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "damaged"))


@given(windows=WINDOWS, batch_tokens=st.sampled_from([1, 50, 100, 4096]))
@settings(max_examples=10, deadline=None)
def test_each_window_gets_the_scores_it_gets_alone_in_the_order_given(
    model: BertForTokenClassification, windows: list[list[int]], batch_tokens: int
) -> None:
    together = TorchEngine(model, batch_tokens).run(windows)
    alone = [TorchEngine(model).run([window])[0] for window in windows]
    assert [scores.shape for scores in together] == [(len(window), 11) for window in windows]
    for batched, single in zip(together, alone, strict=True):
        np.testing.assert_allclose(batched, single, atol=1e-5)


def test_scores_are_those_of_the_model_itself(model: BertForTokenClassification) -> None:
    model.eval()
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[2, 7, 9, 3]])).logits[0].numpy()
    (scores,) = TorchEngine(model).run([[2, 7, 9, 3]])
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_no_windows_give_no_scores(model: BertForTokenClassification) -> None:
    assert TorchEngine(model).run([]) == []


def test_batches_with_their_padding_hold_no_more_tokens_than_asked_for(model: BertForTokenClassification) -> None:
    shapes: list[tuple[int, ...]] = []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: shapes.append(tuple(kwargs["input_ids"].shape)), with_kwargs=True
    )
    TorchEngine(model, batch_tokens=20).run([[5] * length for length in (9, 3, 30, 9, 3, 9, 1)])
    hook.remove()
    assert sum(rows for rows, _ in shapes) == 7
    assert [shape for shape in shapes if shape[0] * shape[1] > 20] == [(1, 30)]  # one window alone may be longer
    assert len(shapes) < 7


def test_dropout_is_off_while_scoring_and_training_goes_on_afterwards(model: BertForTokenClassification) -> None:
    model.train()
    first, second = (TorchEngine(model).run([[2, 7, 9, 3]])[0] for _ in range(2))
    assert model.training
    model.eval()
    np.testing.assert_array_equal(first, second)


def test_weights_come_back_from_a_folder(model: BertForTokenClassification, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    engine = TorchEngine.from_folder(tmp_path, device="cpu", batch_tokens=7)
    assert engine.batch_tokens == 7
    np.testing.assert_allclose(engine.run([[2, 7, 3]])[0], TorchEngine(model).run([[2, 7, 3]])[0], atol=1e-6)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: b"",
        lambda raw: b"\xff" * 64 + raw[64:],
        lambda raw: b"not weights",
    ],
    ids=["half", "empty", "header overwritten", "text"],
)
def test_damaged_weights_are_refused_with_the_folder_named(damaged: Path, damage: object) -> None:
    weights = damaged / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CheckpointError, match="cannot be loaded") as caught:
        TorchEngine.from_folder(damaged, "cpu")
    assert caught.value.where == str(damaged)


def test_weights_without_the_classifier_are_refused_not_made_up(damaged: Path) -> None:
    weights = damaged / "model.safetensors"
    tensors = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("classifier")}
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="classifier"):
        TorchEngine.from_folder(damaged, "cpu")


def test_a_classifier_of_another_size_than_the_labels_is_refused(damaged: Path) -> None:
    weights = damaged / "model.safetensors"
    tensors = load_file(weights)
    tensors |= {name: tensors[name][:5].clone() for name in ("classifier.weight", "classifier.bias")}
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        TorchEngine.from_folder(damaged, "cpu")


def test_a_folder_without_weights_is_refused(damaged: Path) -> None:
    (damaged / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        TorchEngine.from_folder(damaged, "cpu")


def test_an_unknown_device_is_named(tiny_encoder: Path) -> None:
    with pytest.raises(ConflictEventsError, match="gpu7"):
        TorchEngine.from_folder(tiny_encoder, "gpu7")

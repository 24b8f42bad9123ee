"""The torch engine: scores do not depend on the company a window keeps; damaged weights are refused."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SMALL_LINKER, damaged_weights, tiny_bert, tiny_linker
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import BertForTokenClassification

from conflict_events.engines.base import batches
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import CheckpointError, ConflictEventsError
from conflict_events.labels import LabelScheme
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.network import save_linker
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.scores import Link

VOCABULARY = 60
WINDOWS = st.lists(st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=30), min_size=1, max_size=6)


def link(length: int, seed: int = 0, spans: int = 2) -> Link:
    """What a linker might see around a trigger."""
    random = np.random.default_rng(seed)
    first = int(random.integers(length))
    begins = random.integers(0, length, spans)
    return Link(
        states=random.normal(size=(length, 32)).astype(np.float32),
        first=first,
        last=min(first + 1, length - 1),
        sentence=random.integers(0, 5, length),
        between=random.integers(0, 4, length),
        spans=np.stack([begins, np.minimum(begins + 1, length - 1)], axis=1),
    )


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
    together = TorchEngine(model, tiny_linker(), batch_tokens).run(windows)
    alone = [TorchEngine(model, tiny_linker()).run([window])[0] for window in windows]
    assert [scored.logits.shape for scored in together] == [(len(window), 11) for window in windows]
    for window, batched, single in zip(windows, together, alone, strict=True):
        np.testing.assert_allclose(batched.logits, single.logits, atol=1e-5)
        assert batched.states is not None
        assert batched.states.shape == (len(window), 32)
        np.testing.assert_allclose(batched.states, single.states, atol=1e-5)


def test_scores_are_those_of_the_model_itself(model: BertForTokenClassification) -> None:
    model.eval()
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([[2, 7, 9, 3]]), output_hidden_states=True)
    (scored,) = TorchEngine(model, tiny_linker()).run([[2, 7, 9, 3]])
    assert scored.states is not None
    assert scored.logits.dtype == scored.states.dtype == np.float32
    np.testing.assert_allclose(scored.logits, expected.logits[0], atol=1e-6)
    np.testing.assert_allclose(scored.states, expected.hidden_states[-1][0], atol=1e-6)


def test_states_are_for_linkers(model: BertForTokenClassification) -> None:
    assert [scored.states for scored in TorchEngine(model).run([[2, 7, 3], [2, 3]])] == [None, None]


def test_no_windows_give_no_scores(model: BertForTokenClassification) -> None:
    assert TorchEngine(model).run([]) == []
    assert TorchEngine(model, tiny_linker()).link([]) == []


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
    linker = tiny_linker(config=dataclasses.replace(SMALL_LINKER, dropout=0.5))
    engine = TorchEngine(model, linker.train())
    first, second = (engine.run([[2, 7, 9, 3]])[0] for _ in range(2))
    one, other = (engine.link([link(5)])[0] for _ in range(2))
    assert model.training
    assert linker.training
    model.eval()
    np.testing.assert_array_equal(first.logits, second.logits)
    np.testing.assert_array_equal(one.roles, other.roles)
    np.testing.assert_array_equal(one.types, other.types)


def test_weights_come_back_from_a_folder(model: BertForTokenClassification, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    engine = TorchEngine.from_folder(tmp_path, device="cpu", batch_tokens=7)
    assert engine.batch_tokens == 7
    assert engine.linker is None
    (loaded,), (expected,) = engine.run([[2, 7, 3]]), TorchEngine(model).run([[2, 7, 3]])
    np.testing.assert_allclose(loaded.logits, expected.logits, atol=1e-6)


@damaged_weights
def test_damaged_weights_are_refused_with_the_file_named(damaged: Path, damage: object) -> None:
    weights = damaged / "model.safetensors"
    weights.write_bytes(damage(weights.read_bytes()))  # type: ignore[operator]
    with pytest.raises(CheckpointError, match=r"cannot be read.*fetch or copy it again") as caught:
        TorchEngine.from_folder(damaged, "cpu")
    assert caught.value.where == str(weights)


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
    with pytest.raises(CheckpointError, match="names 11 labels, the classifier has 5"):
        TorchEngine.from_folder(damaged, "cpu")


def test_a_folder_without_weights_is_refused(damaged: Path) -> None:
    (damaged / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        TorchEngine.from_folder(damaged, "cpu")


# Links


@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    batch_tokens=st.sampled_from([1, 40, 4096]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20, deadline=None)
def test_each_link_gets_the_scores_it_gets_alone_in_the_order_given(
    model: BertForTokenClassification, lengths: list[int], batch_tokens: int, seed: int
) -> None:
    linker = tiny_linker()
    links = [link(length, seed + n, spans=n % 4) for n, length in enumerate(lengths)]
    together = TorchEngine(model, linker, batch_tokens).link(links)
    for given_, batched in zip(links, together, strict=True):
        (single,) = TorchEngine(model, linker).link([given_])
        assert batched.roles.shape == (len(given_.spans), len(ROLES) + 1)
        assert batched.types.shape == (len(TYPES),)
        assert batched.roles.dtype == batched.types.dtype == np.float32
        np.testing.assert_allclose(batched.roles, single.roles, atol=1e-5)
        np.testing.assert_allclose(batched.types, single.types, atol=1e-5)


@pytest.mark.parametrize("batch_tokens", [1, 100, 1000])
def test_batches_of_links_hold_no_more_tokens_than_asked_for(
    model: BertForTokenClassification, batch_tokens: int
) -> None:
    shapes: list[tuple[int, ...]] = []
    linker = tiny_linker()
    linker.register_forward_pre_hook(
        lambda module, args, kwargs: shapes.append(tuple(kwargs["states"].shape)), with_kwargs=True
    )
    TorchEngine(model, linker, batch_tokens).link([link(1 + n % 50) for n in range(100)])
    assert sum(rows for rows, _, _ in shapes) == 100
    assert all(rows * tokens <= batch_tokens for rows, tokens, _ in shapes if rows > 1)
    assert {hidden for _, _, hidden in shapes} == {32}


def test_links_without_a_linker_are_refused_with_the_remedy(model: BertForTokenClassification) -> None:
    with pytest.raises(CheckpointError, match=r"no linker.*rain") as caught:
        TorchEngine(model).link([link(3)])
    assert caught.value.remedy


def test_a_linker_comes_with_the_folder_and_gives_what_it_gave_before(
    model: BertForTokenClassification, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    save_linker(tiny_linker(), tmp_path, SMALL_LINKER)
    engine = TorchEngine.from_folder(tmp_path, device="cpu")
    assert engine.linker is not None
    (loaded,), (expected,) = engine.link([link(9)]), TorchEngine(model, tiny_linker()).link([link(9)])
    np.testing.assert_allclose(loaded.roles, expected.roles, atol=1e-6)
    np.testing.assert_allclose(loaded.types, expected.types, atol=1e-6)


def test_a_linker_of_another_encoder_is_refused(model: BertForTokenClassification, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    save_linker(tiny_linker(hidden_size=48), tmp_path, SMALL_LINKER)
    with pytest.raises(CheckpointError, match=r"hidden_size 48.*needs 32") as caught:
        TorchEngine.from_folder(tmp_path, device="cpu")
    assert caught.value.where == str(tmp_path / LINKER_CONFIG)
    assert caught.value.remedy


# Batches


@given(lengths=st.lists(st.integers(1, 60), max_size=40), tokens=st.integers(1, 200))
@settings(max_examples=100, deadline=None, database=None)
def test_batches_hold_every_item_once_and_no_more_tokens_than_asked_for(lengths: list[int], tokens: int) -> None:
    found = list(batches(lengths, tokens))
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[n] for n in batch) <= tokens for batch in found if len(batch) > 1)
    assert all(found)


def test_items_of_like_length_go_together() -> None:
    assert list(batches([30, 1, 29, 2, 3], 60)) == [[1, 3, 4], [2, 0]]


def test_an_unknown_device_is_named(tiny_encoder: Path) -> None:
    with pytest.raises(ConflictEventsError, match="gpu7"):
        TorchEngine.from_folder(tiny_encoder, "gpu7")

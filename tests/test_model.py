"""Encoders to train: a new head with the labels' names, and refusals that say why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import ROLES, bytelevel_tokenizer, tiny_bert
from safetensors.torch import load_file, save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    BertModel,
    DistilBertConfig,
    DistilBertForTokenClassification,
    FNetConfig,
    FNetForTokenClassification,
    ModernBertConfig,
    ModernBertForTokenClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForTokenClassification,
)
from transformers.utils import logging

from conflict_events.config import ModelConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.labels import LabelScheme
from conflict_events.model import load_classifier, load_encoder
from conflict_events.windows import TextTokenizer

SMALL = {
    "vocab_size": 100, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip
WINDOW = WindowConfig(64, 16)
VICTIMS = LabelScheme(("victim", "weapon"))


@pytest.fixture
def encoder(tmp_path: Path, tiny_encoder: Path) -> Path:
    """A copy of the tiny encoder, to damage."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


def load(folder: Path, scheme: LabelScheme = VICTIMS, window: WindowConfig = WINDOW, **options: object):  # type: ignore[no-untyped-def]
    return load_encoder(ModelConfig(encoder=str(folder), **options), scheme, window)  # type: ignore[arg-type]


def saved(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_the_encoder_keeps_its_weights_and_gets_a_head_of_the_schemes_labels(tiny_encoder: Path) -> None:
    model, _ = load(tiny_encoder)
    assert model.config.id2label == {0: "O", 1: "B-VICTIM", 2: "I-VICTIM", 3: "B-WEAPON", 4: "I-WEAPON"}
    assert model.config.label2id == {"O": 0, "B-VICTIM": 1, "I-VICTIM": 2, "B-WEAPON": 3, "I-WEAPON": 4}
    assert model.classifier.out_features == 5
    stored = load_file(tiny_encoder / "model.safetensors")
    name = "bert.encoder.layer.1.output.dense.weight"
    torch.testing.assert_close(model.state_dict()[name], stored[name])


def test_a_bare_encoder_without_a_head_is_taken(encoder: Path) -> None:
    BertModel(tiny_bert(VICTIMS, 100).config, add_pooling_layer=False).save_pretrained(encoder)
    model, _ = load(encoder)
    assert model.classifier.out_features == 5


def test_a_checkpoint_of_the_same_labels_keeps_its_head_and_one_of_as_many_others_forgets_it(
    tiny_encoder: Path, tmp_path: Path
) -> None:
    learnt, tokenizer = load(tiny_encoder)
    checkpoint = saved(learnt, tokenizer, tmp_path / "checkpoint")
    again, _ = load(checkpoint)
    others, _ = load(checkpoint, LabelScheme(("target", "weapon")))
    torch.testing.assert_close(again.classifier.weight, learnt.classifier.weight)
    assert not torch.isclose(others.classifier.weight, learnt.classifier.weight).any()
    name = "bert.encoder.layer.1.output.dense.weight"
    torch.testing.assert_close(others.state_dict()[name], learnt.state_dict()[name])


@pytest.fixture
def learnt(tiny_encoder: Path, tmp_path: Path) -> Path:
    """A checkpoint of two roles."""
    return saved(*load(tiny_encoder, LabelScheme(("target", "attacker"))), tmp_path / "learnt")


def begun(checkpoint: Path, begin_as: dict[str, str]) -> PreTrainedModel:
    model: PreTrainedModel = load(checkpoint, LabelScheme(("victim", "weapon", "bomber")), begin_as=begin_as)[0]
    return model


def test_roles_begin_as_those_that_they_are_like(learnt: Path) -> None:
    before = load_file(learnt / "model.safetensors")
    model = begun(learnt, {"victim": "target", "bomber": "attacker"})
    # O, B-VICTIM, I-VICTIM, (weapon is new,) B-BOMBER, I-BOMBER as O, B-TARGET, I-TARGET, B-ATTACKER, I-ATTACKER
    for ours, theirs in zip((0, 1, 2, 5, 6), (0, 1, 2, 3, 4), strict=True):
        for name in ("weight", "bias"):
            after = getattr(model.classifier, name)[ours]
            torch.testing.assert_close(after, before[f"classifier.{name}"][theirs])
    for ours in (3, 4):
        assert not torch.isclose(model.classifier.weight[ours], before["classifier.weight"]).all(dim=1).any()
    name = "bert.encoder.layer.1.output.dense.weight"
    torch.testing.assert_close(model.state_dict()[name], before[name])


@pytest.mark.parametrize("begin_as", [{"victim": "weapon"}, {"target": "target"}])
def test_roles_that_are_like_none_that_there_is_are_refused(learnt: Path, begin_as: dict[str, str]) -> None:
    remedy = r"roles of the corpus \(victim, weapon, bomber\) to those of .*learnt \(target, attacker\)"
    with pytest.raises(ConfigError, match=rf"begin_as names {'|'.join(begin_as.values())}.*{remedy}"):
        begun(learnt, begin_as)


def test_an_encoder_without_labels_is_none_to_begin_as(encoder: Path) -> None:
    BertModel(tiny_bert(VICTIMS, 100).config, add_pooling_layer=False).save_pretrained(encoder)
    with pytest.raises(CheckpointError, match=r"weights are missing, the first of them classifier"):
        begun(encoder, {"victim": "victim"})


def test_the_new_head_is_the_same_for_the_same_seed(tiny_encoder: Path) -> None:
    heads = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        heads.append(load(tiny_encoder)[0].classifier.weight)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_the_tokenizer_knows_the_window(tiny_encoder: Path) -> None:
    _, tokenizer = load(tiny_encoder, window=WindowConfig(50, 10))
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    assert tokenizer.model_max_length == 50


@pytest.mark.parametrize(("dropout", "expected"), [(None, 0.1), (0.3, 0.3), (0.0, 0.0)])
def test_dropout_is_the_encoders_own_unless_given(tiny_encoder: Path, dropout: float | None, expected: float) -> None:
    model, _ = load(tiny_encoder, dropout=dropout)
    assert model.bert.embeddings.dropout.p == pytest.approx(expected)
    assert model.dropout.p == pytest.approx(expected)


def roberta() -> PreTrainedModel:
    return RobertaForTokenClassification(RobertaConfig(**SMALL, max_position_embeddings=66, pad_token_id=1))


def distilbert() -> PreTrainedModel:
    small = {"vocab_size": 100, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16}
    return DistilBertForTokenClassification(DistilBertConfig(**small, max_position_embeddings=64))


ATTENTIVE: list[tuple[Callable[[], PreTrainedModel], str]] = [
    (lambda: tiny_bert(VICTIMS, 100), "attention_probs_dropout_prob"),
    (roberta, "attention_probs_dropout_prob"),
    (distilbert, "attention_dropout"),
]
"""Encoders, and what their families call the setting; each has 0.1 as its own."""


def dropouts(model: PreTrainedModel, *, of_attention: bool) -> set[float]:
    """The probabilities of the dropout of attention weights, or of all other dropout."""
    inside = (".attention.self.dropout", ".attention.dropout")
    return {
        module.p
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Dropout) and name.endswith(inside) is of_attention
    }


@pytest.mark.parametrize(("make", "name"), ATTENTIVE)
@pytest.mark.parametrize(("given", "expected"), [(0.0, 0.0), (0.25, 0.25), (None, 0.1)])
def test_attention_dropout_reaches_the_attention_alone_and_is_the_encoders_own_unless_given(
    encoder: Path, make: Callable[[], PreTrainedModel], name: str, given: float | None, expected: float
) -> None:
    make().save_pretrained(encoder)
    model, _ = load(encoder, attention_dropout=given)
    assert getattr(model.config, name) == expected
    assert dropouts(model, of_attention=True) == {expected}
    assert dropouts(model, of_attention=False) == {0.1}


def test_without_attention_dropout_training_still_drops_elsewhere(encoder: Path) -> None:
    model, _ = load(encoder, attention_dropout=0.0)
    attention = model.bert.encoder.layer[0].attention.self.train()
    hidden = torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(attention(hidden)[0], attention(hidden)[0])
    ids = torch.full((1, 8), 5)
    model.train()
    assert not torch.equal(model(input_ids=ids).logits, model(input_ids=ids).logits)


def test_an_encoder_without_attention_weights_to_drop_is_taken_as_it_is(encoder: Path) -> None:
    small = {key: value for key, value in SMALL.items() if key != "num_attention_heads"}
    FNetForTokenClassification(FNetConfig(**small, max_position_embeddings=64)).save_pretrained(encoder)
    model, _ = load(encoder, attention_dropout=0.0)
    assert not hasattr(model.config, "attention_dropout")
    assert not hasattr(model.config, "attention_probs_dropout_prob")
    assert dropouts(model, of_attention=False) == {0.1}


@pytest.mark.parametrize(("make", "_name"), ATTENTIVE)
def test_attention_dropout_holds_beside_dropout(encoder: Path, make: Callable[[], PreTrainedModel], _name: str) -> None:
    make().save_pretrained(encoder)
    model, _ = load(encoder, attention_dropout=0.0, dropout=0.3)
    assert dropouts(model, of_attention=False) == {0.3}
    assert dropouts(model, of_attention=True) == {0.0}


@pytest.mark.parametrize(
    "content",
    [
        b"{broken",
        b'{"model_type": "no such model"}',
        b'{"model_type": "bert", "hidden_size": "wide"}',
    ],
)
def test_a_damaged_config_is_refused_by_name_with_attention_dropout_too(encoder: Path, content: bytes) -> None:
    (encoder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load(encoder, attention_dropout=0.0)
    assert str(encoder) in str(caught.value)


@pytest.mark.parametrize("prefix", [False, True])
def test_a_prefix_space_makes_the_first_word_like_any_other(encoder: Path, prefix: bool) -> None:
    tokenizer = bytelevel_tokenizer()
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)  # as ModernBERT's comes
    for path in encoder.glob("tokenizer*"):
        path.unlink()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(encoder)
    _, loaded = load(encoder, add_prefix_space=prefix)
    first, later = TextTokenizer(loaded.backend_tokenizer)(["rebels", "the rebels"])
    assert (first.ids.tolist() == later.ids.tolist()[1:]) is prefix


def test_dropout_of_an_encoder_with_names_of_its_own_is_set_or_refused_by_name(encoder: Path) -> None:
    special = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}
    config = ModernBertConfig(**SMALL, **special, max_position_embeddings=64)
    ModernBertForTokenClassification(config).save_pretrained(encoder)
    try:
        model, _ = load(encoder, dropout=0.3)
    except ConfigError as error:
        assert "dropout" in str(error)
    else:
        assert model.drop.p == pytest.approx(0.3)


def test_positions_that_an_encoder_keeps_for_padding_do_not_count(encoder: Path) -> None:
    """RoBERTa's kind counts positions from the one after its padding id: 66 of them hold 64 tokens."""
    config = RobertaConfig(**SMALL, max_position_embeddings=66, pad_token_id=1)
    RobertaForTokenClassification(config).save_pretrained(encoder)
    model, _ = load(encoder, window=WindowConfig(64, 16))
    assert model(input_ids=torch.full((1, 64), 5)).logits.shape == (1, 64, 5)
    with pytest.raises(ConfigError, match=r"window\.max_tokens=66.*64"):
        load(encoder, window=WindowConfig(66, 16))


def test_a_window_longer_than_the_positions_is_refused(tiny_encoder: Path) -> None:
    with pytest.raises(ConfigError, match=r"window\.max_tokens=129 is more than the 128 positions.*=128 or less"):
        load(tiny_encoder, window=WindowConfig(129, 16))
    assert load(tiny_encoder, window=WindowConfig(128, 16))[1].model_max_length == 128


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere: there is no such folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{broken"),
        ("config.json", b"{}"),
        ("config.json", b'{"model_type": "no such model"}'),
        ("model.safetensors", b""),
        ("model.safetensors", b"not weights"),
        ("tokenizer.json", b"{broken"),
        ("tokenizer.json", b"{}"),
    ],
)
def test_a_damaged_encoder_is_refused_by_name(encoder: Path, name: str, content: bytes) -> None:
    (encoder / name).write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load(encoder)
    assert str(encoder) in str(caught.value)


def test_weights_cut_short_are_refused_by_name(encoder: Path) -> None:
    weights = encoder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(CheckpointError) as caught:
        load(encoder)
    assert str(encoder) in str(caught.value)


def test_an_encoder_without_a_tokenizer_is_refused(encoder: Path) -> None:
    for path in encoder.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="tokenizer"):
        load(encoder)


def test_missing_weights_of_the_encoder_are_refused_not_made_up(encoder: Path) -> None:
    tensors = load_file(encoder / "model.safetensors")
    del tensors["bert.encoder.layer.0.output.dense.weight"]
    save_file(tensors, encoder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 weights are missing.*bert\.encoder\.layer\.0\.output\.dense\.weight"):
        load(encoder)


def test_a_checkpoint_needs_its_head_too(encoder: Path) -> None:
    assert load_classifier(encoder).config.id2label == LabelScheme(ROLES).id2label
    tensors = {k: v for k, v in load_file(encoder / "model.safetensors").items() if not k.startswith("classifier")}
    save_file(tensors, encoder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"2 weights are missing.*classifier") as caught:
        load_classifier(encoder)
    assert caught.value.where == str(encoder)


def test_pickled_weights_are_not_loaded(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pickles only \(pytorch_model\.bin\).*save_pretrained"):
        load(encoder)


def test_loading_leaves_the_logging_of_transformers_as_it_was(encoder: Path) -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load(encoder)
    (encoder / "model.safetensors").write_bytes(b"")
    with pytest.raises(Exception):  # noqa: B017  whatever it is
        load_classifier(encoder)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_a_saved_model_says_its_labels(tiny_encoder: Path, tmp_path: Path) -> None:
    model, _ = load(tiny_encoder)
    model.save_pretrained(tmp_path / "saved")
    stored = json.loads((tmp_path / "saved" / "config.json").read_text("utf-8"))
    assert stored["id2label"] == {"0": "O", "1": "B-VICTIM", "2": "I-VICTIM", "3": "B-WEAPON", "4": "I-WEAPON"}

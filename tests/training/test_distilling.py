"""A teacher's soft labels: what it says, where it says it, and who may teach whom."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROLES, SMALL_LINKER, fast_tokenizer, tiny_bert, tiny_linker, violent_documents, wordpiece_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn.functional import cross_entropy, log_softmax

from conflict_events.config import (
    CorpusConfig,
    DistillationConfig,
    ModelConfig,
    TeacherConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.corpora import load
from conflict_events.decoding import log_probabilities
from conflict_events.errors import ConfigError
from conflict_events.labels import IGNORE, LabelScheme
from conflict_events.schema import Document
from conflict_events.training import train
from conflict_events.training.distilling import load_teacher, soft_labels, taught
from conflict_events.training.encoding import Collator, encode
from conflict_events.training.joint import JointModel
from conflict_events.windows import TextTokenizer, windows_of

TOKENIZER = TextTokenizer(wordpiece_tokenizer())
SCHEME = LabelScheme(ROLES)
WINDOW = WindowConfig(24, 6)
QUICK = TrainingConfig(
    max_steps=2, per_device_train_batch_size=4, eval_strategy="steps", eval_steps=2, save_strategy="steps", save_steps=2
)


def soft_of(documents: list[Document], seed: int = 0) -> list[np.ndarray]:
    """Made-up probabilities for every token."""
    draw = np.random.default_rng(seed)
    return [
        draw.dirichlet(np.ones(len(SCHEME.labels)), len(TOKENIZER([d.text])[0])).astype(np.float16) for d in documents
    ]


# The teacher


def test_a_teacher_gives_the_probabilities_of_every_token(tiny_checkpoint: Path) -> None:
    teacher = load_teacher(str(tiny_checkpoint))
    documents = [*violent_documents(3, "train"), Document("empty", "")]
    found = list(soft_labels(teacher, documents))
    assert [len(tokens) for tokens, _ in found] == [len(TOKENIZER([d.text])[0]) for d in documents]
    texts = [document.text for document in documents[:3]]
    for (_, soft), (_, scores, _) in zip(found[:3], teacher.score(texts, teacher.tokenizer(texts)), strict=True):
        assert soft.dtype == np.float16
        assert soft == pytest.approx(np.exp(log_probabilities(scores)), abs=1e-3)
    assert found[3][1].shape == (0, len(SCHEME.labels))


def test_mixed_precision_says_nearly_the_same(tiny_checkpoint: Path) -> None:
    teacher = load_teacher(str(tiny_checkpoint))
    (one,), (other,) = (
        [soft for _, soft in soft_labels(teacher, violent_documents(1, "train"), bf16=bf16)] for bf16 in (False, True)
    )
    assert not np.array_equal(one, other)
    assert one == pytest.approx(other, abs=0.05)


def test_no_teacher_teaches_nothing(tiny_checkpoint: Path) -> None:
    student = load_teacher(str(tiny_checkpoint))
    assert taught(DistillationConfig(), None, student, violent_documents(1, "train"), bf16=False) == (None, [])


def test_a_teacher_with_other_labels_is_refused(tiny_checkpoint: Path) -> None:
    student = dataclasses.replace(load_teacher(str(tiny_checkpoint)), scheme=LabelScheme(("victim",)))
    with pytest.raises(ConfigError, match=r"distillation\.teacher: the teacher tags attacker, .*the corpus has victim"):
        taught(DistillationConfig(teacher="x"), str(tiny_checkpoint), student, violent_documents(1, "t"), bf16=False)


def test_a_teacher_with_other_tokens_is_refused(tiny_checkpoint: Path) -> None:
    words = Tokenizer(models.WordLevel({"[UNK]": 0}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    student = dataclasses.replace(load_teacher(str(tiny_checkpoint)), tokenizer=TextTokenizer(words))
    with pytest.raises(ConfigError, match=r"cut 't-0' into different tokens.*same vocabulary"):
        taught(DistillationConfig(teacher="x"), str(tiny_checkpoint), student, violent_documents(1, "t"), bf16=False)


# Rows


def test_every_window_has_the_soft_labels_of_its_tokens() -> None:
    documents = violent_documents(2, "train")
    soft = soft_of(documents)
    dataset, _ = encode(documents, TOKENIZER, SCHEME, WINDOW, soft=soft)
    cuts = [(number, part) for number, d in enumerate(documents)
            for part in windows_of(len(TOKENIZER([d.text])[0]), WINDOW, TOKENIZER.special_tokens)]  # fmt: skip
    assert len(cuts) == len(dataset) > 2, "documents are longer than a window"
    batch = Collator(0)(list(dataset))
    for row, (number, part) in enumerate(cuts):
        assert batch["soft"][row, 1 : 1 + len(part)].numpy() == pytest.approx(soft[number][part.start : part.end])
        assert batch["soft"][row, 0].sum() == 0, "special tokens are not taught"
        assert batch["soft"][row, 1 + len(part) :].abs().sum() == 0, "nor is padding"


def test_further_texts_have_soft_labels_only() -> None:
    documents, further = violent_documents(1, "train"), violent_documents(3, "more")[1:]
    texts = list(zip(further, soft_of(further, seed=1), strict=True))
    dataset, lost = encode(documents, TOKENIZER, SCHEME, WindowConfig(64, 16), 12, soft=soft_of(documents), texts=texts)
    assert len(dataset) == 3
    assert lost.spans == len(documents[0].spans), "their annotation is not read"
    for row in list(dataset)[1:]:
        assert set(row["labels"]) == {IGNORE}
        assert row["links"] == []
        assert len(row["soft"]) == row["length"] * len(SCHEME.labels) * 2


# The loss


def joint(**options: float) -> JointModel:
    return JointModel(tiny_bert(SCHEME, len(wordpiece_tokenizer().get_vocab())), tiny_linker(), **options).eval()


def test_the_loss_mixes_annotation_and_teacher_by_weight() -> None:
    documents = violent_documents(3, "train")
    window = WindowConfig(64, 16)
    dataset, _ = encode(documents, TOKENIZER, SCHEME, window, soft=soft_of(documents))
    batch = Collator(0)(list(dataset))
    model = joint(soft_weight=0.25)
    with torch.no_grad():
        logits = model.tagger(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        hard = cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), ignore_index=IGNORE)
        per_token = -(batch["soft"] * log_softmax(logits, -1)).sum(-1)
        soft = per_token[batch["soft"].sum(-1) > 0].mean()
        assert model(**batch)["loss"].item() == pytest.approx((0.75 * hard + 0.25 * soft).item(), rel=1e-5)


def test_where_nothing_is_annotated_the_teacher_is_all_there_is() -> None:
    further = violent_documents(2, "more")
    dataset, _ = encode(
        violent_documents(1, "t"), TOKENIZER, SCHEME, WindowConfig(64, 16), 12,
        soft=soft_of(violent_documents(1, "t")), texts=list(zip(further, soft_of(further), strict=True)),
    )  # fmt: skip
    batch = Collator(0)(list(dataset)[1:])
    model = joint(soft_weight=0.25)
    with torch.no_grad():
        logits = model.tagger(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        expected = -(batch["soft"] * log_softmax(logits, -1)).sum(-1)[batch["soft"].sum(-1) > 0].mean()
        assert model(**batch)["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


# Training


def settings(corpus: CorpusConfig, encoder: Path, output: Path, distillation: DistillationConfig) -> TrainConfig:
    return TrainConfig(
        corpus=corpus, model=ModelConfig(str(encoder)), linker=SMALL_LINKER, window=WindowConfig(64, 16),
        training=QUICK, distillation=distillation, output_dir=str(output),
    )  # fmt: skip


def test_a_teacher_is_trained_first_and_not_again_when_the_run_goes_on(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    own = TeacherConfig(ModelConfig(str(tiny_encoder)), dataclasses.replace(QUICK, learning_rate=1e-3))
    config = settings(tiny_corpus, tiny_encoder, tmp_path, DistillationConfig(own=own, texts={"more": tiny_corpus}))
    train(config, load(tiny_corpus))
    teacher = tmp_path / "teacher"
    said = json.loads((teacher / "metrics.json").read_text("utf-8"))
    assert "test" not in said, "only the student reads test"
    for folder in (teacher, tmp_path):
        assert (folder / "checkpoint" / "linker.json").exists()
    weights = (teacher / "checkpoint" / "model.safetensors").stat().st_mtime_ns
    config.training = dataclasses.replace(QUICK, max_steps=4, resume_from_checkpoint="last")
    train(config, load(tiny_corpus))
    assert (teacher / "checkpoint" / "model.safetensors").stat().st_mtime_ns == weights


def test_a_student_that_was_interrupted_before_its_first_step_begins_with_the_finished_teacher(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    own = TeacherConfig(ModelConfig(str(tiny_encoder)), QUICK)
    config = settings(tiny_corpus, tiny_encoder, tmp_path, DistillationConfig(own=own))
    config.training = dataclasses.replace(QUICK, resume_from_checkpoint="last")
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        train(config, load(tiny_corpus))
    train(dataclasses.replace(config, training=QUICK), load(tiny_corpus))
    for path in sorted((tmp_path / "trainer").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert train(config, load(tiny_corpus)).checkpoint.is_dir()


def test_the_teacher_changes_what_the_student_learns(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    def losses(name: str, distillation: DistillationConfig) -> list[float]:
        train(settings(tiny_corpus, tiny_encoder, tmp_path / name, distillation), load(tiny_corpus))
        lines = (tmp_path / name / "training_log.jsonl").read_text("utf-8").splitlines()
        return [entry["train_loss"] for entry in map(json.loads, lines) if "train_loss" in entry]

    assert losses("alone", DistillationConfig()) != losses("taught", DistillationConfig(str(tiny_checkpoint)))


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_a_weight_is_a_share(weight: float) -> None:
    with pytest.raises(ConfigError, match="outside"):
        DistillationConfig(weight=weight)


def test_texts_need_a_teacher(tiny_corpus: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"need a teacher.*distillation\.teacher"):
        DistillationConfig(texts={"more": tiny_corpus})


def test_the_tokenizer_of_a_tiny_teacher_is_that_of_the_student() -> None:
    """The premise of the tests above."""
    assert len(fast_tokenizer(wordpiece_tokenizer())) == len(wordpiece_tokenizer().get_vocab())

"""Fine-tuning a token classifier on a corpus with the Hugging Face ``Trainer``."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import (
    DataCollatorForTokenClassification,
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from conflict_events.checkpoint import Settings
from conflict_events.config import TrainConfig, TrainingConfig, WindowConfig
from conflict_events.corpora import Corpus
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import ConfigError, DataError
from conflict_events.labels import IGNORE, LabelScheme, is_inside
from conflict_events.linking import TypeModel
from conflict_events.metrics.strict import StrictScores, strict_scores
from conflict_events.model import load_encoder
from conflict_events.schema import Document
from conflict_events.tagging import Tagger
from conflict_events.windows import TextTokenizer, cut_spans, windows_of
from conflict_events.writers import write_json

CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class LostGold:
    """Annotated spans of the training split that the tagger cannot learn as they are.

    Attributes:
        spans: all annotated spans.
        cut: longer than any window shows whole.
        competing: overlapping another span, which single-label BIO cannot hold.
    """

    spans: int
    cut: int
    competing: int


@dataclass(frozen=True)
class TrainResult:
    """What a training run gives.

    Attributes:
        checkpoint: its folder.
        metrics: everything measured; what ``metrics.json`` holds.
        scored: the splits in ``metrics`` that have strict scores.
        is_writer: whether this process wrote the files (one does, in a distributed run).
    """

    checkpoint: Path
    metrics: dict[str, Any]
    scored: tuple[str, ...]
    is_writer: bool


def encode(
    documents: Sequence[Document], tokenizer: TextTokenizer, scheme: LabelScheme, window: WindowConfig
) -> tuple[Dataset, LostGold]:
    """Windows of documents with label ids, and the annotation that was lost on the way.

    A span that a window shows in part is hidden from the loss there; the overlap shows it whole in the next window.

    Returns:
        A dataset with ``input_ids``, ``labels`` (special tokens and hidden ones are -100) and ``length``.
    """
    rows: list[dict[str, Any]] = []
    total = cut = competing = 0
    for document, tokens in zip(documents, tokenizer([d.text for d in documents]), strict=True):
        spans = document.spans
        labels, lost = scheme.encode(tokens.offsets, spans)
        windows = windows_of(len(tokens), window, tokenizer.special_tokens)
        total += len(spans)
        competing += len(lost)
        cut += len(cut_spans(windows, tokens.offsets, set(spans) - set(lost)))
        for part in windows:
            shown = labels[part.start : part.end].copy()
            first = 0
            while first < len(shown) and is_inside(shown[first]):
                first += 1  # a span that began before this window
            shown[:first] = IGNORE
            if part.end < len(labels) and is_inside(labels[part.end]):
                last = len(shown)
                while last > 0 and is_inside(shown[last - 1]):
                    last -= 1  # a span that goes on after this window
                shown[max(last - 1, 0) :] = IGNORE
            frame = tokenizer.frame(tokens, part)
            padded = [IGNORE] * len(tokenizer.prefix) + shown.tolist() + [IGNORE] * len(tokenizer.suffix)
            rows.append({"input_ids": frame, "labels": padded, "length": len(frame)})
    if not rows:
        raise DataError("no document of the training split has any text", remedy="check corpus.path")
    return Dataset.from_list(rows), LostGold(total, cut, competing)


def train(config: TrainConfig, corpus: Corpus) -> TrainResult:
    """Fine-tune, keep the best epoch by dev strict micro-F1 over roles, and write the checkpoint.

    The output folder gets ``checkpoint/`` (safetensors, tokenizer, labels, settings), ``metrics.json`` and
    ``training_log.jsonl``; Trainer's own checkpoints, for resuming, are in ``trainer/``.

    Raises:
        ConfigError: before training, if settings contradict each other or the corpus lacks a split they need.
        CheckpointError: if the encoder cannot be loaded.
    """
    documents = corpus.split("train")[: config.limit]
    scored = {name: corpus.split(name)[: config.limit] for name in ("dev", config.test_split) if name}
    scheme = LabelScheme(tuple(corpus.config.roles))
    steps_folder = Path(config.output_dir) / "trainer"
    arguments = training_arguments(config.training, steps_folder)
    set_seed(config.training.seed)
    model, hf_tokenizer = load_encoder(config.model, scheme, config.window)
    tokenizer = TextTokenizer(hf_tokenizer.backend_tokenizer)
    dataset, lost = encode(documents, tokenizer, scheme, config.window)
    types = TypeModel.fit(documents)
    settings = Settings(
        window=config.window,
        decoding=config.decoding,
        language=corpus.config.language,
        name=f"{corpus.config.name}-{config.training.seed}",
        event_types=types.to_record() if types else None,
    )
    tagger = Tagger(tokenizer, TorchEngine(model), scheme, range(len(scheme.labels)), config.window, config.decoding)
    trainer = TaggerTrainer(
        tagger=tagger,
        dev=scored["dev"],
        model=model,
        args=arguments,
        train_dataset=dataset,
        processing_class=hf_tokenizer,
        data_collator=DataCollatorForTokenClassification(hf_tokenizer, label_pad_token_id=IGNORE),
        callbacks=_callbacks(config.training),
    )
    resume = _resume_point(config.training.resume_from_checkpoint, steps_folder)
    if resume is None and trainer.is_world_process_zero():
        shutil.rmtree(steps_folder, ignore_errors=True)  # or an earlier run's steps would pass for this one's
    began = time.perf_counter()
    outcome = trainer.train(resume_from_checkpoint=resume)
    seconds = time.perf_counter() - began
    metrics: dict[str, Any] = {
        "corpus": corpus.config.name,
        "seed": config.training.seed,
        "documents": {name: len(split) for name, split in {"train": documents, **scored}.items()},
        "gold_spans": dataclasses.asdict(lost),
        "training": {
            "seconds": round(seconds, 1),
            "epochs": outcome.metrics["epoch"],
            "tokens_per_epoch": sum(dataset["length"]),  # padding not counted
        },
    }
    metrics |= {name: evaluate(tagger, split).to_record() for name, split in scored.items()}
    folder = Path(config.output_dir) / CHECKPOINT
    if trainer.is_world_process_zero():
        save(folder, model, hf_tokenizer, settings)
        write_json(Path(config.output_dir) / "metrics.json", metrics)
        lines = (json.dumps(entry) + "\n" for entry in trainer.state.log_history)
        (Path(config.output_dir) / "training_log.jsonl").write_text("".join(lines), "utf-8")
    return TrainResult(folder, metrics, tuple(scored), trainer.is_world_process_zero())


def evaluate(tagger: Tagger, documents: Sequence[Document]) -> StrictScores:
    """Strict scores of a tagger on annotated documents."""
    predicted = tagger.tag([document.text for document in documents])
    return strict_scores([document.spans for document in documents], predicted, tagger.scheme.roles)


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, settings: Settings) -> None:
    """Write a checkpoint that transformers and this package load."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings.save(folder)


def training_arguments(config: TrainingConfig, folder: Path) -> TrainingArguments:
    """``TrainingArguments`` of the same names.

    Raises:
        ConfigError: with transformers' own explanation, for values it refuses.
    """
    values = dataclasses.asdict(config)
    patience = values.pop("early_stopping_patience")
    if patience is not None and not config.load_best_model_at_end:
        raise ConfigError(
            "training.early_stopping_patience needs the best checkpoint",
            remedy="set training.load_best_model_at_end=true",
        )
    # Trainer takes bf16 on a CPU only when told that it is to use one.
    values["use_cpu"] = config.use_cpu or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    try:
        return TrainingArguments(
            output_dir=str(folder), length_column_name="length", dataloader_pin_memory=False, **values
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"transformers refuses the training settings: {error}", where="training") from None


def _resume_point(setting: str | None, folder: Path) -> str | None:
    """The Trainer checkpoint to go on from: a folder, or with ``last`` the newest one of the same output folder."""
    if setting is None:
        return None
    found: str | None = setting
    if setting == "last":
        found = get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]
    if found is None or not Path(found).is_dir():
        raise ConfigError(
            f"there is no checkpoint to resume from at {folder if setting == 'last' else setting}",
            where="training.resume_from_checkpoint",
            remedy="leave it out to begin anew",
        )
    return found


def _callbacks(config: TrainingConfig) -> list[EarlyStoppingCallback]:
    patience = config.early_stopping_patience
    return [] if patience is None else [EarlyStoppingCallback(early_stopping_patience=patience)]


class TaggerTrainer(Trainer):
    """A Trainer that evaluates on documents, with the windows and the decoding that users get."""

    def __init__(self, *, tagger: Tagger, dev: Sequence[Document], **options: Any) -> None:
        super().__init__(eval_dataset=[{}], **options)  # not None, or Trainer refuses to evaluate
        self._tagger = tagger
        self._dev = dev

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Strict scores on the dev documents; every process of a distributed run computes the same ones."""
        scores = evaluate(self._tagger, self._dev)
        metrics = {
            f"{metric_key_prefix}_role_f1": scores.roles.f1,
            f"{metric_key_prefix}_overall_f1": scores.overall.f1,
        } | {f"{metric_key_prefix}_{role}_f1": score.f1 for role, score in scores.per_role.items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

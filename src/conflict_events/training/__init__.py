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
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.trainer_utils import get_last_checkpoint

from conflict_events.checkpoint import Settings
from conflict_events.config import TrainConfig, TrainingConfig
from conflict_events.corpora import Corpus
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import ConfigError
from conflict_events.labels import LabelScheme
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.network import LINKER_CONFIG, LINKER_WEIGHTS, Linker, save_linker
from conflict_events.linking.rule import TypeModel
from conflict_events.metrics.events import EventScores, event_scores
from conflict_events.metrics.score import Score
from conflict_events.metrics.strict import StrictScores, strict_scores
from conflict_events.model import load_encoder
from conflict_events.schema import Document, Layer
from conflict_events.tagging import Tagger
from conflict_events.training.calibrating import fit_confidence
from conflict_events.training.encoding import Collator, encode
from conflict_events.training.joint import JointModel
from conflict_events.windows import TextTokenizer
from conflict_events.writers import write_json

CHECKPOINT = "checkpoint"


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


def train(config: TrainConfig, corpus: Corpus) -> TrainResult:
    """Fine-tune, keep the best epoch by dev strict micro-F1 over roles, fit confidence on dev, write the checkpoint.

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
    types = TypeModel.fit(documents)
    linker = None
    if config.linker.enabled and types is not None:
        linker = Linker(model.config.hidden_size, len(ROLES), len(TYPES), config.linker)
    dataset, lost = encode(
        documents, tokenizer, scheme, config.window, linker.reach if linker else None, corpus.config.language
    )
    tagger = Tagger(
        tokenizer,
        TorchEngine(model, linker),
        scheme,
        range(len(scheme.labels)),
        config.window,
        config.decoding,
        linker.reach if linker else None,
        types,
        corpus.config.language,
    )
    trainer = TaggerTrainer(
        tagger=tagger,
        dev=scored["dev"],
        model=JointModel(model, linker, config.linker.loss_weight, config.training.label_smoothing_factor),
        args=arguments,
        train_dataset=dataset,
        processing_class=hf_tokenizer,
        data_collator=Collator(model.config.pad_token_id or 0),
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
    confidence = fit_confidence(scored["dev"], tagger.read([document.text for document in scored["dev"]]))
    least = config.decoding.min_score
    tagger = dataclasses.replace(tagger, confidence=confidence if least is None else confidence.at(least))
    metrics |= {name: evaluate(tagger, split).to_record() for name, split in scored.items()}
    folder = Path(config.output_dir) / CHECKPOINT
    if trainer.is_world_process_zero():
        settings = Settings(
            window=config.window,
            decoding=config.decoding,
            language=corpus.config.language,
            name=f"{corpus.config.name}-{config.training.seed}",
            event_types=types.to_record() if types else None,
            confidence=confidence.to_record(),
        )
        save(folder, model, hf_tokenizer, settings)
        for name in (LINKER_CONFIG, LINKER_WEIGHTS):
            (folder / name).unlink(missing_ok=True)  # an earlier run's would pass for this one's
        if linker is not None:
            save_linker(linker, folder, config.linker)
        write_json(Path(config.output_dir) / "metrics.json", metrics)
        lines = (json.dumps(entry) + "\n" for entry in trainer.state.log_history)
        (Path(config.output_dir) / "training_log.jsonl").write_text("".join(lines), "utf-8")
    return TrainResult(folder, metrics, tuple(scored), trainer.is_world_process_zero())


@dataclass(frozen=True)
class Scores:
    """Strict span scores and, where documents have events and the checkpoint finds them, event scores."""

    spans: StrictScores
    events: EventScores | None

    def to_record(self) -> dict[str, Any]:
        record = self.spans.to_record()
        return record if self.events is None else record | {"events": self.events.to_record()}


def evaluate(tagger: Tagger, documents: Sequence[Document]) -> Scores:
    """Scores of a tagger on annotated documents."""
    readings = tagger.read([document.text for document in documents])
    spans = strict_scores([d.spans for d in documents], [r.spans for r in readings], tagger.scheme.roles)
    with_events = [(d, r.events) for d, r in zip(documents, readings, strict=True) if Layer.EVENTS in d.layers]
    if not (tagger.finds_events and with_events):
        return Scores(spans, None)
    return Scores(spans, event_scores([d for d, _ in with_events], [e for _, e in with_events]))


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
    values["label_smoothing_factor"] = 0.0  # the joint model's losses have it
    values["use_cpu"] = config.use_cpu or not (torch.cuda.is_available() or torch.backends.mps.is_available())
    try:
        return TrainingArguments(
            output_dir=str(folder),
            length_column_name="length",
            dataloader_pin_memory=False,
            remove_unused_columns=False,
            **values,
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
            f"{metric_key_prefix}_role_f1": scores.spans.roles.f1,
            f"{metric_key_prefix}_overall_f1": scores.spans.overall.f1,
        } | {f"{metric_key_prefix}_{role}_f1": score.f1 for role, score in scores.spans.per_role.items()}
        if scores.events is not None:
            metrics[f"{metric_key_prefix}_linked_f1"] = Score.of(scores.events.counts["linked"]).f1
            metrics[f"{metric_key_prefix}_type_accuracy"] = scores.events.type_accuracy
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

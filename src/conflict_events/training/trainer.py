"""The Hugging Face ``Trainer`` with the scores that users get."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from conflict_events.config import TrainingConfig
from conflict_events.errors import ConfigError
from conflict_events.metrics.events import EventScores, event_scores
from conflict_events.metrics.score import Score
from conflict_events.metrics.strict import StrictScores, strict_scores
from conflict_events.schema import Document, Layer
from conflict_events.tagging import Tagger

LAST = "last"


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


def training_arguments(config: TrainingConfig, folder: Path) -> TrainingArguments:
    """``TrainingArguments`` of the same names.

    Raises:
        ConfigError: with transformers' own explanation, for values it refuses.
    """
    values = dataclasses.asdict(config)
    patience = values.pop("early_stopping_patience")
    del values["head_learning_rate"]  # the trainer's own
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


def has_steps(folder: Path) -> bool:
    """Whether the Trainer left a checkpoint to go on from."""
    return folder.is_dir() and get_last_checkpoint(str(folder)) is not None  # type: ignore[no-untyped-call]


def resume_point(setting: str | None, folder: Path) -> str | None:
    """The Trainer checkpoint to go on from: a folder, or with ``last`` the newest one of the same output folder."""
    if setting is None:
        return None
    found: str | None = setting
    if setting == LAST:
        found = get_last_checkpoint(str(folder)) if folder.is_dir() else None  # type: ignore[no-untyped-call]
    if found is None or not Path(found).is_dir():
        raise ConfigError(
            f"there is no checkpoint to resume from at {folder if setting == LAST else setting}",
            where="training.resume_from_checkpoint",
            remedy="leave it out to begin anew",
        )
    return found


def early_stopping(config: TrainingConfig) -> list[EarlyStoppingCallback]:
    patience = config.early_stopping_patience
    return [] if patience is None else [EarlyStoppingCallback(early_stopping_patience=patience)]


class TaggerTrainer(Trainer):
    """A Trainer that evaluates on documents, with the windows and the decoding that users get.

    Args:
        tagger: with the networks that are trained.
        dev: the documents.
        head_learning_rate: of everything that is not the encoder; None for the encoder's.
        options: of ``Trainer``; its model is a :class:`conflict_events.training.joint.JointModel`.
    """

    def __init__(
        self, *, tagger: Tagger, dev: Sequence[Document], head_learning_rate: float | None = None, **options: Any
    ) -> None:
        super().__init__(eval_dataset=[{}], **options)  # not None, or Trainer refuses to evaluate
        self._tagger = tagger
        self._dev = dev
        self._head_learning_rate = head_learning_rate

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Trainer's own, in which classifier and linker, which begin at random, may learn faster than the encoder."""
        is_new = self.optimizer is None
        optimizer: torch.optim.Optimizer = super().create_optimizer(model)
        if is_new and self._head_learning_rate is not None:
            encoder = {id(weights) for weights in self.model.tagger.base_model.parameters()}  # type: ignore[union-attr]
            for group in list(optimizer.param_groups):
                heads = [weights for weights in group["params"] if id(weights) not in encoder]
                group["params"] = [weights for weights in group["params"] if id(weights) in encoder]
                optimizer.add_param_group({**group, "params": heads, "lr": self._head_learning_rate})
        return optimizer

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: list[str] | None = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Strict scores on the dev documents, in the precision of the training; every process of a distributed run
        computes the same ones."""
        with self.accelerator.autocast():
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

"""The plain recipe: what a user would otherwise take from a tutorial on token classification.

The text is truncated at ``max_length`` tokens and padded to as many; every sub-token has a label; the Hugging Face
``Trainer`` trains with its defaults, and ``transformers.pipeline`` predicts with ``aggregation_strategy="simple"``:
the likeliest label of each token, adjacent ones grouped, no constraints. As in the ``run_ner`` example of transformers,
the epoch with the best seqeval F1 on dev is kept. What comes after the truncation is lost, in training and in use.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from seqeval.metrics import f1_score
from transformers import (
    EvalPrediction,
    PreTrainedTokenizerFast,
    TokenClassificationPipeline,
    Trainer,
    TrainingArguments,
    default_data_collator,
    set_seed,
)

from conflict_events.baselines.base import Options, Prediction, check_train, events_by_rule
from conflict_events.config import WindowConfig
from conflict_events.labels import IGNORE, LabelScheme
from conflict_events.linking.rule import TypeModel
from conflict_events.model import load_encoder
from conflict_events.schema import Document, Span


class Plain:
    """The plain recipe.

    Args:
        max_length: where texts are truncated, in tokens, special tokens included.
        options: encoder, seed, epochs, learning rate, batch size, precision.
    """

    def __init__(self, max_length: int, options: Options) -> None:
        self.max_length = max_length
        self._options = options
        self.train_seconds = 0.0  # of the last fit, without loading
        self.train_tokens = 0  # that it learnt from in each epoch: neither padding nor what was truncated
        self._types: TypeModel | None = None
        self._pipeline: TokenClassificationPipeline | None = None

    def fit(self, train: Sequence[Document], dev: Sequence[Document], roles: Sequence[str]) -> None:
        """Fine-tune the encoder.

        Raises:
            DataError: if there is nothing to learn from.
            CheckpointError: if the encoder cannot be loaded.
            ConfigError: if the encoder takes fewer tokens than ``max_length``.
        """
        check_train(train)
        scheme = LabelScheme(tuple(roles))
        set_seed(self._options.seed)
        model, tokenizer = load_encoder(self._options.model, scheme, WindowConfig(self.max_length, overlap=0))
        with tempfile.TemporaryDirectory() as folder:
            encoded = self._encode(train, tokenizer, scheme)
            trainer = Trainer(
                model=model,
                args=self._arguments(folder, evaluates=bool(dev)),
                train_dataset=encoded,
                eval_dataset=self._encode(dev, tokenizer, scheme) if dev else None,
                data_collator=default_data_collator,
                compute_metrics=lambda prediction: _f1(prediction, scheme),
            )
            began = time.perf_counter()
            trainer.train()
            self.train_seconds = time.perf_counter() - began
            self.train_tokens = sum(map(sum, encoded["attention_mask"]))
        model.train(False)
        self._types = TypeModel.fit(train)
        self._pipeline = TokenClassificationPipeline(  # type: ignore[no-untyped-call]
            model=model, tokenizer=tokenizer, aggregation_strategy="simple", device=model.device
        )

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """What the pipeline finds in the first ``max_length`` tokens of each text."""
        assert self._pipeline is not None, "fit first"
        found: list[Prediction] = []
        for text in texts:
            spans = [
                Span.of(text, group["entity_group"].lower(), int(group["start"]), int(group["end"]), _score(group))
                for group in self._pipeline(text)
                if group["start"] < group["end"]
            ]
            found.append((spans, events_by_rule(text, spans, self._types, self._options.language)))
        return found

    def _arguments(self, folder: str, evaluates: bool) -> TrainingArguments:
        each_epoch = "epoch" if evaluates else "no"
        return TrainingArguments(
            output_dir=folder,
            num_train_epochs=self._options.epochs,
            learning_rate=self._options.learning_rate,
            per_device_train_batch_size=self._options.batch_size,
            seed=self._options.seed,
            bf16=self._options.bf16,
            use_cpu=not (torch.cuda.is_available() or torch.backends.mps.is_available()),  # asked for with bf16
            eval_strategy=each_epoch,
            save_strategy=each_epoch,
            save_only_model=True,
            save_total_limit=1,
            load_best_model_at_end=evaluates,
            metric_for_best_model="f1",
            logging_strategy="no",
            report_to="none",
            dataloader_pin_memory=False,
        )

    def _encode(
        self, documents: Sequence[Document], tokenizer: PreTrainedTokenizerFast, scheme: LabelScheme
    ) -> Dataset:
        encoded = tokenizer(
            [document.text for document in documents],
            truncation=True,
            padding="max_length",
            max_length=self.max_length,
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        rows: list[dict[str, Any]] = []
        for number, document in enumerate(documents):
            labels, _ = scheme.encode(np.array(encoded["offset_mapping"][number]), document.spans)
            labels[np.array(encoded["special_tokens_mask"][number], dtype=bool)] = IGNORE  # padding, too
            rows.append({name: encoded[name][number] for name in ("input_ids", "attention_mask")} | {"labels": labels})
        return Dataset.from_list(rows)


def _score(group: dict[str, Any]) -> float:
    return min(float(group["score"]), 1.0)  # a mean of float32 probabilities may exceed 1 by a rounding error


def _f1(prediction: EvalPrediction, scheme: LabelScheme) -> dict[str, float]:
    """seqeval's F1 over the tokens that were not truncated, as the example of transformers computes it."""
    names = np.array(scheme.labels)
    guesses = np.asarray(prediction.predictions).argmax(axis=-1)
    gold = np.asarray(prediction.label_ids)
    true = [names[row[row != IGNORE]].tolist() for row in gold]
    guessed = [names[guess[row != IGNORE]].tolist() for guess, row in zip(guesses, gold, strict=True)]
    return {"f1": float(f1_score(true, guessed, zero_division=0))}

"""Fine-tuning a token classifier on a corpus with the Hugging Face ``Trainer``."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast, set_seed

from conflict_events.checkpoint import Settings
from conflict_events.config import (
    DistillationConfig,
    FirstConfig,
    ModelConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.corpora import Corpus, load
from conflict_events.corpora.fingerprint import fingerprint
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import ConfigError
from conflict_events.hub.resolving import ONNX
from conflict_events.labels import LabelScheme
from conflict_events.linking.decoding import ROLES, TYPES
from conflict_events.linking.network import LINKER_WEIGHTS, Linker, save_linker
from conflict_events.linking.rule import TypeModel
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.model import load_encoder
from conflict_events.tagging import Tagger
from conflict_events.training.calibrating import fit_confidence
from conflict_events.training.distilling import taught
from conflict_events.training.encoding import Collator, encode
from conflict_events.training.faster import make_faster
from conflict_events.training.joint import JointModel
from conflict_events.training.screening import fit_screen
from conflict_events.training.trainer import (
    LAST,
    TaggerTrainer,
    early_stopping,
    evaluate,
    has_steps,
    resume_point,
    training_arguments,
)
from conflict_events.windows import TextTokenizer
from conflict_events.writers import write_json

CHECKPOINT = "checkpoint"
METRICS = "metrics.json"
STEPS = "trainer"


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
    if config.first is not None:
        config = _with_learned_encoder(config, config.first)
    documents = corpus.split("train")[: config.limit]
    scored = {name: corpus.split(name)[: config.limit] for name in ("dev", config.test_split) if name}
    if config.training.load_best_model_at_end and not any(document.spans for document in scored["dev"]):
        raise ConfigError(
            f"the dev split of {corpus.config.name!r} has no annotated spans, so no epoch can be told to be the best",
            remedy="move annotated documents there, or set training.load_best_model_at_end=false",
        )
    scheme = LabelScheme(tuple(corpus.config.roles))
    steps_folder = Path(config.output_dir) / STEPS
    arguments = training_arguments(config.training, steps_folder)
    set_seed(config.training.seed)
    model, hf_tokenizer = load_encoder(config.model, scheme, config.window)
    tokenizer = TextTokenizer(hf_tokenizer.backend_tokenizer)
    types = TypeModel.fit(documents)
    linker = None
    if config.linker.enabled and types is not None:
        linker = Linker(model.config.hidden_size, len(ROLES), len(TYPES), config.linker)
    tagger = Tagger(
        tokenizer,
        TorchEngine(model, linker),
        scheme,
        scheme.columns,
        config.window,
        config.decoding,
        linker.reach if linker else None,
        types,
        corpus.config.language,
    )
    own = config.distillation.own
    teacher = config.distillation.teacher
    if teacher is None and own is not None:
        teacher = _trained_before(config, "teacher", corpus, own.model, config.window, own.training)
    soft, texts = taught(config.distillation, teacher, tagger, documents, bf16=config.training.bf16)
    dataset, lost = encode(
        documents, tokenizer, scheme, config.window, tagger.reach, corpus.config.language, soft, texts, corpus.unread
    )
    trainer = TaggerTrainer(
        tagger=tagger,
        dev=scored["dev"],
        head_learning_rate=config.training.head_learning_rate,
        model=make_faster(
            JointModel(
                model,
                linker,
                config.linker.loss_weight,
                config.training.label_smoothing_factor,
                config.distillation.weight,
            )
        ),
        args=arguments,
        train_dataset=dataset,
        processing_class=hf_tokenizer,
        data_collator=Collator(model.config.pad_token_id or 0),
        callbacks=early_stopping(config.training),
    )
    resume = None
    if has_steps(steps_folder) or not (teacher or config.first):  # or an interruption was in what is trained before
        resume = resume_point(config.training.resume_from_checkpoint, steps_folder)
    if resume is None and trainer.is_world_process_zero():
        shutil.rmtree(steps_folder, ignore_errors=True)  # or an earlier run's steps would pass for this one's
    began = time.perf_counter()
    outcome = trainer.train(resume_from_checkpoint=resume)
    seconds = time.perf_counter() - began
    splits = {"train": documents, **scored}
    metrics: dict[str, Any] = {
        "corpus": corpus.config.name,
        "seed": config.training.seed,
        "documents": {name: len(split) for name, split in splits.items()},
        "sha256": {name: fingerprint(split) for name, split in splits.items()},
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
        screen = fit_screen(documents, tokenizer, corpus.config.language)
        settings = Settings(
            window=config.window,
            decoding=config.decoding,
            language=corpus.config.language,
            name=f"{corpus.config.name}-{config.training.seed}",
            event_types=types.to_record() if types and linker is None else None,
            confidence=confidence.to_record(),
            screen=screen.to_record() if screen else None,
        )
        save(folder, model, hf_tokenizer, settings)
        for name in (LINKER_CONFIG, LINKER_WEIGHTS):
            (folder / name).unlink(missing_ok=True)  # an earlier run's would pass for this one's
        shutil.rmtree(folder / ONNX, ignore_errors=True)  # so would its graphs
        if linker is not None:
            save_linker(linker, folder, config.linker)
        write_json(Path(config.output_dir) / METRICS, metrics)
        lines = (json.dumps(entry) + "\n" for entry in trainer.state.log_history)
        (Path(config.output_dir) / "training_log.jsonl").write_text("".join(lines), "utf-8")
    trainer.accelerator.wait_for_everyone()  # what is trained next reads the checkpoint in every process
    return TrainResult(folder, metrics, tuple(scored), trainer.is_world_process_zero())


def _with_learned_encoder(config: TrainConfig, first: FirstConfig) -> TrainConfig:
    """The config with the encoder that ``first`` has trained."""
    anew = dataclasses.replace(config.model, begin_as={})
    folder = _trained_before(config, "first", load(first.corpus), anew, first.window, first.training)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, encoder=folder, revision=None))


def _trained_before(
    config: TrainConfig, name: str, corpus: Corpus, model: ModelConfig, window: WindowConfig, training: TrainingConfig
) -> str:
    """The checkpoint of a model that is trained now, below the output folder, with the same seed and linker settings.

    One that an interrupted run has finished is taken as it is.
    """
    folder = Path(config.output_dir) / name
    goes_on = config.training.resume_from_checkpoint is not None
    if goes_on and (folder / METRICS).is_file():
        return str(folder / CHECKPOINT)
    settings = dataclasses.replace(
        config,
        corpus=corpus.config,
        model=model,
        window=window,
        training=dataclasses.replace(
            training, seed=config.training.seed, resume_from_checkpoint=LAST if goes_on else None
        ),
        first=None,
        distillation=DistillationConfig(),
        output_dir=str(folder),
        test_split=None,
    )
    return str(train(settings, corpus).checkpoint)


def save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, settings: Settings) -> None:
    """Write a checkpoint that transformers and this package load."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings.save(folder)

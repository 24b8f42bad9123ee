from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from conftest import ROLES, ROOT, SMALL_LINKER, roles_only, violent_documents
from safetensors.torch import load_file
from transformers import AutoModelForTokenClassification, pipeline

from conflict_events.checkpoint import Settings, label_scheme
from conflict_events.confidence import Confidence
from conflict_events.config import (
    CorpusConfig,
    DecodingConfig,
    FirstConfig,
    LinkerConfig,
    ModelConfig,
    TrainConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.corpora import load
from conflict_events.corpora.fingerprint import fingerprint
from conflict_events.corpora.formats import jsonl
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import ConfigError
from conflict_events.extractor import EventExtractor
from conflict_events.labels import LabelScheme
from conflict_events.linking.network import LINKER_WEIGHTS
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.model import load_encoder
from conflict_events.schema import Document, Role
from conflict_events.scores import Scored
from conflict_events.training import evaluate, train, training_arguments

QUICK = {
    "max_steps": 4, "per_device_train_batch_size": 2, "learning_rate": 5e-3, "eval_strategy": "steps",
    "eval_steps": 2, "save_strategy": "steps", "save_steps": 2, "logging_steps": 1,
}  # fmt: skip

LAUNCHERS = [
    pytest.param(["torch.distributed.run", "--standalone", "--nproc-per-node=2"], id="torchrun"),
    pytest.param(
        ["accelerate.commands.launch", "--multi_gpu", "--num_processes=2", "--num_machines=1", "--mixed_precision=no",
         "--dynamo_backend=no", "--main_process_port=0"],
        id="accelerate",
    ),
]  # fmt: skip


def config_for(corpus: CorpusConfig, encoder: Path, output: Path, **training: object) -> TrainConfig:
    return TrainConfig(
        corpus=corpus,
        model=ModelConfig(encoder=str(encoder)),
        linker=SMALL_LINKER,
        window=WindowConfig(64, 16),
        training=TrainingConfig(**{**QUICK, **training}),  # type: ignore[arg-type]
        output_dir=str(output),
    )


def test_early_stopping_needs_the_best_checkpoint(tmp_path: Path) -> None:
    settings = TrainingConfig(early_stopping_patience=2, load_best_model_at_end=False)
    with pytest.raises(ConfigError, match="load_best_model_at_end=true"):
        training_arguments(settings, tmp_path)


def test_a_setting_that_transformers_refuses_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="sometimes"):
        training_arguments(TrainingConfig(lr_scheduler_type="sometimes"), tmp_path)


def test_training_writes_a_checkpoint_that_says_how_it_is_used(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    result = train(config_for(tiny_corpus, tiny_encoder, tmp_path / "out"), load(tiny_corpus))
    assert {
        "model.safetensors", "tokenizer.json", "config.json", "conflict_events.json", LINKER_WEIGHTS, LINKER_CONFIG,
    } <= {path.name for path in result.checkpoint.iterdir()}  # fmt: skip
    assert label_scheme(result.checkpoint)[0] == LabelScheme(ROLES)
    settings = Settings.load(result.checkpoint)
    assert settings.window == WindowConfig(64, 16)
    assert settings.name == "tiny-13"
    assert settings.event_types is None, "the linker says the types"
    assert Confidence.from_record(settings.confidence) is not None
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert metrics == result.metrics
    assert metrics["documents"] == {"train": 6, "dev": 3, "test": 3}
    assert metrics["sha256"]["train"] == fingerprint(violent_documents(6, "train"))
    assert metrics["gold_spans"] == {"spans": 24, "cut": 0, "competing": 0}
    log = [json.loads(line) for line in (tmp_path / "out" / "training_log.jsonl").read_text("utf-8").splitlines()]
    assert any("loss" in entry for entry in log)
    assert any("eval_role_f1" in entry for entry in log)


def test_the_same_seed_gives_the_same_scores_and_another_seed_other_losses(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    def losses(name: str, seed: int) -> list[float]:
        config = config_for(tiny_corpus, tiny_encoder, tmp_path / name, seed=seed)
        train(config, load(tiny_corpus))
        lines = (tmp_path / name / "training_log.jsonl").read_text("utf-8").splitlines()
        return [entry["loss"] for entry in map(json.loads, lines) if "loss" in entry]

    first = losses("a", 0)
    assert first == losses("b", 0)
    assert first != losses("c", 1)


def test_a_run_resumes_from_its_last_checkpoint(tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path) -> None:
    train(config_for(tiny_corpus, tiny_encoder, tmp_path), load(tiny_corpus))
    resumed = config_for(tiny_corpus, tiny_encoder, tmp_path, max_steps=6, resume_from_checkpoint="last")
    train(resumed, load(tiny_corpus))
    log = [json.loads(line) for line in (tmp_path / "training_log.jsonl").read_text("utf-8").splitlines()]
    steps = [entry["step"] for entry in log if "loss" in entry]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_resumed_run_ends_where_one_that_was_not_interrupted_ends(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    def run(name: str, **training: object) -> dict[str, torch.Tensor]:
        steady = {"lr_scheduler_type": "constant", "load_best_model_at_end": False} | training
        result = train(config_for(tiny_corpus, tiny_encoder, tmp_path / name, **steady), load(tiny_corpus))
        return load_file(result.checkpoint / LINKER_WEIGHTS)

    whole = run("whole", max_steps=6)
    first = run("parts", max_steps=4)
    second = run("parts", max_steps=6, resume_from_checkpoint="last")
    assert not torch.allclose(first["token.weight"], second["token.weight"], atol=1e-5)
    for name, weights in whole.items():
        torch.testing.assert_close(second[name], weights, atol=1e-5, rtol=1e-3)


# Events


def without_events(corpus: CorpusConfig) -> CorpusConfig:
    """The same corpus as one that does not annotate events."""
    for split in ("train", "dev", "test"):
        jsonl.write(Path(corpus.path) / f"{split}.jsonl", map(roles_only, load(corpus).split(split)))
    return corpus


def names(checkpoint: Path) -> set[str]:
    return {path.name for path in checkpoint.iterdir()}


def test_a_trained_checkpoint_finds_events(tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path) -> None:
    config = config_for(
        tiny_corpus, tiny_encoder, tmp_path, max_steps=80, eval_steps=80, save_steps=80, logging_steps=20
    )
    result = train(config, load(tiny_corpus))
    assert result.metrics["dev"]["events"]["linked"]["f1"] > 0.9
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    assert extractor.tagger.reach == SMALL_LINKER.reach
    for document in load(tiny_corpus).split("train"):
        (annotated,), (event,) = document.events, extractor.extract(document.text).events
        assert (event.type, event.trigger.key) == (annotated.type, annotated.trigger.key)
        assert [s.key for s in event.arguments] == [s.key for s in annotated.arguments]
        for score in (event.score, event.type_score, event.trigger.score, *(s.score for s in event.arguments)):
            assert score is not None
            assert 0 <= score <= 1
    tagger = pipeline("token-classification", model=str(result.checkpoint), device="cpu")
    assert [(token["word"], token["entity"]) for token in tagger("rebels bombed the village")] == [
        ("rebels", "B-ATTACKER"),
        ("bombed", "B-TRIGGER"),
        ("village", "B-TARGET"),
    ]


def test_what_training_reports_is_what_the_checkpoint_gives(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    corpus = load(tiny_corpus)
    config = config_for(tiny_corpus, tiny_encoder, tmp_path, max_steps=12, eval_steps=12, save_steps=12)
    result = train(config, corpus)
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    for split in ("dev", "test"):
        assert evaluate(extractor.tagger, corpus.split(split)).to_record() == result.metrics[split]


def test_a_corpus_without_events_trains_the_tagger_only(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    corpus = load(without_events(tiny_corpus))
    result = train(config_for(tiny_corpus, tiny_encoder, tmp_path), corpus)
    assert names(result.checkpoint).isdisjoint({LINKER_CONFIG, LINKER_WEIGHTS})
    assert Settings.load(result.checkpoint).event_types is None
    assert "events" not in result.metrics["dev"]
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    assert not extractor.finds_events
    assert [extraction.events for extraction in extractor.extract_many(d.text for d in corpus.split("dev"))] == [()] * 3


def test_triggers_are_learnt_from_an_added_corpus_where_a_corpus_has_no_events(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    added = CorpusConfig(name="added", format="jsonl", path=str(tmp_path / "added"), roles=list(ROLES))
    jsonl.write(Path(added.path) / "train.jsonl", violent_documents(6, "train"))
    without_events(tiny_corpus)
    tiny_corpus.extra = {"added": added}
    config = config_for(tiny_corpus, tiny_encoder, tmp_path / "out", max_steps=80, eval_steps=80, save_steps=80)
    result = train(config, load(tiny_corpus))
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    for document in violent_documents(6, "train"):
        (event,) = extractor.extract(document.text).events
        assert event.trigger.key == document.events[0].trigger.key


def test_between_epochs_dev_is_read_in_the_precision_of_the_training_and_in_the_end_as_users_read(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, mixed = TorchEngine.run, []

    def noted(self: TorchEngine, windows: Sequence[Sequence[int]]) -> list[Scored]:
        mixed.append(torch.is_autocast_enabled("cpu"))
        return run(self, windows)

    monkeypatch.setattr(TorchEngine, "run", noted)
    for bf16 in (False, True):
        mixed.clear()
        train(config_for(tiny_corpus, tiny_encoder, tmp_path, bf16=bf16), load(tiny_corpus))
        assert mixed == [bf16, bf16, False, False, False], "two evaluations, then confidence, dev and test"


def test_without_a_linker_events_come_from_the_rule_even_where_an_earlier_run_left_one(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = config_for(tiny_corpus, tiny_encoder, tmp_path)
    train(config, load(tiny_corpus))
    config.linker = LinkerConfig(enabled=False)
    result = train(config, load(tiny_corpus))
    assert names(result.checkpoint).isdisjoint({LINKER_CONFIG, LINKER_WEIGHTS})
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    assert extractor.tagger.reach is None
    assert extractor.finds_events
    assert "events" in result.metrics["dev"]


def test_the_configs_min_score_is_that_of_the_checkpoint(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = config_for(tiny_corpus, tiny_encoder, tmp_path)
    config.decoding = DecodingConfig(min_score=1.0)
    result = train(config, load(tiny_corpus))
    assert result.metrics["dev"]["overall"]["recall"] == 0.0
    assert Settings.load(result.checkpoint).decoding.min_score == 1.0
    extractor = EventExtractor.from_pretrained(result.checkpoint, device="cpu")
    assert extractor.extract("rebels bombed the village").spans == ()


def test_a_missing_split_is_told_before_training(tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path) -> None:
    (Path(tiny_corpus.path) / "test.jsonl").unlink()
    with pytest.raises(ConfigError, match="no split 'test'"):
        train(config_for(tiny_corpus, tiny_encoder, tmp_path / "out"), load(tiny_corpus))
    assert not (tmp_path / "out").exists()


def test_a_dev_split_that_no_epoch_can_be_judged_by_is_told_before_training(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    corpus = load(tiny_corpus)
    for dev in ([], [Document("a", "Nothing happened.")]):
        with pytest.raises(ConfigError, match="dev split of 'tiny' has no annotated spans"):
            train(
                config_for(tiny_corpus, tiny_encoder, tmp_path / "out"),
                dataclasses.replace(corpus, splits={**corpus.splits, "dev": dev}),
            )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("setting", ["last", "nowhere"])
def test_resuming_from_nothing_is_refused(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path, setting: str
) -> None:
    config = config_for(tiny_corpus, tiny_encoder, tmp_path, resume_from_checkpoint=setting)
    with pytest.raises(ConfigError, match="no checkpoint to resume from"):
        train(config, load(tiny_corpus))


def test_early_stopping_ends_a_run_that_no_longer_improves(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    config = config_for(tiny_corpus, tiny_encoder, tmp_path, max_steps=40, learning_rate=0.0, early_stopping_patience=2)
    train(config, load(tiny_corpus))
    log = [json.loads(line) for line in (tmp_path / "training_log.jsonl").read_text("utf-8").splitlines()]
    assert max(entry["step"] for entry in log) == 6  # the first evaluation, and two that are no better


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_two_processes_train_one_model(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path, launcher: list[str]
) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable, "-m", *launcher, "scripts/train.py",
        f"corpus.path={tiny_corpus.path}", "corpus.name=tiny", f"model.encoder={tiny_encoder}", "window.max_tokens=64",
        "window.overlap=16", "training.use_cpu=true", "training.ddp_backend=gloo", f"hydra.run.dir={out}",
        *(f"training.{key}={value}" for key, value in QUICK.items()),
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("checkpoint: ") == 1, "one process reports"
    log = [json.loads(line) for line in (out / "training_log.jsonl").read_text("utf-8").splitlines()]
    # Two processes take two documents each at a step: the six are through in two steps (one process needs three).
    assert max(entry["epoch"] for entry in log) == 2.0
    assert json.loads((out / "metrics.json").read_text("utf-8"))["documents"]["train"] == 6


def test_classifier_and_linker_may_learn_at_another_rate_than_the_encoder(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    rates = {"learning_rate": 1e-9, "head_learning_rate": 1e-2}
    config = config_for(tiny_corpus, tiny_encoder, tmp_path / "out", **rates)
    before = load_encoder(config.model, LabelScheme(ROLES), config.window)[0].base_model.state_dict()
    result = train(config, load(tiny_corpus))
    after = AutoModelForTokenClassification.from_pretrained(result.checkpoint)
    for name, weights in after.base_model.state_dict().items():
        torch.testing.assert_close(weights, before[name], atol=1e-5, rtol=0.0)
    assert after.classifier.bias.abs().max() > 1e-3, "it begins at zero"


def test_an_encoder_may_learn_another_corpus_first_and_does_so_once(
    tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path
) -> None:
    with_events = dataclasses.replace(
        tiny_corpus, path=str(shutil.copytree(tiny_corpus.path, tmp_path / "with_events"))
    )
    corpus = dataclasses.replace(without_events(tiny_corpus), roles=[*Role])
    config = config_for(corpus, tiny_encoder, tmp_path)
    config = dataclasses.replace(config, first=FirstConfig(with_events, WindowConfig(48, 8), config.training))
    result = train(config, load(config.corpus))
    first = tmp_path / "first"
    assert "test" not in json.loads((first / "metrics.json").read_text("utf-8")), "that is left for the end"
    assert names(first / "checkpoint") >= {LINKER_CONFIG, LINKER_WEIGHTS}
    assert names(result.checkpoint).isdisjoint({LINKER_CONFIG, LINKER_WEIGHTS}), "these roles have no events"
    assert Settings.load(first / "checkpoint").window == WindowConfig(48, 8)
    assert Settings.load(result.checkpoint).window == config.window
    assert label_scheme(first / "checkpoint")[0] == LabelScheme(ROLES)
    assert label_scheme(result.checkpoint)[0] == LabelScheme((*Role,))
    written = (first / "checkpoint" / "model.safetensors").stat().st_mtime_ns
    goes_on = dataclasses.replace(config.training, max_steps=6, resume_from_checkpoint="last")
    train(dataclasses.replace(config, training=goes_on), load(config.corpus))
    assert (first / "checkpoint" / "model.safetensors").stat().st_mtime_ns == written

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROLES, ROOT, wordpiece_tokenizer

from conflict_events.checkpoint import Settings, label_scheme
from conflict_events.config import CorpusConfig, ModelConfig, TrainConfig, TrainingConfig, WindowConfig
from conflict_events.corpora import load
from conflict_events.errors import ConfigError, DataError
from conflict_events.labels import IGNORE, LabelScheme
from conflict_events.schema import Document
from conflict_events.training import encode, train, training_arguments
from conflict_events.windows import TextTokenizer

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
        window=WindowConfig(64, 16),
        training=TrainingConfig(**{**QUICK, **training}),  # type: ignore[arg-type]
        output_dir=str(output),
    )


def document(text: str, *spans: tuple[str, str]) -> Document:
    record = {"id": "d", "text": text, "spans": []}
    for role, words in spans:
        start = text.index(words)
        record["spans"].append({"role": role, "start": start, "end": start + len(words)})  # type: ignore[attr-defined]
    return Document.from_record(record)


def test_encoding_frames_windows_and_labels_their_tokens() -> None:
    scheme = LabelScheme(ROLES)
    text = document("rebels bombed the village", ("attacker", "rebels"), ("target", "village"), ("trigger", "bombed"))
    dataset, lost = encode([text], TextTokenizer(wordpiece_tokenizer()), scheme, WindowConfig(64, 16))
    assert [scheme.id2label.get(n, "-") for n in dataset[0]["labels"]] == [
        "-", "B-ATTACKER", "B-TRIGGER", "O", "B-TARGET", "-",
    ]  # fmt: skip
    assert dataset[0]["length"] == len(dataset[0]["input_ids"]) == 6
    assert (lost.spans, lost.cut, lost.competing) == (3, 0, 0)


def test_a_span_that_a_window_shows_in_part_is_hidden_from_the_loss_there_and_whole_in_another() -> None:
    scheme = LabelScheme(ROLES)
    text = document("the " * 7 + "rebels near the village " + "the " * 9, ("attacker", "rebels near the village"))
    window = WindowConfig(max_tokens=14, overlap=6)
    dataset, lost = encode([text], TextTokenizer(wordpiece_tokenizer()), scheme, window)
    runs = [[n for n in row["labels"][1:-1] if n != 0] for row in dataset]
    begin, inside = scheme.begin("attacker"), scheme.inside("attacker")
    assert [begin, inside, inside, inside] in runs
    assert all(run in ([], [begin, inside, inside, inside], [IGNORE] * len(run)) for run in runs)
    assert any(IGNORE in run for run in runs), "the case under test does not occur"
    assert lost.cut == 0


def test_lost_gold_is_counted() -> None:
    long = "rebels " * 12
    cut = document(long + "the " * 12, ("attacker", long.strip()))
    competing = document("rebels bombed", ("attacker", "rebels"), ("target", "rebels"))
    tokenizer, scheme = TextTokenizer(wordpiece_tokenizer()), LabelScheme(ROLES)
    _, lost = encode([cut, competing], tokenizer, scheme, WindowConfig(12, 4))
    assert (lost.spans, lost.cut, lost.competing) == (3, 1, 1)


def test_a_training_split_without_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"corpus\.path"):
        encode([document("")], TextTokenizer(wordpiece_tokenizer()), LabelScheme(ROLES), WindowConfig())


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
    assert {"model.safetensors", "tokenizer.json", "config.json", "conflict_events.json"} <= {
        path.name for path in result.checkpoint.iterdir()
    }
    assert label_scheme(result.checkpoint)[0] == LabelScheme(ROLES)
    settings = Settings.load(result.checkpoint)
    assert settings.window == WindowConfig(64, 16)
    assert settings.name == "tiny-13"
    assert settings.event_types is not None
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert metrics == result.metrics
    assert metrics["documents"] == {"train": 6, "dev": 3, "test": 3}
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


def test_a_missing_split_is_told_before_training(tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path) -> None:
    (Path(tiny_corpus.path) / "test.jsonl").unlink()
    with pytest.raises(ConfigError, match="no split 'test'"):
        train(config_for(tiny_corpus, tiny_encoder, tmp_path / "out"), load(tiny_corpus))
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

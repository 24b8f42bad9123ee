"""Baselines beside a model: a folder of each, one summary, and who is surely better."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import violent_documents

from conflict_events.baselines.base import Prediction
from conflict_events.config import CheckpointConfig, CorpusConfig, EvaluateConfig
from conflict_events.corpora import Corpus, load
from conflict_events.errors import ConfigError
from conflict_events.evaluation import baselines
from conflict_events.evaluation.baselines import evaluate_baselines
from conflict_events.evaluation.results import Gold
from conflict_events.evaluation.scoring import predicted_run, scored
from conflict_events.schema import Document

CORPUS = Corpus(
    CorpusConfig("tiny", "jsonl", "x"), {split: violent_documents(8, split) for split in ("train", "dev", "test")}
)


def everything(documents: list[Document]) -> list[Prediction]:
    return [(list(d.spans), list(d.events)) for d in documents]


def nothing(documents: list[Document]) -> list[Prediction]:
    return [([], []) for _ in documents]


def half(documents: list[Document]) -> list[Prediction]:
    return [*everything(documents[:4]), *nothing(documents[4:])]


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Three baselines that need no training; what they were asked for."""
    asked: dict[str, object] = {}

    def run_baseline(name: str, corpus: Corpus, split: str, seed: int, **settings: object) -> list[Prediction]:
        asked[name] = (corpus.config.name, split, seed, settings["limit"])
        documents = corpus.split(split)[: settings["limit"]]  # type: ignore[misc]
        return {"good": everything, "bad": nothing, "middling": half}[name](documents)

    monkeypatch.setattr(baselines, "run_baseline", run_baseline)
    monkeypatch.setattr(baselines, "create", lambda name, options: None)
    return asked


def settings(folder: Path, names: list[str], **options: object) -> EvaluateConfig:
    return EvaluateConfig(
        corpus=CORPUS.config, baselines=names, split="dev", output_dir=str(folder), seed=5, **options  # type: ignore[arg-type]
    )  # fmt: skip


def run_folder(folder: Path, found: list[Prediction]) -> str:
    gold = Gold.of(CORPUS, "dev")
    run = predicted_run(found, gold, folder, folder.name, True, gold.roles)
    scored([run], gold, folder)
    return str(folder)


def test_each_baseline_has_a_folder_of_an_evaluation(tmp_path: Path, made_up: dict[str, object]) -> None:
    record = evaluate_baselines(settings(tmp_path, ["good", "bad", "good"]), CORPUS)
    assert made_up == {"good": ("tiny", "dev", 5, None), "bad": ("tiny", "dev", 5, None)}
    assert json.loads((tmp_path / "baselines.json").read_text("utf-8")) == record
    assert list(record["systems"]) == ["good", "bad"]
    assert record["differences"] == {}
    assert record["systems"]["good"]["scores.roles"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert record["systems"]["bad"]["events.exact.linked"]["value"] == 0.0
    for name, f1 in (("good", 1.0), ("bad", 0.0)):
        metrics = json.loads((tmp_path / name / "metrics.json").read_text("utf-8"))
        assert (metrics["model"], metrics["scores"]["roles"]["f1"]) == (name, f1)
        assert metrics["events"] is not None, "a baseline that finds no event scores 0, not nothing"
        assert len((tmp_path / name / "predictions.jsonl").read_text("utf-8").splitlines()) == 8


def test_the_model_leads_lags_or_neither(tmp_path: Path) -> None:
    seeds = [run_folder(tmp_path / f"seed-{n}", half(CORPUS.split("dev"))) for n in range(2)]
    record = evaluate_baselines(settings(tmp_path / "out", ["good", "bad", "middling"], runs=seeds), CORPUS)
    assert list(record["systems"]) == ["model", "good", "bad", "middling"]
    verdicts = {name: found["scores.roles"]["verdict"] for name, found in record["differences"].items()}
    assert verdicts == {"good": "worse", "bad": "better", "middling": "not surely better"}
    lead = record["differences"]["bad"]["scores.roles"]
    assert (lead["a"], lead["b"], lead["difference"]) == pytest.approx((2 / 3, 0.0, 2 / 3))
    assert lead["low"] > 0
    model = json.loads((tmp_path / "out" / "model" / "metrics.json").read_text("utf-8"))
    assert model["seeds"] == 2


def test_a_checkpoint_is_evaluated_beside_them(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    config = EvaluateConfig(
        corpus=tiny_corpus, baselines=["good"], split="dev", limit=2, output_dir=str(tmp_path / "out"),
        model=CheckpointConfig(path=str(tiny_checkpoint), device="cpu"),
    )  # fmt: skip
    record = evaluate_baselines(config, load(tiny_corpus))
    assert record["documents"] == 2
    assert record["differences"]["good"]["scores.roles"]["verdict"] == "worse"
    assert len((tmp_path / "out" / "model" / "predictions.jsonl").read_text("utf-8").splitlines()) == 2


def test_an_unknown_baseline_is_told_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_up: dict[str, object]
) -> None:
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="no baseline 'best'"):
        evaluate_baselines(settings(tmp_path / "out", ["crf", "best"]), CORPUS)
    with pytest.raises(ConfigError, match="'nearest' has no spans to work with"):
        evaluate_baselines(settings(tmp_path / "out", ["crf", "nearest"]), CORPUS)
    assert not (tmp_path / "out").exists()

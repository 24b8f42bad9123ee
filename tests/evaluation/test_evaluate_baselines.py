"""Baselines beside a model: a folder of each, one summary, and who is surely better."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
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


OTHER = Corpus(CorpusConfig("other", "jsonl", "x"), {"dev": violent_documents(5, "elsewhere")})


def everything(documents: list[Document]) -> list[Prediction]:
    return [(list(d.spans), list(d.events)) for d in documents]


def nothing(documents: list[Document]) -> list[Prediction]:
    return [([], []) for _ in documents]


def half(documents: list[Document]) -> list[Prediction]:
    return [*everything(documents[:4]), *nothing(documents[4:])]


@dataclass
class MadeUp:
    """A baseline that finds in documents what ``finds`` says."""

    finds: Callable[[list[Document]], list[Prediction]]
    documents: dict[str, Document]

    def predict(self, texts: list[str]) -> list[Prediction]:
        return self.finds([self.documents[text] for text in texts])


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """Three baselines that need no training; which were fitted to what, with which seed."""
    asked: list[tuple[str, str, int]] = []

    def fitted(name: str, corpus: Corpus, seed: int, options: object) -> MadeUp:
        asked.append((name, corpus.config.name, seed))
        documents = [*OTHER.split("dev"), *corpus.split("dev")]
        return MadeUp({"good": everything, "bad": nothing, "middling": half}[name], {d.text: d for d in documents})

    monkeypatch.setattr(baselines, "fitted", fitted)
    monkeypatch.setattr(baselines, "create", lambda name, options: None)
    return asked


def settings(folder: Path, names: list[str], **options: object) -> EvaluateConfig:
    return EvaluateConfig(
        corpus=CORPUS.config, baselines=names, split="dev", output_dir=str(folder), seed=5, **options  # type: ignore[arg-type]
    )  # fmt: skip


def run_folder(folder: Path, found: list[Prediction], roles: tuple[str, ...] | None = None) -> str:
    gold = Gold.of(CORPUS, "dev")
    run = predicted_run(found, gold, folder, folder.name, True, roles or gold.roles)
    scored([run], gold, folder)
    return str(folder)


def test_each_baseline_has_a_folder_of_an_evaluation(tmp_path: Path, made_up: list[tuple[str, str, int]]) -> None:
    [record] = evaluate_baselines(settings(tmp_path, ["good", "bad", "good"]), CORPUS)
    assert made_up == [("good", "tiny", 5), ("bad", "tiny", 5)]
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
    [record] = evaluate_baselines(settings(tmp_path / "out", ["good", "bad", "middling"], runs=seeds), CORPUS)
    assert list(record["systems"]) == ["model", "good", "bad", "middling"]
    verdicts = {name: found["scores.roles"]["verdict"] for name, found in record["differences"].items()}
    assert verdicts == {"good": "worse", "bad": "better", "middling": "not surely better"}
    lead = record["differences"]["bad"]["scores.roles"]
    assert (lead["a"], lead["b"], lead["difference"]) == pytest.approx((2 / 3, 0.0, 2 / 3))
    assert lead["low"] > 0
    model = json.loads((tmp_path / "out" / "model" / "metrics.json").read_text("utf-8"))
    assert model["seeds"] == 2


def test_a_model_without_weapons_is_compared_in_the_roles_that_it_has(tmp_path: Path) -> None:
    roles = tuple(role for role in CORPUS.config.roles if role != "weapon")
    seed = run_folder(tmp_path / "seed", half(CORPUS.split("dev")), roles)
    [record] = evaluate_baselines(settings(tmp_path / "out", ["good"], runs=[seed]), CORPUS)
    assert record["differences"]["good"]["scores.roles"]["verdict"] == "worse"
    metrics = json.loads((tmp_path / "out" / "good" / "metrics.json").read_text("utf-8"))
    assert list(metrics["scores"]["per_role"]) == list(roles)


def test_a_key_that_documents_lack_is_told_before_anything_runs(
    tmp_path: Path, made_up: list[tuple[str, str, int]]
) -> None:
    with pytest.raises(ConfigError, match="has no 'country' in its meta"):
        evaluate_baselines(settings(tmp_path, ["good"], by="country"), CORPUS)
    assert made_up == []


def test_a_checkpoint_is_evaluated_beside_them(
    tiny_corpus: CorpusConfig, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    config = EvaluateConfig(
        corpus=tiny_corpus, baselines=["good"], split="dev", limit=2, output_dir=str(tmp_path / "out"),
        model=CheckpointConfig(path=str(tiny_checkpoint), device="cpu"),
    )  # fmt: skip
    [record] = evaluate_baselines(config, load(tiny_corpus))
    assert record["documents"] == 2
    assert record["differences"]["good"]["scores.roles"]["verdict"] == "worse"
    assert len((tmp_path / "out" / "model" / "predictions.jsonl").read_text("utf-8").splitlines()) == 2


def test_an_unknown_baseline_is_told_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(ConfigError, match="no baseline 'best'"):
        evaluate_baselines(settings(tmp_path / "out", ["crf", "best"]), CORPUS)
    with pytest.raises(ConfigError, match="'nearest' has no spans to work with"):
        evaluate_baselines(settings(tmp_path / "out", ["crf", "nearest"]), CORPUS)
    assert not (tmp_path / "out").exists()


def test_two_corpora_are_not_written_into_one_folder(tmp_path: Path, made_up: list[tuple[str, str, int]]) -> None:
    for also in ([OTHER, OTHER], [replace(OTHER, config=replace(OTHER.config, name="good"))]):
        with pytest.raises(ConfigError, match="two would be written into one folder"):
            evaluate_baselines(settings(tmp_path, ["good"]), CORPUS, also)
    assert made_up == []


def test_other_corpora_are_scored_without_being_fitted_to(tmp_path: Path, made_up: list[tuple[str, str, int]]) -> None:
    here, there = evaluate_baselines(settings(tmp_path, ["good", "middling"], by="source"), CORPUS, [OTHER])
    assert made_up == [("good", "tiny", 5), ("middling", "tiny", 5)]
    assert (here["corpus"], there["corpus"]) == ("tiny", "other")
    assert (here["documents"], there["documents"]) == (8, 5)
    assert json.loads((tmp_path / "other" / "baselines.json").read_text("utf-8")) == there
    metrics = json.loads((tmp_path / "other" / "middling" / "metrics.json").read_text("utf-8"))
    assert metrics["corpus"] == "other"
    assert metrics["scores"]["roles"]["recall"] == pytest.approx(4 / 5)
    assert len((tmp_path / "other" / "middling" / "predictions.jsonl").read_text("utf-8").splitlines()) == 5

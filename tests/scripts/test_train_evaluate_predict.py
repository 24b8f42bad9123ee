"""The whole way through the scripts, as a user walks it: train, evaluate, predict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conftest import ROOT, violent_documents

from conflict_events.config import CorpusConfig


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{script}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def per_role(report: dict[str, Any]) -> Iterable[tuple[str, dict[str, float]]]:
    """Every score of a report."""
    return {**report["scores"]["per_role"], **{key: report["scores"][key] for key in ("roles", "overall")}}.items()


def test_train_evaluate_predict(tiny_corpus: CorpusConfig, tiny_encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    corpus = [f"corpus.path={tiny_corpus.path}", "corpus.name=tiny"]
    trained = run(
        "train.py", *corpus, f"model.encoder={tiny_encoder}", "window.max_tokens=64", "window.overlap=16",
        "training.num_train_epochs=50", "training.learning_rate=5e-3", "training.eval_strategy=no",
        "training.save_strategy=no", "training.load_best_model_at_end=false", f"hydra.run.dir={out}",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert "micro, roles" in trained.stdout
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    assert metrics["test"]["roles"]["f1"] > 0.8
    assert "learning_rate: 0.005" in (out / "config.yaml").read_text("utf-8")

    checkpoint = f"model.path={out / 'checkpoint'}"
    scored = run("evaluate.py", checkpoint, *corpus, "by=region", f"hydra.run.dir={tmp_path / 'scores'}")
    assert scored.returncode == 0, scored.stderr[-3000:]
    report = json.loads((tmp_path / "scores" / "metrics.json").read_text("utf-8"))
    unsure = {role: {k: v for k, v in score.items() if k not in ("low", "high")} for role, score in per_role(report)}
    assert unsure == dict(per_role({"scores": metrics["test"]})), "training and evaluation score the same way"
    assert set(report["by"]) == {"north", "south"}

    articles, events = tmp_path / "articles.jsonl", tmp_path / "events.jsonl"
    documents = violent_documents(3, "new")
    lines = [json.dumps({"id": document.id, "text": document.text}) for document in documents]
    articles.write_text("\n".join([lines[0], "{broken", *lines[1:]]) + "\n", "utf-8")
    predicted = run("predict.py", checkpoint, f"input={articles}", f"output={events}", "show=1")
    assert predicted.returncode == 3, predicted.stderr[-3000:]  # there is a bad record
    records = [json.loads(line) for line in events.read_text("utf-8").splitlines()]
    assert [record["id"] for record in records] == ["new-0", "new-1", "new-2"]
    for record, document in zip(records, documents, strict=True):
        assert [span["text"] for span in record["events"][0]["target"]] == ["village"]
        for span in record["spans"]:
            assert document.text[span["start"] : span["end"]] == span["text"]
    bad = [json.loads(line) for line in Path(f"{events}.errors.jsonl").read_text("utf-8").splitlines()]
    assert [record["where"] for record in bad] == [f"{articles}:2"]


def test_a_misspelt_key_is_refused_by_name() -> None:
    done = run("train.py", "training.learning_rat=1")
    assert done.returncode != 0
    assert "learning_rat" in done.stderr


def test_preparing_a_corpus_whose_texts_are_missing_says_where_to_get_them(tmp_path: Path) -> None:
    done = run("prepare_data.py", "corpus=muc4", f"source_dir={tmp_path}", f"hydra.run.dir={tmp_path / 'run'}")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f"{tmp_path / 'muc4/splits/test.json'}: missing (its home is https://" in done.stderr

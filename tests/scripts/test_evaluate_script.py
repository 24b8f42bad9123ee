"""``scripts/evaluate.py`` as a user runs it: every task, and errors in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.extractor import EventExtractor


def evaluate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/evaluate.py", *arguments, f"hydra.run.dir={folder}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


@pytest.fixture
def corpus(tiny_corpus: CorpusConfig) -> list[str]:
    return [f"corpus.path={tiny_corpus.path}", "corpus.name=tiny", "split=dev"]


def predictions(path: Path, corpus: CorpusConfig, found: int) -> Path:
    """Predictions that are right in the first documents, and hold nothing in the others."""
    lines = []
    for number, document in enumerate(load(corpus).split("dev")):
        spans = [{"role": s.role, "start": s.start, "end": s.end, "score": 0.5} for s in document.spans]
        lines.append(json.dumps({"id": document.id, "spans": spans if number < found else []}))
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_predictions_are_scored_then_averaged_and_compared(
    tmp_path: Path, tiny_corpus: CorpusConfig, corpus: list[str]
) -> None:
    runs = []
    for found in (1, 3):
        runs.append(str(tmp_path / f"run-{found}"))
        path = predictions(tmp_path / f"system-{found}.jsonl", tiny_corpus, found)
        done = evaluate(tmp_path / f"run-{found}", f"predictions={path}", *corpus)
        assert done.returncode == 0, done.stderr[-3000:]
        assert "micro, roles" in done.stdout
    assert f"written to {runs[1]}" in done.stdout
    written = {path.name for path in (tmp_path / "run-3").iterdir()}
    assert {"metrics.json", "predictions.jsonl", "report.html", "plots"} <= written
    assert "system-3" in (tmp_path / "run-3" / "report.html").read_text("utf-8")
    assert any(path.suffix == ".png" for path in (tmp_path / "run-3" / "plots").iterdir())

    done = evaluate(tmp_path / "mean", f"runs=[{','.join(runs)}]", *corpus)
    assert done.returncode == 0, done.stderr[-3000:]
    mean = json.loads((tmp_path / "mean" / "metrics.json").read_text("utf-8"))
    assert (mean["seeds"], mean["scores"]["roles"]["f1"]) == (2, pytest.approx((0.5 + 1) / 2))  # P 1, R 1/3: F1 1/2

    done = evaluate(tmp_path / "compared", f"compare=[[{runs[1]}],{runs[0]}]", *corpus)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((tmp_path / "compared" / "compare.json").read_text("utf-8"))
    assert record["differences"]["scores.roles"]["difference"] == pytest.approx(0.5)
    assert "2 documents changed" in done.stdout
    assert "system-3" in done.stdout


def test_a_baseline_is_trained_and_scored(tmp_path: Path, corpus: list[str]) -> None:
    pytest.importorskip("sklearn_crfsuite", reason="the baselines extra is not installed")
    done = evaluate(tmp_path / "out", "baselines=[crf]", *corpus)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "out" / "baselines.json").read_text("utf-8"))["systems"]["crf"]
    assert (tmp_path / "out" / "crf" / "metrics.json").is_file()


def test_without_a_system_the_packaged_model_is_scored(tmp_path: Path, corpus: list[str]) -> None:
    done = evaluate(tmp_path / "out", *corpus)
    assert done.returncode == 0, done.stderr[-3000:]
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    assert metrics["model"] == EventExtractor.from_pretrained().name
    assert "micro, roles" in done.stdout


def test_tables_are_filled(tmp_path: Path) -> None:
    page = tmp_path / "PAGE.md"
    page.write_text("<!-- results:t -->\n<!-- /results -->\n", "utf-8")
    table = {"head": ["x"], "columns": {"roles": "scores.roles"}, "rows": []}
    definitions = {"pages": [str(page)], "tables": {"t": table}}
    (tmp_path / "tables.json").write_text(json.dumps(definitions), "utf-8")
    done = evaluate(tmp_path / "out", f"tables={tmp_path}")
    assert (done.returncode, done.stdout) == (0, f"{page}: tables filled\n")
    assert page.read_text("utf-8") == "<!-- results:t -->\n| x | roles |\n| --- | --- |\n<!-- /results -->\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["engine=torch"], "error: src/conflict_events/default_model: there are no weights for torch"),
        (["predictions=gone.jsonl"], "error: gone.jsonl: there is no such file of predictions."),
        (["compare=[a,b]"], "error: a/metrics.json: there is no such file."),
        (["compare=[a]"], "error: compare=['a'] does not name two systems."),
        (["predictions=x", "runs=[a]"], "error: predictions, runs cannot be done at once."),
        (["tables=nowhere"], "error: nowhere/tables.json: there are no definitions of tables."),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(
    tmp_path: Path, corpus: list[str], arguments: list[str], words: str
) -> None:
    done = evaluate(tmp_path / "out", *arguments, *corpus)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.replace(f"{ROOT}/", "").startswith(words)

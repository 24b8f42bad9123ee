"""``scripts/predict.py`` as a user runs it: records, a look at them, and errors in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

CRLF_TEXT = "Rebels attacked the village\r\nnear hill 3."


def predict(folder: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    given = [f"{key}={value}" for key, value in settings.items()]
    command = [sys.executable, "scripts/predict.py", *given, f"hydra.run.dir={folder / 'hydra'}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)


def json_lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_json_lines_come_out_as_records_and_the_first_is_shown(tmp_path: Path, tiny_checkpoint: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "new" / "out.jsonl"
    lines = [json.dumps({"id": "a", "text": CRLF_TEXT, "meta": {"by": "radio"}}), '{"text": 5}', '{"text": ""}']
    source.write_text("\n".join(lines) + "\n", "utf-8")
    done = predict(
        tmp_path, input=source, output=output, errors=tmp_path / "bad.jsonl", show=1,
        **{"model.path": tiny_checkpoint, "model.device": "cpu"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = json_lines(output)
    assert (first["id"], first["meta"], first["model"]) == ("a", {"by": "radio"}, "checkpoint")
    assert first["spans"]
    assert all(CRLF_TEXT[s["start"] : s["end"]] == s["text"] for s in first["spans"])  # type: ignore[attr-defined]
    assert second == {"id": "in.jsonl:3", "events": [], "spans": [], "meta": {}, "model": "checkpoint"}
    assert [record["where"] for record in json_lines(tmp_path / "bad.jsonl")] == [f"{source}:2"]
    shown = done.stdout
    assert "Rebels attacked the village" in shown
    assert shown.count("╭") == 1, "one article is shown"
    assert "2 articles, " in shown
    assert "1 bad records" in shown
    assert "Traceback" not in done.stderr


def test_a_missing_input_is_one_line_on_standard_error(tmp_path: Path, tiny_checkpoint: Path) -> None:
    missing, output = tmp_path / "nowhere.jsonl", tmp_path / "out.jsonl"
    done = predict(tmp_path, input=missing, output=output, **{"model.path": tiny_checkpoint})
    assert done.returncode == 1
    assert done.stderr == f"error: {missing}: there is no such file or folder. Check input=.\n"
    assert not output.exists()


def test_a_model_without_labels_is_refused_in_one_line(tmp_path: Path, tiny_checkpoint: Path) -> None:
    config = json.loads((tiny_checkpoint / "config.json").read_text("utf-8"))
    del config["id2label"], config["label2id"]
    (tiny_checkpoint / "config.json").write_text(json.dumps(config), "utf-8")
    source, output = tmp_path / "a.txt", tmp_path / "out.jsonl"
    source.write_text(CRLF_TEXT, "utf-8")
    done = predict(tmp_path, input=source, output=output, **{"model.path": tiny_checkpoint})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {tiny_checkpoint}: config.json has no id2label. Give a checkpoint")
    assert not output.exists()

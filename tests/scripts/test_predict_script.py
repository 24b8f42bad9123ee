"""``scripts/predict.py`` as a user runs it: records, a look at them, and errors in one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
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
    assert done.returncode == 3, done.stderr[-3000:]  # there is a bad record
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


def test_a_finished_run_and_one_with_another_setting_say_so_in_one_line(tmp_path: Path, tiny_checkpoint: Path) -> None:
    source, output = tmp_path / "a.txt", tmp_path / "out.jsonl"
    source.write_text(CRLF_TEXT, "utf-8")
    settings = {"input": source, "output": output, "model.path": tiny_checkpoint, "model.device": "cpu"}
    assert predict(tmp_path, **settings).returncode == 0
    again = predict(tmp_path, **settings)
    assert again.returncode == 0
    assert "nothing to do, the output is complete: 1 articles, " in again.stdout
    other = predict(tmp_path, **settings, **{"model.min_score": 0.5})
    assert other.returncode == 1
    assert other.stderr.count("\n") == 1
    assert "model.min_score was None, is 0.5" in other.stderr


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(tmp_path: Path, tiny_checkpoint: Path) -> None:
    output = tmp_path / "out.jsonl"
    lines = (json.dumps({"id": f"n{number}", "text": CRLF_TEXT * 10}) for number in range(100))
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    settings = [
        f"input={tmp_path / 'in.jsonl'}", f"output={output}", f"model.path={tiny_checkpoint}", "model.device=cpu",
        "runner.shard_size=2", f"hydra.run.dir={tmp_path / 'hydra'}",
    ]  # fmt: skip
    command = [sys.executable, "scripts/predict.py", *settings]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    manifest = tmp_path / "out.jsonl.manifest.jsonl"
    until = time.monotonic() + 200
    while not manifest.exists() or manifest.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors[-3000:]
    assert "the same command goes on where the last whole shard ended" in told
    assert "Traceback" not in errors
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "articles were done earlier" in done.stdout
    assert [record["id"] for record in json_lines(output)] == [f"n{number}" for number in range(100)]

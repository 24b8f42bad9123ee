"""Several processes: the same results, and processes that die."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobs import files, ids, job, lines, records_of, weights
from stubs import Stub, Threads, dies_at_once, no_checkpoint

from conflict_events.articles import Article
from conflict_events.batch.work import Checkpoint
from conflict_events.batch.workers import cores
from conflict_events.config import CheckpointConfig
from conflict_events.errors import CheckpointError, RunnerError
from conflict_events.extraction import Extraction


@pytest.fixture
def path(tmp_path: Path) -> str:
    return weights(tmp_path)


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    folder = tmp_path / "seen"
    folder.mkdir()
    return folder


def test_several_workers_write_what_one_writes(tmp_path: Path, path: str, seen: Path) -> None:
    source = lines(tmp_path / "in.jsonl", [None if n % 40 == 7 else f"word {n} " * (n % 5) for n in range(300)])
    for workers in (1, 3):
        shown: list[tuple[Article, Extraction]] = []
        job(
            source, tmp_path / str(workers) / "e.jsonl", Stub(0.001, str(seen)), shown,
            path=path, shard_size=10, workers=workers, show=2,
        )  # fmt: skip
        assert [article.id for article, _ in shown] == ["n0", "n1"]
    assert files(tmp_path / "3") == files(tmp_path / "1")
    assert len(list(seen.iterdir())) == 4, "one process alone, and three workers"


def test_workers_with_a_real_checkpoint_write_what_one_process_writes(tmp_path: Path, tiny_checkpoint: Path) -> None:
    source = lines(tmp_path / "in.jsonl", [f"rebels attacked the village near hill {n} ." for n in range(12)])
    for workers in (1, 2):
        job(
            source, tmp_path / str(workers) / "e.jsonl", Checkpoint(CheckpointConfig(str(tiny_checkpoint))),
            path=str(tiny_checkpoint), shard_size=4, workers=workers,
        )  # fmt: skip
    assert files(tmp_path / "2") == files(tmp_path / "1")
    assert records_of(tmp_path / "1" / "e.jsonl")[0]["spans"]


def test_a_worker_that_was_killed_is_replaced_and_its_articles_are_done(tmp_path: Path, path: str, seen: Path) -> None:
    texts = [f"word {number}" for number in range(40)]
    texts[17] = "once upon"
    source = lines(tmp_path / "in.jsonl", texts)
    summary = job(source, tmp_path / "o" / "e.jsonl", Stub(0, str(seen)), path=path, shard_size=5, workers=2)
    assert (seen / "once").exists(), "it was killed"
    assert (summary.counts.articles, summary.counts.bad) == (40, 0)
    job(source, tmp_path / "r" / "e.jsonl", Stub(0, str(seen)), path=path, shard_size=5)
    assert files(tmp_path / "o") == files(tmp_path / "r")


def test_an_article_that_kills_again_and_again_is_reported_and_no_other_is_lost(tmp_path: Path, path: str) -> None:
    texts = [f"word {number}" for number in range(20)]
    texts[3], texts[5] = "kill this", "boom"
    out = tmp_path / "e.jsonl"
    summary = job(lines(tmp_path / "in.jsonl", [*texts, None]), out, path=path, shard_size=7, workers=2)
    assert ids(out) == [f"n{number}" for number in range(20) if number not in (3, 5)]
    killed, failed, broken = records_of(tmp_path / "e.jsonl.errors.jsonl")
    assert killed["where"] == "n3"
    assert killed["reason"] == "a worker process died on it twice (exit code -9)"
    assert killed["record"] == {"id": "n3", "text": "kill this", "meta": {"number": 3}}
    assert (failed["where"], broken["record"]) == ("n5", "broken")
    assert (summary.counts.articles, summary.counts.bad) == (18, 3)


def test_an_article_that_is_a_chunk_of_its_own_is_tried_twice(tmp_path: Path, path: str) -> None:
    out = tmp_path / "e.jsonl"
    job(lines(tmp_path / "in.jsonl", ["one", "kill", "three"]), out, path=path, shard_size=1, workers=2)
    assert ids(out) == ["n0", "n2"]
    assert [record["where"] for record in records_of(tmp_path / "e.jsonl.errors.jsonl")] == ["n1"]


def test_what_a_worker_says_of_the_checkpoint_is_what_the_run_says(tmp_path: Path, path: str) -> None:
    with pytest.raises(CheckpointError, match=r"^nowhere: there is no model\.safetensors\.$"):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "e.jsonl", no_checkpoint, path=path, workers=2)


def test_a_worker_that_dies_while_it_loads_ends_the_run(tmp_path: Path, path: str) -> None:
    with pytest.raises(RunnerError, match=r"died while it loaded the model \(exit code -9\).*runner\.workers"):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "e.jsonl", dies_at_once, path=path, workers=2)


def test_the_cores_are_shared_out(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conflict_events.batch.workers.cores", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "e.jsonl", Threads(), path=path, workers=2)
    assert [span["text"] for span in records_of(tmp_path / "e.jsonl")[0]["spans"]] == ["4 4"]


def test_there_is_a_core() -> None:
    assert cores() >= 1

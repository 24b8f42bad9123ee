"""The same job on a cluster: two workers of a cluster on this machine, begun once for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from jobs import files, job, lines, records_of, weights
from stubs import Stub, no_checkpoint

from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.extraction import Extraction

TEXTS = [None if number % 30 == 11 else f"word {number}" for number in range(90)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'conflict-events[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of the stubs, for the workers
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
        yield
        ray.shutdown()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return weights(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Ninety articles in three files, and one file that is cut off."""
    for number in range(3):
        lines(tmp_path / "in" / f"{number}.jsonl", TEXTS[30 * number : 30 * number + 30], first=30 * number)
    (tmp_path / "in" / "1b.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    return f"{tmp_path}/in/*.jsonl*"


@pytest.mark.usefixtures("cluster")
def test_a_cluster_writes_the_bytes_that_one_process_writes_and_reports_what_kills(
    tmp_path: Path, source: str, path: str
) -> None:
    texts = [text for text in TEXTS[:10] if text]
    lines(tmp_path / "in" / "3.jsonl", [*texts[:4], "boom", *texts[4:]], first=90)
    seen = tmp_path / "seen"
    seen.mkdir()
    for kind in ("local", "ray"):
        job(source, tmp_path / kind / "e.jsonl", Stub(0.01, str(seen)), path=path, kind=kind, workers=2, shard_size=7)
    assert files(tmp_path / "ray") == files(tmp_path / "local")
    bad = records_of(tmp_path / "ray" / "e.jsonl.errors.jsonl")
    assert [record["where"].removeprefix(f"{tmp_path}/in/") for record in bad] == [
        "0.jsonl:12", "1.jsonl:12", "1b.jsonl.gz", "2.jsonl:12", "n94",
    ]  # fmt: skip
    assert len(list(seen.iterdir())) >= 3, "two workers here, others there"


@pytest.mark.usefixtures("cluster")
def test_an_article_that_kills_is_reported_and_no_other_is_lost_and_a_run_may_be_begun_elsewhere(
    tmp_path: Path, source: str, path: str
) -> None:
    lines(tmp_path / "in" / "4.jsonl", ["one", "kill", "three"], first=90)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        job(source, out, _Interrupted(), path=path, shard_size=20)
    summary = job(source, out, path=path, shard_size=20, kind="ray", workers=2)
    assert summary.earlier > 0
    found = [record["id"] for shard in sorted(out.glob("part-*")) for record in records_of(shard)]
    assert found == [f"n{number}" for number, text in enumerate(TEXTS) if text] + ["n90", "n92"]
    assert records_of(out / "_errors.jsonl")[-1]["reason"] == "a worker process died on it twice (exit code -9)"


class _Interrupted(Stub):
    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        given = list(texts)
        if "word 45" in given:
            raise KeyboardInterrupt
        return super().extract_many(given)


@pytest.mark.usefixtures("cluster")
def test_what_an_actor_says_of_the_checkpoint_is_what_the_run_says(tmp_path: Path, source: str, path: str) -> None:
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        job(source, tmp_path / "out", no_checkpoint, path=path, kind="ray")


def test_a_cluster_cannot_read_standard_input(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"standard input.*runner=local"):
        job("-", tmp_path / "out", path=path, kind="ray")


def test_without_ray_the_error_says_what_to_do(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"needs Ray.*conflict-events\[ray\].*runner=local"):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "out", path=path, kind="ray")

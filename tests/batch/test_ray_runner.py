"""The same job on a cluster: two workers of a cluster on this machine, begun once for all tests."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from jobs import files, job, lines, records_of, weights
from stubs import Stub, no_checkpoint

from conflict_events.errors import CheckpointError, ConfigError, RunnerError
from conflict_events.extraction import Extraction

TEXTS = [None if number % 30 == 11 else f"word {number}" for number in range(90)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'conflict-events[ray]'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of the stubs, for the workers
        try:
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
            pytest.skip("this machine is too busy: Ray gives itself 30 s to start")
        yield
        ray.shutdown()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return weights(tmp_path)


@pytest.mark.usefixtures("cluster")
def test_two_actors_share_a_file_and_write_the_bytes_that_one_process_writes(tmp_path: Path, path: str) -> None:
    source = lines(tmp_path / "in.jsonl", [*TEXTS, "boom", "one more"])
    seen = tmp_path / "seen"
    seen.mkdir()
    job(source, tmp_path / "local" / "e.jsonl", Stub(), path=path, shard_size=7)
    job(source, tmp_path / "ray" / "e.jsonl", Stub(0.05, str(seen)), path=path, kind="ray", workers=2, shard_size=7)
    assert files(tmp_path / "ray") == files(tmp_path / "local")
    assert len(list(seen.iterdir())) == 2


@pytest.mark.usefixtures("cluster")
def test_a_cluster_goes_on_with_what_one_process_began_and_reports_what_is_bad_and_what_kills(
    tmp_path: Path, path: str
) -> None:
    for number in range(3):
        lines(tmp_path / "in" / f"{number}.jsonl", TEXTS[30 * number : 30 * number + 30], first=30 * number)
    (tmp_path / "in" / "1b.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00")
    lines(tmp_path / "in" / "4.jsonl", ["one", "kill", "three"], first=90)
    source, out = f"{tmp_path}/in/*.jsonl*", tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        job(source, out, _Interrupted(), path=path, shard_size=20)
    summary = job(source, out, path=path, shard_size=20, kind="ray", workers=2)
    assert summary.earlier > 0
    found = [record["id"] for shard in sorted(out.glob("part-*")) for record in records_of(shard)]
    assert found == [f"n{number}" for number, text in enumerate(TEXTS) if text] + ["n90", "n92"]
    bad = records_of(out / "_errors.jsonl")
    assert [record["where"].removeprefix(f"{tmp_path}/in/") for record in bad] == [
        "0.jsonl:12", "1.jsonl:12", "1b.jsonl.gz", "2.jsonl:12", "n91",
    ]  # fmt: skip
    assert bad[-1]["reason"] == "a worker process died on it twice (exit code -9)"


class _Interrupted(Stub):
    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        given = list(texts)
        if "word 45" in given:
            raise KeyboardInterrupt
        return super().extract_many(given)


@pytest.mark.usefixtures("cluster")
def test_what_an_actor_says_of_the_checkpoint_is_what_the_run_says(tmp_path: Path, path: str) -> None:
    source = lines(tmp_path / "in.jsonl", TEXTS)
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        job(source, tmp_path / "out", no_checkpoint, path=path, kind="ray")


def test_a_cluster_cannot_read_standard_input(tmp_path: Path, path: str) -> None:
    with pytest.raises(ConfigError, match=r"standard input.*runner=local"):
        job("-", tmp_path / "out", path=path, kind="ray")


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'conflict-events[ray]'")

    def init(address: str, **_: object) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(
        RunnerError, match=r"^head:6379: Ray cannot be reached \(nobody answers\)\. Check runner\.address"
    ):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "out", path=path, kind="ray", address="head:6379")


def test_without_ray_the_error_says_what_to_do(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"needs Ray.*conflict-events\[ray\].*runner=local"):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "out", path=path, kind="ray")

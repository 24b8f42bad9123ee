"""Runs that are interrupted, and go on; outputs that belong to another run."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobs import files, ids, job, lines, records_of, weights
from stubs import Stub

from conflict_events.batch.summary import Exit
from conflict_events.errors import OutputError
from conflict_events.extraction import Extraction

TEXTS = ["first one", None, *(f"word {number}" for number in range(58))]
JOBS = Path(__file__).with_name("jobs.py")


@pytest.fixture
def path(tmp_path: Path) -> str:
    return weights(tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Sixty articles in two files, and one bad record."""
    lines(tmp_path / "in" / "b.jsonl", TEXTS[35:], first=35)
    return lines(tmp_path / "in" / "a.jsonl", TEXTS[:35]).with_name("*.jsonl")


class Dies(Stub):
    """Ends the run at the article ``number``."""

    def __init__(self, number: int, failure: BaseException) -> None:
        super().__init__()
        object.__setattr__(self, "left", iter(range(number)))
        object.__setattr__(self, "end", failure)

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for extraction in super().extract_many(texts):
            if next(self.left, None) is None:  # type: ignore[attr-defined]
                raise self.end  # type: ignore[attr-defined]
            yield extraction


def undisturbed(folder: Path, name: str, source: Path, path: str, **settings: Any) -> dict[str, bytes]:
    """What a run that is not interrupted writes."""
    job(source, folder / "reference" / name, path=path, shard_size=7, **settings)
    return files(folder / "reference")


def begun(folder: Path, name: str, source: Path, path: str, articles: int, **settings: Any) -> None:
    """A run that is interrupted after some articles."""
    with pytest.raises(KeyboardInterrupt):
        job(source, folder / "out" / name, Dies(articles, KeyboardInterrupt()), path=path, shard_size=7, **settings)


# Going on


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "e.parquet", ""])
@pytest.mark.parametrize("articles", [0, 10, 33, 36, 57])
def test_a_run_goes_on_after_the_last_whole_shard_and_writes_the_same_bytes(
    tmp_path: Path, source: Path, path: str, name: str, articles: int
) -> None:
    expected = undisturbed(tmp_path, name, source, path)
    begun(tmp_path, name, source, path, articles)
    seen: list[str] = []

    class Watched(Stub):
        def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
            given = list(texts)
            seen.extend(given)
            return super().extract_many(given)

    summary = job(source, tmp_path / "out" / name, Watched(), path=path, shard_size=7)
    assert files(tmp_path / "out") == expected
    assert len(seen) <= 59 - articles + 7 * (articles > 0), "no more than a shard is done again"
    assert summary.counts.articles == 59
    assert summary.earlier == 59 - len(seen)
    assert ("were done earlier" in str(summary)) == (summary.earlier > 0)


def test_until_the_end_nothing_has_the_name_of_the_output(tmp_path: Path, source: Path, path: str) -> None:
    begun(tmp_path, "e.jsonl", source, path, 20)
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == ["e.jsonl.manifest.jsonl", "e.jsonl.parts"]


def test_a_run_may_be_interrupted_again_and_again(tmp_path: Path, source: Path, path: str) -> None:
    expected = undisturbed(tmp_path, "e.jsonl", source, path)
    for _ in range(5):
        begun(tmp_path, "e.jsonl", source, path, 8)
    job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7)
    assert files(tmp_path / "out") == expected


def test_a_run_may_go_on_with_another_number_of_workers(tmp_path: Path, source: Path, path: str) -> None:
    expected = undisturbed(tmp_path, "e.jsonl", source, path)
    begun(tmp_path, "e.jsonl", source, path, 20)
    job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7, workers=2, batch_tokens=99)
    assert files(tmp_path / "out") == expected


@pytest.mark.parametrize("folder", [False, True])
def test_a_finished_run_has_nothing_to_do(tmp_path: Path, source: Path, path: str, folder: bool) -> None:
    out = tmp_path / ("out" if folder else "out.jsonl")
    job(source, out, path=path)
    before = files(tmp_path)
    summary = job(source, out, lambda threads: pytest.fail("the model is not needed"), path=path)
    assert summary.nothing_to_do
    assert summary.exit is Exit.GOOD
    assert str(summary).startswith("nothing to do, the output is complete: 59 articles, ")
    assert files(tmp_path) == before


def test_a_finished_output_that_was_removed_is_made_again(tmp_path: Path, source: Path, path: str) -> None:
    out = tmp_path / "out.jsonl"
    job(source, out, path=path)
    content = out.read_bytes()
    out.unlink()
    assert not job(source, out, path=path).nothing_to_do
    assert out.read_bytes() == content


@pytest.mark.parametrize("cut", [1, 20])
def test_half_a_line_at_the_end_of_the_manifest_does_not_count(
    tmp_path: Path, source: Path, path: str, cut: int
) -> None:
    expected = undisturbed(tmp_path, "e.jsonl", source, path)
    begun(tmp_path, "e.jsonl", source, path, 40)
    manifest = tmp_path / "out" / "e.jsonl.manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-cut])
    job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7)
    assert files(tmp_path / "out") == expected


def test_a_power_failure_between_a_shard_and_its_line_does_no_harm(tmp_path: Path, source: Path, path: str) -> None:
    expected = undisturbed(tmp_path, "", source, path)
    begun(tmp_path, "", source, path, 40)
    (tmp_path / "out" / "part-000006.jsonl").write_text("half\n", "utf-8")
    (tmp_path / "out" / "_part-000006.errors.jsonl").write_text("{}\n", "utf-8")
    job(source, tmp_path / "out", path=path, shard_size=7)
    assert files(tmp_path / "out") == expected


# Real processes, really killed


def start(**settings: Any) -> subprocess.Popen[str]:
    command = [sys.executable, str(JOBS), json.dumps(settings, default=str)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda kill: kill.name)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_loses_at_most_the_shard_in_work(
    tmp_path: Path, source: Path, path: str, kill: signal.Signals, workers: int
) -> None:
    expected = undisturbed(tmp_path, "e.jsonl", source, path)
    out = tmp_path / "out" / "e.jsonl"
    manifest = out.with_name("e.jsonl.manifest.jsonl")
    same = {"given": source, "output": out, "path": path, "shard_size": 7, "workers": workers}
    process = start(**same, seconds=0.02)
    wait_for(lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 3, process)
    process.send_signal(kill)
    process.communicate(timeout=60)
    assert process.returncode != 0
    whole = sum("shard" in record for record in records_of(manifest)) if manifest.read_bytes().endswith(b"\n") else 2
    assert 2 <= whole < 9
    assert not out.exists()
    ended = start(**same)
    told, errors = ended.communicate(timeout=60)
    assert ended.returncode == 0, errors
    assert int(re.search(r"(\d+) articles were done earlier", told)[1]) >= 7 * whole - 1  # type: ignore[index]
    assert files(tmp_path / "out") == expected


def test_workers_end_when_the_run_is_killed(tmp_path: Path, source: Path, path: str) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    process = start(
        given=source, output=tmp_path / "o.jsonl", path=path, shard_size=1, workers=2, seconds=0.02, folder=seen
    )
    wait_for(lambda: len(list(seen.iterdir())) == 2, process)
    process.kill()
    process.communicate(timeout=60)
    children = [int(entry.name.removeprefix("process-")) for entry in seen.iterdir()]
    until = time.monotonic() + 30
    while any(_alive(child) for child in children):
        assert time.monotonic() < until
        time.sleep(0.02)


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_two_runs_on_one_output_are_refused_and_a_killed_one_is_no_obstacle(
    tmp_path: Path, source: Path, path: str
) -> None:
    out = tmp_path / "out.jsonl"
    process = start(given=source, output=out, path=path, seconds=0.05)
    wait_for(
        lambda: (tmp_path / "out.jsonl.manifest.jsonl").exists() and (tmp_path / "out.jsonl.parts").exists(), process
    )
    for restart in (False, True):
        with pytest.raises(OutputError, match=r"another run is writing this output.*another output"):
            job(source, out, path=path, restart=restart)
    process.kill()
    process.communicate(timeout=60)
    assert job(source, out, path=path).counts.articles == 59


# Disks


class FullDisk:
    """``os.fsync`` that has no more room at the ``number``-th file."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.real = os.fsync

    def __call__(self, file: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.real(file)


@pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "e.parquet", ""])
@pytest.mark.parametrize("number", [0, 1, 4, 9, 20, 46])
def test_a_full_disk_ends_the_run_wherever_it_is_and_the_run_goes_on_when_there_is_room(
    tmp_path: Path, source: Path, path: str, name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = undisturbed(tmp_path, name, source, path)
    monkeypatch.setattr("os.fsync", FullDisk(number))
    with pytest.raises(OutputError, match=r"No space left on device.*[Mm]ake room"):
        job(source, tmp_path / "out" / name, path=path, shard_size=7)
    monkeypatch.undo()
    assert not list((tmp_path / "out").rglob("*.part"))
    job(source, tmp_path / "out" / name, path=path, shard_size=7)
    assert files(tmp_path / "out") == expected


def test_a_file_that_may_not_grow_ends_the_run_by_name(tmp_path: Path, source: Path, path: str) -> None:
    settings = {"given": source, "output": tmp_path / "out.jsonl", "path": path, "shard_size": 20}
    process = start(**settings, limit_bytes=5000)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "part-000000.jsonl: cannot be written (File too large). Make room" in errors
    assert not list(tmp_path.rglob("*.part"))
    ended = start(**settings)
    ended.communicate(timeout=60)
    assert len(ids(tmp_path / "out.jsonl")) == 59


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_read_only_folder_is_refused_before_any_work(tmp_path: Path, source: Path, path: str) -> None:
    (tmp_path / "fixed").mkdir(mode=0o555)
    with pytest.raises(OutputError, match=r"cannot be written \(Permission denied\)"):
        job(source, tmp_path / "fixed" / "o.jsonl", lambda threads: pytest.fail("no work"), path=path)


def test_a_file_system_that_is_read_only_is_refused_before_any_work(source: Path, path: str) -> None:
    for output in ("/proc/o.jsonl", "/proc/out"):
        with pytest.raises(OutputError, match=r"/proc/.*cannot be written"):
            job(source, output, lambda threads: pytest.fail("no work"), path=path)


# Refusals


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, Any], str]] = {
    "another file": (lambda f: lines(f / "in" / "c.jsonl", ["x"]), {}, r"input\.files was 2, is 3"),
    "a longer file": (lambda f: lines(f / "in" / "b.jsonl", ["x"] * 99), {}, r"input\.bytes was \d+, is \d+"),
    "a file written anew": (lambda f: touch(f / "in" / "b.jsonl"), {}, r"input.*chang"),
    "another model": (lambda f: weights(f, b"others!"), {}, r"the files of model have changed"),
    "a threshold": (lambda f: None, {"min_score": 0.7}, r"model\.min_score was None, is 0\.7"),
    "mentions": (lambda f: None, {"merge_mentions": True}, r"model\.merge_mentions was None, is True"),
    "shard size": (lambda f: None, {"shard_size": 8}, r"shard_size was 7, is 8"),
    "text column": (lambda f: None, {"text_column": "body"}, r"text_column was text, is body"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("finished", [False, True], ids=["interrupted", "finished"])
def test_what_has_changed_is_named_and_the_output_is_left_alone_until_it_is_begun_anew(
    tmp_path: Path, source: Path, path: str, name: str, finished: bool
) -> None:
    change, settings, reason = CHANGES[name]
    if finished:
        job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7)
    else:
        begun(tmp_path, "e.jsonl", source, path, 20)
    change(tmp_path)
    before = files(tmp_path / "out")
    again = {"path": path, "shard_size": 7} | settings
    with pytest.raises(OutputError, match=rf"of another run: .*{reason}.*runner\.restart=true"):
        job(source, tmp_path / "out" / "e.jsonl", **again)
    assert files(tmp_path / "out") == before
    summary = job(source, tmp_path / "out" / "e.jsonl", **again, restart=True)
    assert summary.earlier == 0
    assert {"e.jsonl"} <= set(files(tmp_path / "out")) <= {"e.jsonl", "e.jsonl.errors.jsonl"}


def test_a_run_that_has_done_nothing_yet_may_be_begun_otherwise(tmp_path: Path, source: Path, path: str) -> None:
    begun(tmp_path, "e.jsonl", source, path, 0)
    assert job(source, tmp_path / "out" / "e.jsonl", path=path, min_score=0.5).counts.articles == 59


@pytest.mark.parametrize("name", ["e.jsonl", "out"])
def test_files_of_no_known_run_are_not_written_over(tmp_path: Path, source: Path, path: str, name: str) -> None:
    theirs = tmp_path / name if name == "e.jsonl" else tmp_path / name / "part-000000.jsonl"
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("theirs\n", "utf-8")
    with pytest.raises(OutputError, match=r"there already.*runner\.restart=true"):
        job(source, tmp_path / name, path=path)
    assert theirs.read_text("utf-8") == "theirs\n"
    job(source, tmp_path / name, path=path, restart=True)
    assert len(ids(theirs)) == 59


def test_other_files_in_an_output_folder_stay(tmp_path: Path, source: Path, path: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine", "utf-8")
    job(source, tmp_path / "out", path=path)
    job(source, tmp_path / "out", path=path, restart=True)
    assert (tmp_path / "out" / "notes.txt").read_text("utf-8") == "mine"


def test_a_finished_output_that_was_changed_is_not_taken_for_complete(tmp_path: Path, source: Path, path: str) -> None:
    job(source, tmp_path / "e.jsonl", path=path)
    (tmp_path / "e.jsonl").write_text("", "utf-8")
    with pytest.raises(OutputError, match=r"was changed since the run.*runner\.restart=true"):
        job(source, tmp_path / "e.jsonl", path=path)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("x", "utf-8")], ids=["gone", "changed"])
def test_a_shard_that_is_gone_or_changed_is_named(
    tmp_path: Path, source: Path, path: str, damage: Callable[[Path], object]
) -> None:
    begun(tmp_path, "e.jsonl", source, path, 20)
    damage(tmp_path / "out" / "e.jsonl.parts" / "part-000001.jsonl")
    with pytest.raises(OutputError, match=r"part-000001\.jsonl: the shard is not as.*runner\.restart=true"):
        job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7)


def test_a_shard_whose_bytes_were_changed_is_found_when_the_shards_are_joined(
    tmp_path: Path, source: Path, path: str
) -> None:
    begun(tmp_path, "e.jsonl", source, path, 20)
    shard = tmp_path / "out" / "e.jsonl.parts" / "part-000001.jsonl"
    shard.write_bytes(shard.read_bytes().replace(b"word", b"wood"))
    with pytest.raises(OutputError, match=r"part-000001\.jsonl: the shard is not as"):
        job(source, tmp_path / "out" / "e.jsonl", path=path, shard_size=7)
    assert not (tmp_path / "out" / "e.jsonl").exists()


@pytest.mark.parametrize("content", [b"no JSON\n", b'{"a": 1, "b": 2}\n', b"[]\n", b'{"shard": {}}\n', b'{"x": {}}\n'])
def test_a_file_that_is_no_manifest_is_left_alone(tmp_path: Path, source: Path, path: str, content: bytes) -> None:
    manifest = tmp_path / "e.jsonl.manifest.jsonl"
    manifest.write_bytes(content)
    with pytest.raises(OutputError, match="no manifest of a run"):
        job(source, tmp_path / "e.jsonl", path=path, restart=True)
    assert manifest.read_bytes() == content

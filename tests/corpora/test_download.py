from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conflict_events.corpora import download
from conflict_events.corpora.download import SourceFile
from conflict_events.errors import SourceError

BODY = bytes(range(256)) * 600  # more than two reads of 64 KiB
HALF = len(BODY) // 2


@dataclass
class Home:
    """A public home of one file, on this machine: what it serves, how it behaves, and what was asked of it."""

    url: str = ""
    body: bytes = BODY
    honours_ranges: bool = True
    breaks_off_at: int | None = None
    nonsense: bool = False
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    home = Home()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/texts.tsv":
                self.send_error(404)
                return
            wanted = self.headers.get("Range")
            home.asked.append(wanted)
            if home.nonsense:
                self.wfile.write(b"no HTTP at all\r\n\r\n")
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and home.honours_ranges else 0
            rest = home.body[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(home.body) - 1}/{len(home.body)}")
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: home.breaks_off_at])

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    home.url = f"http://127.0.0.1:{server.server_port}/texts.tsv"
    yield home
    server.shutdown()
    thread.join()
    server.server_close()


def source(home: Home, body: bytes = BODY) -> SourceFile:
    return SourceFile("satp/texts.tsv", home.url, hashlib.sha256(body).hexdigest(), len(body))


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_missing_file_is_fetched_into_its_folder(home: Home, tmp_path: Path) -> None:
    told: list[str] = []
    download.fetch([source(home)], tmp_path, told.append)
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY
    assert [path.name for path in (tmp_path / "satp").iterdir()] == ["texts.tsv"]  # no .part is left
    assert home.asked == [None]
    assert told == [f"satp/texts.tsv: downloading 153,600 bytes from {home.url}"]


def test_a_file_that_is_there_is_not_asked_for(home: Home, tmp_path: Path) -> None:
    put(tmp_path / "satp" / "texts.tsv", BODY)
    told: list[str] = []
    download.fetch([source(home)], tmp_path, told.append)
    assert home.asked == []
    assert told == ["satp/texts.tsv: present"]


def test_a_file_with_other_bytes_is_fetched_again(home: Home, tmp_path: Path) -> None:
    path = put(tmp_path / "satp" / "texts.tsv", BODY[:-1] + b"?")
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert path.read_bytes() == BODY


def test_a_half_written_part_is_continued(home: Home, tmp_path: Path) -> None:
    part = put(tmp_path / "satp" / "texts.tsv.part", BODY[:HALF])
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert home.asked == [f"bytes={HALF}-"]
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY
    assert not part.exists()


def test_a_server_without_ranges_sends_the_whole_file_again(home: Home, tmp_path: Path) -> None:
    home.honours_ranges = False
    put(tmp_path / "satp" / "texts.tsv.part", BODY[:HALF])
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY


@pytest.mark.parametrize("extra", [b"", b"and more"])
def test_a_part_as_long_as_the_file_or_longer_is_begun_anew(home: Home, tmp_path: Path, extra: bytes) -> None:
    put(tmp_path / "satp" / "texts.tsv.part", BODY[::-1] + extra)
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert home.asked == [None]
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY


def test_wrong_bytes_are_refused_and_removed(home: Home, tmp_path: Path) -> None:
    expected = source(home)
    home.body = BODY[:-1] + b"?"
    with pytest.raises(SourceError, match=f"have sha256 [0-9a-f]{{64}}, not {expected.sha256}.*Try again") as error:
        download.fetch([expected], tmp_path, lambda line: None)
    assert error.value.where == home.url
    assert list((tmp_path / "satp").iterdir()) == []


def test_a_part_of_another_version_is_given_up_and_the_next_try_succeeds(home: Home, tmp_path: Path) -> None:
    put(tmp_path / "satp" / "texts.tsv.part", b"other bytes")
    with pytest.raises(SourceError, match="sha256"):
        download.fetch([source(home)], tmp_path, lambda line: None)
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert home.asked == ["bytes=11-", None]
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY


def test_a_transfer_that_breaks_off_keeps_its_part_for_the_next_try(home: Home, tmp_path: Path) -> None:
    home.breaks_off_at = HALF
    with pytest.raises(SourceError) as error:
        download.fetch([source(home)], tmp_path, lambda line: None)
    assert error.value.where == home.url
    assert (tmp_path / "satp" / "texts.tsv.part").read_bytes() == BODY[:HALF]
    home.breaks_off_at = None
    download.fetch([source(home)], tmp_path, lambda line: None)
    assert home.asked == [None, f"bytes={HALF}-"]
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY


def test_a_server_that_is_down_is_told_with_home_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/texts.tsv"
    with pytest.raises(SourceError, match="cannot download") as error:
        download.fetch([SourceFile("satp/texts.tsv", url, "0" * 64, 10)], tmp_path, lambda line: None)
    assert error.value.where == url
    assert f"put a copy at {tmp_path / 'satp' / 'texts.tsv'} or pass source_dir=FOLDER" in str(error.value)


def test_a_file_that_left_its_home_is_told_with_that_home(home: Home, tmp_path: Path) -> None:
    moved = SourceFile("satp/texts.tsv", home.url.replace("texts", "gone"), "0" * 64, 10)
    with pytest.raises(SourceError, match=r"gone\.tsv: cannot download.*404"):
        download.fetch([moved], tmp_path, lambda line: None)
    assert list((tmp_path / "satp").iterdir()) == []


def test_an_answer_that_is_no_http_is_a_source_error(home: Home, tmp_path: Path) -> None:
    home.nonsense = True
    with pytest.raises(SourceError, match="cannot download"):
        download.fetch([source(home)], tmp_path, lambda line: None)


def test_a_file_fetched_before_another_fails_stays(home: Home, tmp_path: Path) -> None:
    gone = SourceFile("gone.tsv", home.url.replace("texts", "gone"), "0" * 64, 10)
    with pytest.raises(SourceError):
        download.fetch([source(home), gone], tmp_path, lambda line: None)
    assert (tmp_path / "satp" / "texts.tsv").read_bytes() == BODY


def test_everything_missing_or_different_is_listed_with_its_home(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"abc").hexdigest()
    files = [SourceFile(f"{name}.tsv", f"http://home/{name}", digest, 3) for name in ("good", "gone", "other")]
    put(tmp_path / "good.tsv", b"abc")
    put(tmp_path / "other.tsv", b"abd")
    with pytest.raises(SourceError) as error:
        download.require(files, tmp_path, "mine")
    message = str(error.value)
    assert f"{tmp_path / 'gone.tsv'}: missing (its home is http://home/gone)" in message
    other = hashlib.sha256(b"abd").hexdigest()
    assert f"{tmp_path / 'other.tsv'}: sha256 is {other}, not {digest} (its home is http://home/other)" in message
    assert "good" not in message
    assert "scripts/prepare_data.py corpus=mine" in message
    download.require(files[:1], tmp_path, "mine")  # nothing to complain about


def test_the_list_of_sources_is_read_from_the_corpus_folder(tmp_path: Path) -> None:
    entry = {"path": "a/b.tsv", "url": "http://home/b", "sha256": "0" * 64, "bytes": 7}
    (tmp_path / "sources.json").write_text(json.dumps([entry]), "utf-8")
    assert download.source_files(tmp_path) == [SourceFile("a/b.tsv", "http://home/b", "0" * 64, 7)]


def test_a_folder_without_a_list_of_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no sources\.json.*Check corpus\.path") as error:
        download.source_files(tmp_path)
    assert error.value.where == str(tmp_path)

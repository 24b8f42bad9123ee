"""Compressed files: the same articles, and an end of reading that is told where they are damaged."""

from __future__ import annotations

import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from conflict_events.articles import Article, BadRecord, Columns, find_sources, read_articles
from conflict_events.errors import InputError

LINES = b"".join(
    json.dumps({"id": f"n{n}", "text": f"Rebels struck hill {n}. " * 9}).encode() + b"\n" for n in range(3000)
)
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}

both = pytest.mark.parametrize("suffix", COMPRESS)


def compressed(folder: Path, name: str, content: bytes, suffix: str) -> Path:
    path = folder / f"{name}{suffix}"
    path.write_bytes(COMPRESS[suffix](content))
    return path


@both
@pytest.mark.parametrize(
    ("name", "content", "identifier"),
    [
        ("a.jsonl", b'{"text": "Rebels struck."}\n', "a.jsonl{}:1"),
        ("a.csv", b"text\nRebels struck.\n", "a.csv{}:2"),
        ("a.b.TXT", b"\xef\xbb\xbfRebels struck.", "a.b"),
    ],
)
def test_every_kind_is_read_compressed_as_well(
    tmp_path: Path, suffix: str, name: str, content: bytes, identifier: str
) -> None:
    path = compressed(tmp_path, name, content, suffix)
    assert list(read_articles(str(path))) == [Article(identifier.format(suffix), "Rebels struck.")]


@both
def test_parts_that_were_compressed_alone_and_put_together_are_all_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(b"".join(COMPRESS[suffix](f'{{"text": "{word}"}}\n'.encode()) for word in ("one", "two", "three")))
    assert [record.text for record in read_articles(str(path)) if isinstance(record, Article)] == [
        "one",
        "two",
        "three",
    ]


@both
@pytest.mark.parametrize("share", [0.5, 0.99])
def test_a_file_that_was_cut_off_gives_what_is_whole_and_says_that_it_ended(
    tmp_path: Path, suffix: str, share: float
) -> None:
    path = compressed(tmp_path, "a.jsonl", LINES, suffix)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    records = list(read_articles(str(path)))
    good = [record for record in records if isinstance(record, Article)]
    assert [article.id for article in good] == [f"n{number}" for number in range(len(good))]
    last = records[-1]
    assert isinstance(last, BadRecord)
    assert (last.where, last.record) == (str(path), None)
    assert "to the end" in last.reason


@both
def test_whole_lines_before_the_end_of_a_small_file_are_not_lost(tmp_path: Path, suffix: str) -> None:
    path = compressed(tmp_path, "a.jsonl", b'{"id": "whole", "text": "x"}\n', suffix)
    path.write_bytes(path.read_bytes()[:-2])  # of the checksum
    first, last = read_articles(str(path))
    assert isinstance(first, Article)
    assert first.id == "whole"
    assert isinstance(last, BadRecord)


@both
def test_damage_in_the_middle_ends_the_file_and_the_next_one_is_read(tmp_path: Path, suffix: str) -> None:
    path = compressed(tmp_path, "a.jsonl", LINES, suffix)
    raw = path.read_bytes()
    middle = len(raw) // 2
    path.write_bytes(raw[:middle] + b"\xff" * 64 + raw[middle + 64 :])
    compressed(tmp_path, "b.jsonl", b'{"id": "next", "text": "x"}\n', suffix)
    records = list(read_articles(str(tmp_path / "*.jsonl*")))
    assert [r.id for r in records if isinstance(r, Article)][-1] == "next"
    assert str(path) in [r.where for r in records if isinstance(r, BadRecord)]


@both
def test_a_file_that_is_not_compressed_at_all_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(b'{"text": "plain"}\n')
    with pytest.raises(InputError, match="cannot be read to the end") as caught:
        read_articles(str(path))
    assert caught.value.where == str(path)


@both
def test_a_compressed_text_file_with_damage_is_one_bad_record(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](b"Rebels struck. " * 50)[:-6])
    (record,) = read_articles(str(path))
    assert isinstance(record, BadRecord)
    assert record.where == str(path)


@both
def test_the_position_is_that_in_the_compressed_file(tmp_path: Path, suffix: str) -> None:
    path = compressed(tmp_path, "a.jsonl", LINES, suffix)
    reading = find_sources(str(path))[0].read(Columns())
    for _ in reading:
        assert 0 < reading.position <= path.stat().st_size
    assert reading.position == path.stat().st_size < len(LINES)


def test_without_zstandard_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = compressed(tmp_path, "a.jsonl", b'{"text": "x"}\n', ".zst")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InputError, match=r"zstandard.*pip install zstandard"):
        read_articles(str(path))


def test_a_compressed_stream_in_many_small_frames_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conflict_events.articles.files._PIECE", 7)
    buffer = io.BytesIO()
    for line in LINES.splitlines(keepends=True)[:200]:
        buffer.write(COMPRESS[".zst"](line))
    (tmp_path / "a.jsonl.zst").write_bytes(buffer.getvalue())
    records = list(read_articles(str(tmp_path / "a.jsonl.zst")))
    assert [record.id for record in records if isinstance(record, Article)] == [f"n{number}" for number in range(200)]

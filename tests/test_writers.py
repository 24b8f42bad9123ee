"""Records out: whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conflict_events.errors import InputError
from conflict_events.writers import JsonlWriter


def test_records_are_lines_of_json_with_unicode_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "out.jsonl"
    records = [{"id": "a", "text": "caf\u00e9\u2028\r\n\U0001f4a3"}, {"id": "b"}]
    with JsonlWriter(path) as writer:
        for record in records:
            writer.write(record)
    lines = path.read_bytes().split(b"\n")
    assert [json.loads(line) for line in lines[:-1]] == records
    assert lines[-1] == b""
    assert "caf\u00e9".encode() in lines[0]
    assert writer.count == 2


def test_the_file_has_its_name_only_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlWriter(path) as writer:
        writer.write({"id": "a"})
        assert not path.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_an_error_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("earlier\n", "utf-8")
    with pytest.raises(KeyError), JsonlWriter(path) as writer:
        writer.write({"id": "a"})
        raise KeyError("x")
    assert path.read_text("utf-8") == "earlier\n"


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with JsonlWriter(path):
        pass
    assert path.read_bytes() == b""


def test_a_path_below_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    path = tmp_path / "file" / "out.jsonl"
    with pytest.raises(InputError, match="cannot be written") as caught, JsonlWriter(path):
        pass
    assert caught.value.where == str(path)


def test_a_folder_as_output_is_refused_before_any_work(tmp_path: Path) -> None:
    reached = False
    with pytest.raises(InputError, match="cannot be written"), JsonlWriter(tmp_path):
        reached = True
    assert not reached

"""Records out: whole or not at all."""

from __future__ import annotations

import csv
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from conflict_events.errors import OutputError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Event, EventType, Span
from conflict_events.tables import COLUMNS, LISTS, rows, split_cell
from conflict_events.writers import WRITERS, CsvWriter, JsonlWriter, ParquetWriter, Writer

TABLES: list[type[CsvWriter] | type[ParquetWriter]] = [CsvWriter, ParquetWriter]
TEXT = "Rebels and gunmen shelled Arna. Troops bombed Oruba."


def extraction(number: int = 1, score: float | None = 0.5) -> Extraction:
    """Two events: of two attackers and a location, and of an attacker alone."""

    def span(role: str, words: str) -> Span:
        start = TEXT.index(words)
        return Span.of(TEXT, role, start, start + len(words), score)

    events = (
        Event(
            EventType.SHELLING, span(TRIGGER, "shelled"),
            (span("attacker", "Rebels"), span("attacker", "gunmen"), span("location", "Arna")), score,
        ),
        Event(EventType.BOMBING, span(TRIGGER, "bombed"), (span("attacker", "Troops"),), score),
    )  # fmt: skip
    return Extraction(events, (), id=f"n{number}", meta={"n": number}, model="m")


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


# JSON lines


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
    with pytest.raises(OutputError, match="cannot be written") as caught, JsonlWriter(path):
        pass
    assert caught.value.where == str(path)


def test_a_folder_as_output_is_refused_before_any_work(tmp_path: Path) -> None:
    reached = False
    with pytest.raises(OutputError, match="cannot be written"), JsonlWriter(tmp_path):
        reached = True
    assert not reached


# Tables: as the rest, whole or not at all


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_has_its_name_only_after_the_block(tmp_path: Path, kind: type[CsvWriter | ParquetWriter]) -> None:
    path = tmp_path / "new" / "events.table"
    with kind(path) as writer:
        writer.add(TEXT, extraction())
        assert names(path.parent) == ["events.table.part"]
    assert names(path.parent) == ["events.table"]


@pytest.mark.parametrize("kind", TABLES)
def test_an_error_leaves_the_earlier_table_as_it_was(tmp_path: Path, kind: type[CsvWriter | ParquetWriter]) -> None:
    path = tmp_path / "events.table"
    path.write_text("earlier", "utf-8")
    with pytest.raises(KeyError), kind(path) as writer:
        writer.add(TEXT, extraction())
        raise KeyError("x")
    assert path.read_text("utf-8") == "earlier"


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_cannot_be_written_is_refused_by_name(
    tmp_path: Path, kind: type[CsvWriter | ParquetWriter]
) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    (tmp_path / "taken.part").mkdir()
    for path in (tmp_path, tmp_path / "file" / "events", tmp_path / "taken"):
        with pytest.raises(OutputError, match="cannot be written") as caught, kind(path):
            pass
        assert caught.value.where == str(path)


# CSV


def test_a_csv_file_has_a_row_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    with CsvWriter(path) as writer:
        for number in (1, 2):
            writer.add(TEXT, extraction(number))
    found = csv_rows(path)
    assert [(row["document_id"], row["event_id"], row["attacker"]) for row in found] == [
        ("n1", "E1", "Rebels | gunmen"), ("n1", "E2", "Troops"),
        ("n2", "E1", "Rebels | gunmen"), ("n2", "E2", "Troops"),
    ]  # fmt: skip
    assert path.read_bytes().startswith(",".join(COLUMNS).encode() + b"\r\n")


def test_no_events_make_a_header_only(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    with CsvWriter(path) as writer:
        writer.add(TEXT, Extraction((), ()))
    assert path.read_bytes() == ",".join(COLUMNS).encode() + b"\r\n"


HOSTILE = st.lists(
    st.sampled_from([" | ", "|", "\\", '"', "'", "\n", "\r\n", "\r", "\t", "=cmd()", ",", " ", "a", "\u2028", "\x00"]),
    min_size=1,
    max_size=5,
).map("".join)


@settings(max_examples=50, deadline=None)
@given(articles=st.lists(st.lists(HOSTILE, min_size=1, max_size=4), max_size=3))
def test_nothing_is_lost_in_a_csv_file_and_nothing_is_a_formula(
    articles: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "events.csv"
    with CsvWriter(path) as writer:
        for values in articles:
            starts = [sum(map(len, values[:n])) for n in range(len(values))]
            trigger, *targets = (
                Span(start, start + len(value), "target" if start else TRIGGER, value)
                for start, value in zip(starts, values, strict=True)
            )
            event = Event(EventType.BOMBING, trigger, tuple(targets))
            writer.add("".join(values), Extraction((event,), (), id=values[0], meta={"of": values}))
    found = csv_rows(path)
    assert [[row["trigger"].removeprefix("'"), *split_cell(row["target"])] for row in found] == articles
    assert [row["document_id"].removeprefix("'") for row in found] == [values[0] for values in articles]
    assert [json.loads(row["meta"])["of"] for row in found] == articles
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in found for cell in row.values())


# Parquet


def test_a_parquet_file_has_typed_columns_and_lists(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    with ParquetWriter(path) as writer:
        writer.add(TEXT, extraction())
        writer.add(TEXT, extraction(2, score=None))
    table = parquet.read_table(path)
    plain: dict[str, Any] = {"start": pyarrow.int32(), "end": pyarrow.int32(), "score": pyarrow.float32()}
    for column in COLUMNS:
        kind = plain.get(column.split("_")[-1], pyarrow.string())
        assert table.schema.field(column).type == (pyarrow.list_(kind) if column in LISTS else kind), column
    assert tuple(table.column_names) == COLUMNS
    assert table.to_pylist() == [*rows(TEXT, extraction()), *rows(TEXT, extraction(2, score=None))]
    assert table["weapon"].to_pylist() == [[]] * 4  # none is an empty list, not missing
    assert table["attacker_score"].to_pylist()[2] == [None, None]


@pytest.mark.parametrize("articles", [0, 2])
def test_a_parquet_file_without_events_has_its_columns(tmp_path: Path, articles: int) -> None:
    path = tmp_path / "events.parquet"
    with ParquetWriter(path) as writer:
        for _ in range(articles):
            writer.add(TEXT, Extraction((), ()))
    table = parquet.read_table(path)
    assert (table.num_rows, tuple(table.column_names)) == (0, COLUMNS)


def test_rows_are_written_in_groups_and_not_all_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conflict_events.writers._ROW_GROUP", 3)
    path = tmp_path / "events.parquet"
    with ParquetWriter(path) as writer:
        for number in range(5):  # two events each
            writer.add(TEXT, extraction(number))
    file = parquet.ParquetFile(path)
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [4, 4, 2]
    assert file.read()["document_id"].to_pylist() == [f"n{number}" for number in range(5) for _ in range(2)]


def test_a_parquet_file_holds_what_a_csv_file_holds(tmp_path: Path) -> None:
    for name, kind in (("events.csv", CsvWriter), ("events.parquet", ParquetWriter)):
        with kind(tmp_path / name) as writer:
            writer.add(TEXT, extraction())
            writer.add(TEXT, extraction(2))
    for row, cells in zip(
        parquet.read_table(tmp_path / "events.parquet").to_pylist(), csv_rows(tmp_path / "events.csv"), strict=True
    ):
        for column in COLUMNS:
            value, cell = row[column], cells[column]
            if column in LISTS:
                assert [str(item) for item in value] == split_cell(cell), column
            else:
                assert ("" if value is None else str(value)) == cell, column


def test_without_pyarrow_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "events.parquet"
    with pytest.raises(OutputError) as caught, ParquetWriter(path):
        pass
    assert str(caught.value) == (
        f"{path}: Parquet needs pyarrow. Install it (pip install pyarrow), or write .csv or .jsonl."
    )
    assert names(tmp_path) == []
    with CsvWriter(tmp_path / "events.csv") as writer:
        writer.add(TEXT, extraction())
    assert len(csv_rows(tmp_path / "events.csv")) == 2


# What runs need: rendering apart from writing, and joining

KINDS = pytest.mark.parametrize("name", WRITERS)


@KINDS
def test_what_was_rendered_elsewhere_is_written_as_if_here(tmp_path: Path, name: str) -> None:
    kind: type[Writer] = WRITERS[name]
    with kind(tmp_path / "here") as here, kind(tmp_path / "there") as there:
        for number in range(3):
            here.add(TEXT, extraction(number))
            there.put(json.loads(json.dumps(kind.render(TEXT, extraction(number)))))
    assert (tmp_path / "here").read_bytes() == (tmp_path / "there").read_bytes()


@KINDS
@pytest.mark.parametrize("group", [3, 10_000])
def test_files_that_are_joined_are_the_file_that_would_have_been_written_at_once(
    tmp_path: Path, name: str, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conflict_events.writers._ROW_GROUP", group)
    kind: type[Writer] = WRITERS[name]
    parts = [tmp_path / f"part-{number}" for number in range(3)]
    with kind(tmp_path / "whole") as whole:
        for number, path in enumerate(parts):
            with kind(path) as part:
                for _ in range(number):  # the first has nothing
                    part.add(TEXT, extraction(number))
                    whole.add(TEXT, extraction(number))
    with kind(tmp_path / "joined") as joined:
        for path in parts:
            joined.join(path)
    if name == "parquet":
        tables = [parquet.read_table(tmp_path / file) for file in ("joined", "whole")]
        assert tables[0].equals(tables[1])
    else:
        assert (tmp_path / "joined").read_bytes() == (tmp_path / "whole").read_bytes()


@KINDS
@pytest.mark.parametrize("when", ["write", "close", "rename"])
def test_a_full_disk_is_told_by_name_and_leaves_nothing(
    tmp_path: Path, name: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kind: type[Writer] = WRITERS[name]
    path = tmp_path / f"events.{name}"
    with pytest.raises(OutputError, match=r"No space left on device.*Make room") as caught, kind(path) as writer:
        if when == "write":
            monkeypatch.setattr(writer, "_put", full)
        elif when == "close":
            monkeypatch.setattr("os.fsync", full)
        else:
            monkeypatch.setattr(Path, "replace", full)
        writer.add(TEXT, extraction())
    assert caught.value.where == str(path)
    assert names(tmp_path) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "out.jsonl", []

    def sync(file: int) -> None:
        synced.append((str(Path(f"/proc/self/fd/{file}").readlink()), path.exists()))

    monkeypatch.setattr("os.fsync", sync)
    with JsonlWriter(path) as writer:
        writer.write({"id": "a"})
    assert synced == [(f"{path}.part", False), (str(tmp_path), True)]

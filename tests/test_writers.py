"""Records out: whole or not at all."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from conflict_events.articles import Article, BadRecord
from conflict_events.batch.local import run
from conflict_events.errors import InputError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Event, EventType, Span
from conflict_events.tables import COLUMNS, LISTS, rows, split_cell
from conflict_events.writers import CsvWriter, ExtractionWriter, JsonlWriter, ParquetWriter, extraction_writer

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
    with pytest.raises(InputError, match="cannot be written") as caught, JsonlWriter(path):
        pass
    assert caught.value.where == str(path)


def test_a_folder_as_output_is_refused_before_any_work(tmp_path: Path) -> None:
    reached = False
    with pytest.raises(InputError, match="cannot be written"), JsonlWriter(tmp_path):
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
        with pytest.raises(InputError, match="cannot be written") as caught, kind(path):
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
    for name in ("events.csv", "events.parquet"):
        with extraction_writer(tmp_path / name) as writer:
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
    with pytest.raises(InputError) as caught, ParquetWriter(path):
        pass
    assert str(caught.value) == (
        f"{path}: Parquet needs pyarrow. Install it (pip install pyarrow), or write .csv or .jsonl."
    )
    assert names(tmp_path) == []
    with CsvWriter(tmp_path / "events.csv") as writer:
        writer.add(TEXT, extraction())
    assert len(csv_rows(tmp_path / "events.csv")) == 2


# Which writer


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", CsvWriter), ("a.CSV", CsvWriter), ("a.b.csv", CsvWriter),
        ("a.parquet", ParquetWriter), ("a.Parquet", ParquetWriter),
        ("a.jsonl", JsonlWriter), ("a.json", JsonlWriter), ("a", JsonlWriter), (".csv", JsonlWriter),
    ],
)  # fmt: skip
def test_the_suffix_decides_the_writer(name: str, kind: type[ExtractionWriter]) -> None:
    assert type(extraction_writer(Path(name))) is kind


class Stub:
    """Finds the same two events in every text."""

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for text in texts:
            yield extraction() if text else Extraction((), (), model="m")


@pytest.mark.parametrize("name", ["events.csv", "events.parquet", "events.jsonl", "events"])
def test_a_run_writes_what_the_suffix_says(tmp_path: Path, name: str) -> None:
    records = [Article("a", TEXT, {"n": 1}), BadRecord("in.jsonl:2", "no text"), Article("b", ""), Article("c", TEXT)]
    summary = run(records, Stub(), tmp_path / name, tmp_path / "bad.jsonl")
    assert (summary.articles, summary.events, summary.bad) == (3, 4, 1)
    assert names(tmp_path) == sorted(["bad.jsonl", name])
    path = tmp_path / name
    if name.endswith((".csv", ".parquet")):
        found = csv_rows(path) if name.endswith(".csv") else parquet.read_table(path).to_pylist()
        assert [(row["document_id"], row["event_id"]) for row in found] == [
            ("a", "E1"), ("a", "E2"), ("c", "E1"), ("c", "E2"),
        ]  # fmt: skip
        assert [json.loads(row["meta"]) for row in found] == [{"n": 1}] * 2 + [{}] * 2
    else:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        assert [(line["id"], len(line["events"])) for line in lines] == [("a", 2), ("b", 0), ("c", 2)]


def test_a_run_that_ends_early_leaves_no_table_under_its_name(tmp_path: Path) -> None:
    def broken() -> Iterator[Article]:
        yield Article("a", TEXT)
        raise OSError("the disk is gone")

    for name in ("events.csv", "events.parquet"):
        with pytest.raises(OSError, match="the disk is gone"):
            run(broken(), Stub(), tmp_path / name, tmp_path / "bad.jsonl")
        assert not (tmp_path / name).exists()

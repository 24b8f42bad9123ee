"""Articles from Parquet."""

from __future__ import annotations

import datetime
import decimal
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from conflict_events.articles import Article, BadRecord, Columns, find_sources, read_articles
from conflict_events.errors import InputError


def table(folder: Path, columns: dict[str, Any], **options: Any) -> str:
    path = folder / "in.parquet"
    parquet.write_table(pyarrow.table(columns), path, **options)
    return str(path)


def test_columns_become_text_id_and_meta(tmp_path: Path) -> None:
    source = table(tmp_path, {"id": [7, None], "region": ["north", None], "text": ["Rebels struck.\r\n", ""]})
    assert list(read_articles(source)) == [
        Article("7", "Rebels struck.\r\n", {"region": "north"}),
        Article("in.parquet:2", "", {"region": None}),
    ]


def test_what_json_does_not_know_becomes_text_or_nothing(tmp_path: Path) -> None:
    source = table(
        tmp_path,
        {
            "text": ["x"], "day": [datetime.date(2024, 2, 29)], "money": [decimal.Decimal("1.50")],
            "share": [float("nan")], "raw": [b"\xffa"], "tags": [["a", "b"]], "place": [{"name": "Arna", "at": [1.5]}],
        },
    )  # fmt: skip
    (record,) = read_articles(source)
    assert isinstance(record, Article)
    assert record.meta == {
        "day": "2024-02-29", "money": "1.50", "share": None, "raw": "\ufffda", "tags": ["a", "b"],
        "place": {"name": "Arna", "at": [1.5]},
    }  # fmt: skip
    assert json.loads(json.dumps(record.meta, allow_nan=False)) == record.meta


@pytest.mark.parametrize(("text", "reason"), [(None, "NoneType"), ("a\0b", "NUL")], ids=["missing", "NUL"])
def test_one_bad_row_leaves_the_others_and_gives_its_number(tmp_path: Path, text: object, reason: str) -> None:
    source = table(tmp_path, {"id": ["a", "b", "c"], "text": ["first", text, "third"], "by": ["x", "y", "z"]})
    first, bad, third = read_articles(source)
    assert (first, third) == (Article("a", "first", {"by": "x"}), Article("c", "third", {"by": "z"}))
    assert isinstance(bad, BadRecord)
    assert bad.where == f"{source}:2"
    assert reason in bad.reason
    assert bad.record == {"by": "y"}


def test_bytes_that_are_no_utf8_are_the_fault_of_their_row_alone(tmp_path: Path) -> None:
    raw = pyarrow.array([b"first", b"caf\xe9", b"third"])
    text = pyarrow.Array.from_buffers(pyarrow.string(), 3, raw.buffers())
    records = list(read_articles(table(tmp_path, {"text": text})))
    assert [isinstance(record, Article) for record in records] == [True, False, True]


@pytest.mark.parametrize("values", [[1, 2], [["a"], ["b"]]], ids=["numbers", "lists"])
def test_a_text_column_that_holds_no_text_makes_every_row_bad(tmp_path: Path, values: list[Any]) -> None:
    records = list(read_articles(table(tmp_path, {"text": values})))
    assert all(isinstance(record, BadRecord) and "not a string" in record.reason for record in records)
    assert len(records) == 2


def test_a_file_without_the_text_column_is_refused_and_its_columns_are_named(tmp_path: Path) -> None:
    source = table(tmp_path, {"id": ["a"], "body": ["b"]})
    with pytest.raises(InputError, match=r"no column 'text'.*text_column.*id, body"):
        read_articles(source)
    assert [r.text for r in read_articles(source, text_column="body") if isinstance(r, Article)] == ["b"]
    with pytest.raises(InputError, match=r"no column 'number'.*Set id_column to one of: id, body"):
        read_articles(source, text_column="body", id_column="number")


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"text\nx\n"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "in.parquet").write_bytes(content)
    with pytest.raises(InputError, match="no Parquet file"):
        read_articles(str(tmp_path / "in.parquet"))


def test_a_damaged_row_group_is_a_bad_record_and_the_next_one_is_read(tmp_path: Path) -> None:
    texts = [f"Rebels struck hill {number}." for number in range(1000)]
    source = table(tmp_path, {"text": texts}, row_group_size=250, compression="none", use_dictionary=False)
    raw = bytearray(Path(source).read_bytes())
    at = parquet.ParquetFile(source).metadata.row_group(2).column(0).data_page_offset
    raw[at : at + 40] = b"\xff" * 40
    Path(source).write_bytes(raw)
    records = list(read_articles(source))
    (bad,) = (record for record in records if isinstance(record, BadRecord))
    assert bad.where == f"{source}:501"
    assert bad.reason.startswith("rows 501 to 750 cannot be read (")
    assert [r.text for r in records if isinstance(r, Article)] == texts[:500] + texts[750:]
    assert [r.id for r in records if isinstance(r, Article)][500] == "in.parquet:751"


def test_a_file_is_not_read_as_a_whole(tmp_path: Path) -> None:
    source = table(tmp_path, {"text": ["x"] * 1000}, row_group_size=100)
    reading = find_sources(source)[0].read(Columns())
    size, positions = Path(source).stat().st_size, []
    for _ in reading:
        positions.append(reading.position)
    assert positions == sorted(positions)
    assert positions[499] == size // 2
    assert positions[-1] == size


def test_parquet_has_its_own_compression(tmp_path: Path) -> None:
    (tmp_path / "in.parquet.gz").write_bytes(b"x")
    with pytest.raises(InputError, match=r"'\.gz' are not read.*all but \.parquet"):
        read_articles(str(tmp_path / "in.parquet.gz"))


def test_without_pyarrow_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = table(tmp_path, {"text": ["x"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"Parquet needs pyarrow.*pip install pyarrow"):
        read_articles(source)


def test_a_time_that_python_has_none_for_costs_its_row_alone(tmp_path: Path) -> None:
    times = pyarrow.array([0, (2**63 - 1) // 1000], pyarrow.timestamp("ms"))
    good, bad = read_articles(table(tmp_path, {"text": ["one", "two"], "seen": times}))
    assert isinstance(good, Article)
    assert isinstance(bad, BadRecord)
    assert bad.where.endswith("in.parquet:2")

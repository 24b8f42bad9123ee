"""What ``input`` may name: patterns, lists, folders; and files that are bad among good ones."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest

from conflict_events.articles import Article, BadRecord, Columns, find_sources, read_articles
from conflict_events.errors import InputError


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return str(path)


def texts(given: str | list[str]) -> list[str]:
    return [record.text for record in read_articles(given) if isinstance(record, Article)]


def line(text: str) -> str:
    return f'{{"text": "{text}"}}\n'


def test_a_pattern_stands_for_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl", "d.csv"):
        written(tmp_path, name, line(name) if name.endswith("l") else "text\nno\n")
    assert texts(f"{tmp_path}/*.jsonl") == ["a.jsonl", "b.jsonl"]
    assert texts(f"{tmp_path}/**/*.jsonl") == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]
    assert texts(f"{tmp_path}/[b-c].jsonl") == ["b.jsonl"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl", line("other"))
    assert texts(written(tmp_path, "[a].jsonl", line("this"))) == ["this"]


def test_a_list_is_read_in_the_order_given_and_may_mix_kinds(tmp_path: Path) -> None:
    paths = [
        written(tmp_path, "z.jsonl", line("first")),
        written(tmp_path, "a.csv", "text\nsecond\n"),
        written(tmp_path, "m.txt", "third"),
        str(tmp_path / "more"),
        f"{tmp_path}/x*.jsonl",
    ]
    written(tmp_path, "more/n.txt", "fourth")
    written(tmp_path, "x1.jsonl", line("fifth"))
    assert texts(paths) == ["first", "second", "third", "fourth", "fifth"]


def test_ids_tell_files_of_the_same_name_apart(tmp_path: Path) -> None:
    for folder in ("north", "south"):
        written(tmp_path, f"{folder}/day.jsonl", line(folder))
        written(tmp_path, f"{folder}/note.txt", folder)
    assert [r.id for r in read_articles(f"{tmp_path}/*/*") if isinstance(r, Article)] == [
        "north/day.jsonl:1", "north/note", "south/day.jsonl:1", "south/note",
    ]  # fmt: skip


def test_text_files_that_follow_one_another_are_one_source(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.jsonl", "d.txt"):
        written(tmp_path, name, line(name))
    assert [[Path(p).name for p in s.paths] for s in find_sources(f"{tmp_path}/*")] == [
        ["a.txt", "b.txt"], ["c.jsonl"], ["d.txt"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "content", "reason"),
    [
        ("b.jsonl", b"", "empty"),
        ("b.csv", b"", "empty"),
        ("b.csv", b"id,body\n1,x\n", "no column 'text'"),
        ("b.parquet", b"PAR1", "no Parquet file"),
        ("b.jsonl.gz", b"plain", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_bad_record_among_others(
    tmp_path: Path, bad: str, content: bytes, reason: str
) -> None:
    paths = [
        written(tmp_path, "a.jsonl", line("first")), written(tmp_path, bad, content),
        written(tmp_path, "c.jsonl", line("third")),
    ]  # fmt: skip
    first, second, third = read_articles(paths)
    assert isinstance(second, BadRecord)
    assert (second.where, second.record) == (paths[1], None)
    assert reason in second.reason
    assert isinstance(first, Article)
    assert isinstance(third, Article)
    assert (first.text, third.text) == ("first", "third")


def test_a_bad_first_file_of_several_does_not_end_the_reading(tmp_path: Path) -> None:
    paths = [written(tmp_path, "a.jsonl", b""), written(tmp_path, "b.jsonl", line("second"))]
    assert [type(record) for record in read_articles(paths)] == [BadRecord, Article]


def test_a_pattern_that_nothing_fits_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file has such a name.*input=") as caught:
        read_articles(f"{tmp_path}/*.jsonl")
    assert caught.value.where == f"{tmp_path}/*.jsonl"


def test_an_empty_list_and_an_unknown_kind_within_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no input"):
        read_articles([])
    good, unknown = written(tmp_path, "a.jsonl", line("x")), written(tmp_path, "a.pdf", "x")
    with pytest.raises(InputError, match=r"'\.pdf'"):
        read_articles([good, unknown])


def test_the_position_goes_through_all_files_of_a_source(tmp_path: Path) -> None:
    for number in range(4):
        written(tmp_path, f"{number}.txt", "x" * 100)
    reading = find_sources(str(tmp_path))[0].read(Columns())
    assert [reading.position for _ in reading] == [100, 200, 300, 400]


# CSV with broken quotes


def broken(*rows: str) -> tuple[list[str], list[tuple[int, object]]]:
    """Ids of the articles, and line and content of the bad rows, of a CSV file with these lines."""
    raw = io.StringIO("id,text\n" + "\n".join(rows) + "\n")
    folder = Path(broken.folder)  # type: ignore[attr-defined]
    source = written(folder, "in.csv", raw.getvalue())
    records = list(read_articles(source))
    bad = [(int(r.where.rpartition(":")[2]), r.record) for r in records if isinstance(r, BadRecord)]
    return [r.id for r in records if isinstance(r, Article)], bad


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    broken.folder = tmp_path  # type: ignore[attr-defined]


def test_a_quote_that_is_never_closed_costs_its_row_alone() -> None:
    assert broken('1,"one"', '2,"two', "3,three", "4,four") == (["1", "3", "4"], [(3, '2,"two')])


def test_a_quote_that_the_next_quoted_row_closes_costs_its_row_alone() -> None:
    assert broken('1,"one"', '2,"two', '3,"three"', '4,"four, and\nmore"', "5,five") == (
        ["1", "3", "4", "5"],
        [(3, '2,"two')],
    )


def test_quotes_within_a_quoted_text_that_are_not_doubled_make_a_bad_row() -> None:
    assert broken('1,"he said "go" and left"', "2,two") == (["2"], [(2, '1,"he said "go" and left"')])


def test_a_broken_quote_in_the_last_row_is_a_bad_row() -> None:
    assert broken("1,one", '2,"two') == (["1"], [(3, '2,"two')])


def test_lines_are_counted_right_after_a_broken_quote() -> None:
    assert broken('1,"one', "2", "3,three", "4") == (["3"], [(2, '1,"one'), (3, ["2"]), (5, ["4"])])


def test_a_row_without_end_is_given_up_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conflict_events.articles.csv._LONGEST_ROW", 500)
    found, bad = broken('1,"one', *(f"{number},text" for number in range(2, 200)))
    assert found == [str(number) for number in range(2, 200)]
    assert bad == [(2, '1,"one')]


def test_a_text_of_ten_megabytes_is_read_from_csv(tmp_path: Path) -> None:
    text = "Rebels struck.\n" * 700_000
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["text"], [text], ["short"]])
    assert texts(written(tmp_path, "big.csv", buffer.getvalue())) == [text, "short"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'"id,text\n1,one\n', "the quotes of the header are not right"),
        (b"id;text\n1;one\n", "no column 'text': the cells stand apart by semicolons. Save it anew with commas"),
        (b"id\ttext\n1\tone\n", "no column 'text': the cells stand apart by tabs"),
        ("id,text\n1,one\n".encode("utf-16"), 'the header is not UTF-8. Save it anew as "CSV UTF-8"'),
        (b"id,text,text\n1,one,\n", "several columns 'text'"),
        (b"id,text,id\n1,one,\n", "several columns 'id'"),
    ],
)
def test_a_table_from_a_spreadsheet_is_refused_with_what_to_do_and_the_other_files_are_read(
    tmp_path: Path, content: bytes, words: str
) -> None:
    bad = written(tmp_path, "b.csv", content)
    with pytest.raises(InputError) as refused:
        list(read_articles(bad))
    assert words in str(refused.value)
    files = [written(tmp_path, "a.csv", "text\none\n"), bad, written(tmp_path, "c.csv", "text\ntwo\n")]
    found = list(read_articles(files))
    assert [record.text for record in found if isinstance(record, Article)] == ["one", "two"]
    assert [record.where for record in found if isinstance(record, BadRecord)] == [bad]


def test_columns_beside_text_and_id_may_have_one_name(tmp_path: Path) -> None:
    assert texts(written(tmp_path, "a.csv", "note,text,note\na,one,b\n")) == ["one"]


def test_a_file_whose_name_is_not_utf_8_is_a_bad_record_that_can_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    written(folder, "a.txt", "one")
    Path(os.fsdecode(bytes(folder) + b"/caf\xe9.txt")).write_bytes(b"two")
    good, bad = read_articles(str(folder))
    assert isinstance(good, Article)
    assert isinstance(bad, BadRecord)
    assert bad.to_record()["where"].endswith("caf?.txt")
    assert "name of the file" in bad.reason


def test_linked_folders_are_read_and_one_that_holds_itself_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "disk/b.txt", "two")
    written(tmp_path, "archive/a.txt", "one")
    (tmp_path / "archive" / "more").symlink_to(tmp_path / "disk")
    assert texts(str(tmp_path / "archive")) == ["one", "two"]
    (tmp_path / "disk" / "again").symlink_to(tmp_path / "archive")
    with pytest.raises(InputError, match="holds itself"):
        texts(str(tmp_path / "archive"))

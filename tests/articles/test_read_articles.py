"""New text in: every kind of file, and every kind of damage."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.articles import Article, BadRecord, read_articles
from conflict_events.errors import InputError

CRLF_TEXT = "Rebels struck\r\nthe caf\u00e9\u00a0bar \U0001f4a3.\rNight fell.\n"


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return str(path)


def lines(*records: object) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def split(source: str, **options: str) -> tuple[list[Article], list[BadRecord]]:
    """The articles and the bad records of a source."""
    records = list(read_articles(source, **options))
    return [r for r in records if isinstance(r, Article)], [r for r in records if isinstance(r, BadRecord)]


# One text file, and folders of them


def test_a_text_file_is_one_article_with_the_name_as_id_and_every_character_kept(tmp_path: Path) -> None:
    source = written(tmp_path, "night report.txt", CRLF_TEXT)
    assert list(read_articles(source)) == [Article("night report", CRLF_TEXT, {})]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    source = written(tmp_path, "a.txt", b"\xef\xbb\xbfRebels struck.")
    assert [article.text for article in split(source)[0]] == ["Rebels struck."]


def test_an_empty_text_file_is_an_article_with_an_empty_text(tmp_path: Path) -> None:
    assert list(read_articles(written(tmp_path, "a.txt", ""))) == [Article("a", "", {})]


def test_a_folder_is_read_with_its_subfolders_in_order_and_paths_are_ids(tmp_path: Path) -> None:
    for name in ("z.txt", "north/b.txt", "north/a.txt", "a.txt"):
        written(tmp_path, name, f"text of {name}")
    written(tmp_path, "notes.md", "not an article")
    assert [(a.id, a.text) for a in split(str(tmp_path))[0]] == [
        ("a", "text of a.txt"),
        ("north/a", "text of north/a.txt"),
        ("north/b", "text of north/b.txt"),
        ("z", "text of z.txt"),
    ]


def test_a_folder_takes_the_same_suffixes_as_a_single_file(tmp_path: Path) -> None:
    source = written(tmp_path, "REPORT.TXT", "Rebels struck.")
    assert [a.text for a in split(source)[0]] == ["Rebels struck."]
    assert [a.text for a in split(str(tmp_path))[0]] == ["Rebels struck."]


@pytest.mark.parametrize("damage", [b"Rebels \xff struck", b"Rebels\0struck"], ids=["no UTF-8", "NUL"])
def test_one_bad_file_of_a_folder_leaves_the_others(tmp_path: Path, damage: bytes) -> None:
    for name, content in {"a.txt": b"first", "b.txt": damage, "c.txt": b"third"}.items():
        written(tmp_path, name, content)
    articles, bad = split(str(tmp_path))
    assert [a.id for a in articles] == ["a", "c"]
    assert [record.where for record in bad] == [str(tmp_path / "b.txt")]
    assert "utf-8" in bad[0].reason or "NUL" in bad[0].reason


def test_a_folder_without_text_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \.txt files"):
        read_articles(str(tmp_path))


# JSON lines


def test_json_lines_bring_id_and_meta(tmp_path: Path) -> None:
    meta = {"source": "radio", "tags": ["x", 1]}
    source = written(tmp_path, "a.jsonl", lines({"id": "n-7", "text": CRLF_TEXT, "meta": meta, "other": 1}))
    assert list(read_articles(source)) == [Article("n-7", CRLF_TEXT, meta)]


def test_json_lines_without_id_are_named_by_file_and_line(tmp_path: Path) -> None:
    content = lines({"text": "a"}) + "\n" + lines({"id": None, "text": "b"}, {"id": "", "text": "c"})
    assert [a.id for a in split(written(tmp_path, "in.jsonl", content))[0]] == [
        "in.jsonl:1",
        "in.jsonl:3",
        "in.jsonl:4",
    ]


def test_an_id_of_zero_is_an_id(tmp_path: Path) -> None:
    assert [a.id for a in split(written(tmp_path, "in.jsonl", lines({"id": 0, "text": "a"})))[0]] == ["0"]


def test_other_keys_for_text_and_id_are_taken_when_named(tmp_path: Path) -> None:
    source = written(tmp_path, "in.jsonl", lines({"doc": 4, "body": "Rebels struck.", "id": "no", "text": "no"}))
    assert [(a.id, a.text) for a in split(source, text_column="body", id_column="doc")[0]] == [("4", "Rebels struck.")]


def test_json_lines_may_begin_with_a_byte_order_mark_and_end_with_crlf(tmp_path: Path) -> None:
    source = written(tmp_path, "in.jsonl", b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}\r\n')
    assert [a.text for a in split(source)[0]] == ["a", "b"]


BAD_LINES = {
    "broken JSON": (b'{"text": half}', "Expecting value"),
    "no object": (b'["text"]', "not an object"),
    "no text": (b'{"body": "x"}', "'text'"),
    "text is a number": (b'{"text": 5}', "int"),
    "text is null": (b'{"text": null}', "NoneType"),
    "text is a list": (b'{"text": ["a", "b"]}', "list"),
    "meta is a list": (b'{"text": "x", "meta": ["a"]}', "meta"),
    "no UTF-8": b'{"text": "caf\xe9"}',
    "NUL": (b'{"text": "a\\u0000b"}', "NUL"),
    "lone surrogate in the text": (b'{"text": "ab\\ud83d"}', "character 2"),
    "lone surrogate in the id": (b'{"id": "\\ud83d", "text": "x"}', ""),
    "lone surrogate in the meta": (b'{"text": "x", "meta": {"a": "\\ud83d"}}', ""),
    "nested without end": (b'{"text": ' + b"[" * 100_000, ""),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_one_bad_line_leaves_the_others_and_gives_place_and_reason(tmp_path: Path, name: str) -> None:
    damage = BAD_LINES[name]
    line, reason = damage if isinstance(damage, tuple) else (damage, "utf-8")
    source = written(tmp_path, "in.jsonl", b'{"text": "first"}\n' + line + b'\n{"text": "third"}\n')
    articles, bad = split(source)
    assert [a.id for a in articles] == ["in.jsonl:1", "in.jsonl:3"]
    assert [record.where for record in bad] == [f"{source}:2"]
    assert bad[0].reason
    assert reason in bad[0].reason
    shown = line.decode("utf-8", "replace")
    assert bad[0].to_record() == {"where": f"{source}:2", "reason": bad[0].reason, "record": shown}


def test_whole_surrogate_pairs_in_json_are_one_character(tmp_path: Path) -> None:
    source = written(tmp_path, "in.jsonl", b'{"text": "\\ud83d\\udca3"}\n')
    assert [a.text for a in split(source)[0]] == ["\U0001f4a3"]


def test_standard_input_holds_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    content = '{"id": "1", "text": "caf\u00e9"}\nbroken\n{"text": "b"}\n'.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))
    articles, bad = split("-")
    assert [(a.id, a.text) for a in articles] == [("1", "caf\u00e9"), ("stdin:3", "b")]
    assert [record.where for record in bad] == ["stdin:2"]


def test_json_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    source = written(tmp_path, "in.jsonl", lines({"text": "a"}, {"text": "b"}))
    records = read_articles(source)
    assert next(records) == Article("in.jsonl:1", "a", {})
    with pytest.raises(TypeError):
        len(records)  # type: ignore[arg-type]


# CSV


def test_csv_columns_become_text_id_and_meta(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "id,region,text\r\n7,north,Rebels struck.\r\n,south,\r\n")
    assert list(read_articles(source)) == [
        Article("7", "Rebels struck.", {"region": "north"}),
        Article("in.csv:3", "", {"region": "south"}),
    ]


def test_csv_rows_without_id_are_named_by_the_line_they_begin_on(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", 'text\nfirst\n"two\nlines"\nlast\n')
    assert [(a.id, a.text) for a in split(source)[0]] == [
        ("in.csv:2", "first"),
        ("in.csv:3", "two\nlines"),
        ("in.csv:5", "last"),
    ]


def test_a_quoted_text_keeps_its_lines_and_may_be_longer_than_128_kib(tmp_path: Path) -> None:
    text = 'He said "go",\r\nand they went.\n' * 6000
    assert len(text) > 128 * 1024
    buffer = io.StringIO()
    csv.writer(buffer).writerows([["id", "text"], ["a", text], ["b", "short"]])
    articles, bad = split(written(tmp_path, "in.csv", buffer.getvalue()))
    assert [(a.id, a.text) for a in articles] == [("a", text), ("b", "short")]
    assert bad == []


def test_a_csv_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", b"\xef\xbb\xbftext,id\na,1\n")
    assert [(a.id, a.text) for a in split(source)[0]] == [("1", "a")]


def test_a_csv_without_the_text_column_is_refused_and_its_columns_are_named(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "id,body\n1,a\n")
    with pytest.raises(InputError, match=r"no column 'text'.*text_column.*id, body") as caught:
        read_articles(source)
    assert caught.value.where == source
    assert [a.text for a in split(source, text_column="body")[0]] == ["a"]


def test_a_csv_may_lack_the_usual_column_of_ids_but_not_one_that_was_asked_for(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "number,text\n7,a\n")
    assert [a.id for a in split(source)[0]] == ["in.csv:2"]
    assert [a.id for a in split(source, id_column="number")[0]] == ["7"]
    with pytest.raises(InputError, match=r"no column 'nunber'.*Set id_column to one of: number, text"):
        split(source, id_column="nunber")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2,x,y", "3 cells, the header 2"),
        (b"2", "1 cells, the header 2"),
        (b"2,caf\xe9", "not valid Unicode"),
        (b"2\xe9,x", ""),
        (b"2,a\0b", "NUL"),
    ],
    ids=["too many cells", "too few cells", "text is no UTF-8", "id is no UTF-8", "NUL"],
)
def test_one_bad_row_leaves_the_others_and_gives_its_line(tmp_path: Path, row: bytes, reason: str) -> None:
    source = written(tmp_path, "in.csv", b"id,text\n1,first\n" + row + b"\n3,third\n")
    articles, bad = split(source)
    assert [(a.id, a.text) for a in articles] == [("1", "first"), ("3", "third")]
    assert [record.where for record in bad] == [f"{source}:3"]
    assert bad[0].reason
    assert reason in bad[0].reason
    assert bad[0].record == row.decode("utf-8", "replace").split(",")


def test_the_line_of_a_bad_first_row_is_not_the_header(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", "id,text\n1\n")
    assert [record.where for record in split(source)[1]] == [f"{source}:2"]


def test_a_row_with_damage_in_a_meta_column_is_bad(tmp_path: Path) -> None:
    source = written(tmp_path, "in.csv", b"text,region\nfirst,caf\xe9\nsecond,north\n")
    articles, bad = split(source)
    assert [a.text for a in articles] == ["second"]
    assert len(bad) == 1


# What cannot be read at all


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file.*input=") as caught:
        read_articles(str(tmp_path / "nowhere.jsonl"))
    assert caught.value.where == str(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("name", ["a.pdf", "a"])
def test_an_unknown_kind_of_file_is_refused_and_the_known_ones_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.jsonl, \.parquet, \.txt"):
        read_articles(written(tmp_path, name, "x"))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_empty_file_of_records_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="empty"):
        read_articles(written(tmp_path, name, ""))


# Laws

TEXTS = st.text(
    st.one_of(
        st.sampled_from('\r\n\u00a0\u00ad\u0301\u200f\u2028\ufeff\x0b\x1c\x85",\U0001f4a3\u05d0'),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    max_size=40,
)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_texts_come_back_from_json_lines_and_csv_as_they_were(
    texts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("round")
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([["text"], *([text] for text in texts)])
    raw = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    for source in (written(folder, "in.csv", buffer.getvalue()), written(folder, "in.jsonl", raw)):
        articles, bad = split(source)
        assert ([a.text for a in articles], bad) == (texts, [])

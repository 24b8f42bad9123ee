"""A run from the input to the output: order, bad records, shards, and output that is whole or absent."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobs import ids, job, lines, records_of, weights
from pyarrow import parquet
from stubs import Stub

from conflict_events.articles import Article
from conflict_events.batch.summary import Exit
from conflict_events.errors import InputError, OutputError
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor

SENTENCES = [
    "rebels attacked the village",
    "",
    "troops shelled hill 4 near the market",
    " \r\n ",
    "the caf\u00e9\u00a0bar \U0001f4a3 was bombed",
]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return weights(tmp_path)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


class Recorder(Stub):
    """A stub that says what it was given."""

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        given = list(texts)
        SEEN.append(given)
        return super().extract_many(given)


SEEN: list[list[str]] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


def test_every_article_gives_its_record_in_the_order_of_the_input(tmp_path: Path, tiny_checkpoint: Path) -> None:
    extractor = EventExtractor.from_pretrained(tiny_checkpoint, device="cpu")
    shown: list[tuple[Article, Extraction]] = []
    out = tmp_path / "new" / "events.jsonl"
    summary = job(
        lines(tmp_path / "in.jsonl", SENTENCES),
        out,
        lambda threads: extractor,
        shown,
        path=str(tiny_checkpoint),
        show=5,
    )
    found = records_of(out)
    assert [(record["id"], record["meta"]) for record in found] == [(f"n{n}", {"number": n}) for n in range(5)]
    assert [bool(record["spans"]) for record in found] == [True, False, True, False, True]
    for record, text in zip(found, SENTENCES, strict=True):
        alone = extractor.extract(text)
        assert [(s["role"], s["start"], s["end"]) for s in record["spans"]] == [span.key for span in alone.spans]
        assert all(text[s["start"] : s["end"]] == s["text"] for s in record["spans"])
        assert record["model"] == "checkpoint"
    assert [article.text for article, _ in shown] == SENTENCES
    assert [extraction.to_record() for _, extraction in shown] == found
    assert (summary.counts.articles, summary.counts.bad, summary.exit) == (5, 0, Exit.GOOD)
    assert summary.counts.events == sum(len(record["events"]) for record in found) > 0
    assert summary.counts.spans == sum(len(record["spans"]) for record in found)
    assert names(out.parent) == ["events.jsonl", "events.jsonl.manifest.jsonl"]


def test_no_more_articles_are_shown_than_asked_for(tmp_path: Path, path: str) -> None:
    shown: list[tuple[Article, Extraction]] = []
    job(lines(tmp_path / "in.jsonl", ["one", None, "two", "three"]), tmp_path / "o.csv", None, shown, path=path, show=2)
    assert [(article.id, extraction.spans[0].text) for article, extraction in shown] == [("n0", "one"), ("n2", "two")]


def test_bad_records_go_to_the_error_file_with_place_and_reason_and_the_run_goes_on(tmp_path: Path, path: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": "a", "text": "one"}\nbroken\n{"text": 5}\n{"id": "b", "text": "two"}\n', "utf-8")
    errors = tmp_path / "errors" / "bad.jsonl"
    summary = job(source, tmp_path / "out.jsonl", path=path, errors=str(errors))
    assert ids(tmp_path / "out.jsonl") == ["a", "b"]
    assert [(r["where"], r["record"]) for r in records_of(errors)] == [
        (f"{source}:2", "broken"), (f"{source}:3", '{"text": 5}'),
    ]  # fmt: skip
    assert all(record["reason"] for record in records_of(errors))
    assert (summary.counts.articles, summary.counts.bad, summary.exit) == (2, 2, Exit.BAD_RECORDS)


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("too much for the memory"),
        MemoryError("too much for the memory"),
        InputError("too much for the memory"),
        IndexError("too much for the memory"),  # torch, for a token id beyond the embeddings
        Exception("too much for the memory"),  # tokenizers raises bare exceptions
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_an_article_on_which_the_extractor_fails_does_not_take_its_neighbours_with_it(
    tmp_path: Path, path: str, failure: Exception
) -> None:
    out = tmp_path / "out.jsonl"
    summary = job(lines(tmp_path / "in.jsonl", ["one two", "boom", "three"]), out, Stub(failure=failure), path=path)
    assert [(r["id"], r["spans"][0]["text"]) for r in records_of(out)] == [("n0", "one"), ("n2", "three")]
    (bad,) = records_of(tmp_path / "out.jsonl.errors.jsonl")
    assert bad["where"] == "n1"
    assert type(failure).__name__ in bad["reason"]
    assert "too much for the memory" in bad["reason"]
    assert bad["record"] == {"id": "n1", "text": "boom", "meta": {"number": 1}}
    assert (summary.counts.articles, summary.counts.bad) == (2, 1)


@given(
    kinds=st.lists(st.sampled_from(["good", "two words", None, "boom"]), max_size=14),
    size=st.integers(1, 6),
    workers=st.just(1),
)
@settings(max_examples=40, deadline=None)
def test_whatever_fails_the_rest_comes_out_in_order(
    kinds: list[str | None], size: int, workers: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    given_articles = lines(folder / "in.jsonl", ["first", *kinds])
    summary = job(given_articles, folder / "out.jsonl", path=weights(folder), shard_size=size)
    job(given_articles, folder / "out", path=weights(folder), shard_size=size)
    expected = [f"n{n}" for n, kind in enumerate(["first", *kinds]) if kind not in (None, "boom")]
    assert ids(folder / "out.jsonl") == expected
    errors = folder / "out.jsonl.errors.jsonl"
    bad = [record["where"].rpartition(":")[2] for record in (records_of(errors) if errors.exists() else [])]
    assert bad == [
        f"n{n}" if kind == "boom" else str(n + 1) for n, kind in enumerate(kinds, start=1) if kind in (None, "boom")
    ]
    assert (summary.counts.articles, summary.counts.bad) == (len(expected), len(bad))
    shards = sorted((folder / "out").glob("part-*.jsonl"))
    assert b"".join(shard.read_bytes() for shard in shards) == (folder / "out.jsonl").read_bytes()
    assert len(shards) == -(-(len(kinds) + 1) // size)


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet"])
def test_many_shards_give_the_same_file_as_one(tmp_path: Path, path: str, name: str) -> None:
    source = lines(tmp_path / "in.jsonl", [f"word {number}" for number in range(23)])
    job(source, tmp_path / "many" / name, path=path, shard_size=4)
    job(source, tmp_path / "one" / name, path=path)
    many, one = ((tmp_path / folder / name).read_bytes() for folder in ("many", "one"))
    assert many == one
    assert names(tmp_path / "many") == [name, f"{name}.manifest.jsonl"]


@pytest.mark.parametrize("format", ["jsonl", "csv", "parquet"])
def test_an_output_without_suffix_is_a_folder_of_shards(tmp_path: Path, path: str, format: str) -> None:
    source = lines(tmp_path / "in.jsonl", ["one more", "two", None, "three more", "four more"])
    job(source, tmp_path / "out", path=path, shard_size=2, format=format)
    folder = tmp_path / "out"
    shards = [f"part-00000{number}.{format}" for number in range(3)]
    assert names(folder) == ["_errors.jsonl", "_manifest.jsonl", *shards]
    if format == "jsonl":
        assert [ids(folder / shard) for shard in shards] == [["n0", "n1"], ["n3"], ["n4"]]
        return
    for shard, expected in zip(shards, (["n0"], ["n3"], ["n4"]), strict=True):
        with (folder / shard).open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file)) if format == "csv" else parquet.read_table(folder / shard).to_pylist()
        assert [row["document_id"] for row in found] == expected


def test_a_folder_name_may_hold_a_full_stop_if_it_ends_with_a_slash(tmp_path: Path, path: str) -> None:
    source = lines(tmp_path / "in.jsonl", ["one"])
    job(source, f"{tmp_path}/run.v2/", path=path)
    assert ids(tmp_path / "run.v2" / "part-000000.jsonl") == ["n0"]
    with pytest.raises(OutputError, match=r"'\.v3' are not written.*\.jsonl, \.csv, \.parquet.*folder with /"):
        job(source, tmp_path / "run.v3", path=path)


def test_the_manifest_says_what_was_read_by_what_and_what_came_of_it(tmp_path: Path, path: str) -> None:
    source = lines(tmp_path / "in.jsonl", ["one more", None, "two"])
    job(source, tmp_path / "out.jsonl", path=path, shard_size=2, min_score=0.5)
    run, first, second, finished = records_of(tmp_path / "out.jsonl.manifest.jsonl")
    assert run["run"]["input"]["files"] == 1
    assert run["run"]["input"]["bytes"] == source.stat().st_size
    assert (run["run"]["model"]["name"], run["run"]["model"]["min_score"]) == (path, 0.5)
    assert first["shard"]["counts"] == {"articles": 1, "events": 1, "spans": 1, "bad": 1, "skipped": 0}
    assert second["shard"]["next"] == [0, 3]
    assert second["shard"]["read"] == source.stat().st_size
    assert finished["finished"]["size"] == (tmp_path / "out.jsonl").stat().st_size


def test_the_error_file_of_an_earlier_run_goes_when_nothing_is_bad(tmp_path: Path, path: str) -> None:
    out, errors = tmp_path / "out.jsonl", tmp_path / "out.jsonl.errors.jsonl"
    job(lines(tmp_path / "in.jsonl", ["boom"]), out, path=path)
    assert errors.exists()
    job(lines(tmp_path / "in.jsonl", ["one"]), out, path=path, restart=True)
    assert not errors.exists()
    assert ids(out) == ["n0"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv", "out.parquet", "out"])
def test_no_articles_give_an_empty_output(tmp_path: Path, path: str, name: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n\n")
    summary = job(source, tmp_path / name, path=path, format="csv")
    assert (summary.counts.articles, summary.counts.bad, summary.exit) == (0, 0, Exit.GOOD)
    out = tmp_path / name
    if name == "out.parquet":
        assert parquet.read_table(out).num_rows == 0
    else:
        content = (out / "part-000000.csv" if name == "out" else out).read_bytes()
        assert content.startswith(b"document_id,") if name != "out.jsonl" else content == b""


def test_an_interrupt_is_no_bad_article_and_leaves_no_output_under_its_name(tmp_path: Path, path: str) -> None:
    class Interrupted(Stub):
        def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / "out.jsonl", Interrupted(), path=path)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("output", ["taken", "file/out.jsonl", "file/out", "taken.jsonl"])
def test_an_output_that_cannot_be_written_is_refused_before_any_article_is_worked_on(
    tmp_path: Path, path: str, output: str
) -> None:
    (tmp_path / "taken.jsonl").mkdir()
    (tmp_path / "taken").touch()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        job(lines(tmp_path / "in.jsonl", ["one"]), tmp_path / output, Recorder(), path=path)
    assert SEEN == []


@pytest.mark.parametrize("given", ["missing.jsonl", "empty.jsonl", "other.csv"])
def test_an_input_that_cannot_be_read_is_refused_before_the_output_is_begun(
    tmp_path: Path, path: str, given: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "other.csv").write_text("id\n1\n", "utf-8")
    with pytest.raises(InputError):
        job(tmp_path / given, tmp_path / "new" / "out.jsonl", path=path)
    assert not (tmp_path / "new").exists()


def test_an_output_among_the_files_of_the_input_is_refused(tmp_path: Path, path: str) -> None:
    lines(tmp_path / "a.jsonl", ["one"])
    lines(tmp_path / "b.jsonl", ["two"])
    with pytest.raises(OutputError, match="part of the input"):
        job(f"{tmp_path}/*.jsonl", tmp_path / "b.jsonl", path=path)
    assert ids(tmp_path / "b.jsonl") == ["n0"]


def test_articles_are_not_all_held_in_memory(tmp_path: Path, path: str) -> None:
    job(lines(tmp_path / "in.jsonl", ["one"] * 700), tmp_path / "out.jsonl", Recorder(), path=path)
    assert [len(texts) for texts in SEEN] == [256, 256, 188]


def test_long_articles_make_small_chunks(tmp_path: Path, path: str) -> None:
    long = "one " + "x" * 90_000
    job(lines(tmp_path / "in.jsonl", [long] * 7), tmp_path / "out.jsonl", Recorder(), path=path)
    assert [len(texts) for texts in SEEN] == [3, 3, 1]


def everything_bad(folder: Path) -> list[Path]:
    """Files with everything that may be wrong, and ``good-N`` articles between."""
    paths = [folder / name for name in (
        "a.jsonl", "b.jsonl", "c.jsonl.gz", "d.csv", "e.parquet", "f.csv", "g.txt", "h.jsonl",
    )]  # fmt: skip
    good = (json.dumps({"id": f"good-{n}", "text": f"word {n}"}).encode() + b"\n" for n in range(9))
    paths[0].write_bytes(
        b"\xef\xbb\xbf" + next(good) + b'{"text": "caf\xe9"}\nno JSON\n{"id": 1}\n{"text": 5}\n'
        + b'{"id": "empty", "text": ""}\n' + next(good) + b'{"text": "a\\u0000b"}\n'
        + json.dumps({"id": "big", "text": "Rebels struck. " * 700_000}).encode() + b"\n" + next(good)
        + b'{"id": "good-0", "text": "the same id"}\n'
    )  # fmt: skip
    paths[1].write_bytes(b"")
    paths[2].write_bytes(gzip.compress(b"".join([next(good), *[b'{"id": "z", "text": "x"}\n'] * 5]))[:-9])
    paths[3].write_bytes(b'id,text\ngood-4,word\n1,"broken\ngood-5,word\n')
    next(good), next(good)
    buffer = io.BytesIO()
    import pyarrow

    parquet.write_table(pyarrow.table({"id": ["x"], "body": ["no such column"]}), buffer)
    paths[4].write_bytes(buffer.getvalue())
    paths[5].write_bytes(b"id,body\n1,x\n")
    paths[6].write_bytes(b"\xff\xfe\x00")
    paths[7].write_bytes(next(good))
    return paths


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_bad_in_the_middle_of_a_run_is_told_and_nothing_good_is_lost(
    tmp_path: Path, path: str, workers: int
) -> None:
    paths = everything_bad(tmp_path)
    summary = job(paths, tmp_path / "out.jsonl", path=path, shard_size=3, workers=workers)
    found = ids(tmp_path / "out.jsonl")
    assert [name for name in found if name.startswith("good")] == [
        "good-0", "good-1", "good-2", "good-0", "good-3", "good-4", "good-5", "good-6",
    ]  # fmt: skip
    assert {"empty", "big"} < set(found)
    bad = [record["where"].removeprefix(f"{tmp_path}/") for record in records_of(tmp_path / "out.jsonl.errors.jsonl")]
    assert bad == [
        "a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "a.jsonl:5", "a.jsonl:8", "b.jsonl", "c.jsonl.gz", "d.csv:3",
        "e.parquet", "f.csv", "g.txt",
    ]  # fmt: skip
    assert summary.exit is Exit.BAD_RECORDS


def test_the_summary_says_what_was_done(tmp_path: Path, path: str) -> None:
    summary = job(lines(tmp_path / "in.jsonl", ["one more", None, "two"]), tmp_path / "out.jsonl", path=path)
    assert str(summary).startswith("2 articles, 1 events, 2 spans, 1 bad records; ")
    assert str(summary).endswith(" s")


def test_standard_input_is_read_and_cannot_be_gone_on_with(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stdin(*texts: str) -> Any:
        return io.TextIOWrapper(io.BytesIO(lines(tmp_path / "in.jsonl", texts).read_bytes()))

    monkeypatch.setattr("sys.stdin", stdin("one", "two"))
    job("-", tmp_path / "out.jsonl", path=path)
    assert ids(tmp_path / "out.jsonl") == ["n0", "n1"]
    monkeypatch.setattr("sys.stdin", stdin("one", "two"))
    with pytest.raises(OutputError, match=r"standard input cannot be read again.*runner\.restart=true"):
        job("-", tmp_path / "out.jsonl", path=path)
    monkeypatch.setattr("sys.stdin", stdin("three"))
    job("-", tmp_path / "out.jsonl", path=path, restart=True)
    assert ids(tmp_path / "out.jsonl") == ["n0"]


# Other people's files


def test_an_output_spelled_otherwise_or_behind_a_link_is_still_part_of_the_input(tmp_path: Path, path: str) -> None:
    given = lines(tmp_path / "in.jsonl", ["one"])
    (tmp_path / "link").symlink_to(tmp_path)
    for output in (tmp_path / "link" / "in.jsonl", f"{tmp_path}/./in.jsonl"):
        with pytest.raises(OutputError, match="part of the input"):
            job(given, output, path=path, restart=True)
    assert ids(given) == ["n0"]


def test_an_output_that_is_named_like_a_shard_is_still_part_of_the_input(tmp_path: Path, path: str) -> None:
    given = lines(tmp_path / "part-000000.jsonl", ["one"])
    with pytest.raises(OutputError, match="part of the input"):
        job(given, f"{tmp_path}/./part-000000.jsonl", path=path, restart=True)
    assert ids(given) == ["n0"]


def test_shards_that_are_the_input_are_never_written_over(tmp_path: Path, path: str) -> None:
    part = lines(tmp_path / "shards" / "part-000000.jsonl", ["one"])
    for restart in (False, True):
        with pytest.raises(OutputError, match="part of the input"):
            job(f"{tmp_path}/shards/part-*.jsonl", tmp_path / "shards", path=path, restart=restart)
    assert ids(part) == ["n0"]


def test_a_pattern_does_not_find_what_the_run_itself_has_written(tmp_path: Path, path: str) -> None:
    lines(tmp_path / "in.jsonl", ["one", None])
    first = job(f"{tmp_path}/*.jsonl", tmp_path / "out.jsonl", path=path)
    assert sorted(p.name for p in tmp_path.glob("out*")) == [
        "out.jsonl",
        "out.jsonl.errors.jsonl",
        "out.jsonl.manifest.jsonl",
    ]
    again = job(f"{tmp_path}/*.jsonl", tmp_path / "out.jsonl", path=path)
    assert again.nothing_to_do
    assert again.counts == first.counts


@pytest.mark.parametrize("bad", [False, True])
def test_an_error_file_of_others_is_neither_removed_nor_written_over(tmp_path: Path, path: str, bad: bool) -> None:
    given = lines(tmp_path / "in.jsonl", ["one", None if bad else "two"])
    notes = tmp_path / "notes.txt"
    notes.write_text("mine", "utf-8")
    with pytest.raises(OutputError, match="no run that is known"):
        job(given, tmp_path / "out.jsonl", path=path, errors=str(notes))
    for restart in (False, True):
        with pytest.raises(OutputError, match="part of the input"):
            job(given, tmp_path / "out.jsonl", path=path, errors=str(given), restart=restart)
    assert notes.read_text("utf-8") == "mine"
    assert len(given.read_text("utf-8").splitlines()) == 2
    job(given, tmp_path / "out.jsonl", path=path, errors=str(tmp_path / "new.jsonl"))
    assert (tmp_path / "new.jsonl").exists() == bad
    again = job(given, tmp_path / "out.jsonl", path=path, errors=str(tmp_path / "new.jsonl"))
    assert again.nothing_to_do


@pytest.mark.parametrize(
    "errors", ["out.jsonl", "out.jsonl.manifest.jsonl", "folder", "out.jsonl.parts/part-000000.jsonl"]
)
def test_errors_have_a_place_of_their_own(tmp_path: Path, path: str, errors: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="bad records cannot be written there"):
        job(
            lines(tmp_path / "in.jsonl", ["one", None]),
            tmp_path / "out.jsonl",
            path=path,
            errors=str(tmp_path / errors),
        )
    assert not (tmp_path / "out.jsonl").exists()


def test_an_output_whose_shards_are_gone_is_not_complete(tmp_path: Path, path: str) -> None:
    given = lines(tmp_path / "in.jsonl", ["one", None])
    job(given, tmp_path / "out", path=path)
    assert job(given, tmp_path / "out", path=path).nothing_to_do
    (tmp_path / "out" / "part-000000.jsonl").unlink()
    with pytest.raises(OutputError, match="not as the run has left it"):
        job(given, tmp_path / "out", path=path)


def test_another_format_is_another_run(tmp_path: Path, path: str) -> None:
    given = lines(tmp_path / "in.jsonl", ["one"])
    job(given, tmp_path / "out", path=path)
    with pytest.raises(OutputError, match="format was jsonl, is csv"):
        job(given, tmp_path / "out", path=path, format="csv")


def test_an_empty_name_is_no_input(tmp_path: Path, path: str) -> None:
    with pytest.raises(InputError, match="the name of an input is empty"):
        job("", tmp_path / "out.jsonl", path=path)

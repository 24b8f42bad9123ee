"""The local runner: order, bad records, and output that is whole or absent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.articles import Article, BadRecord, read_articles
from conflict_events.batch.local import run
from conflict_events.errors import ConflictEventsError, InputError
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.schema import Span

SENTENCES = [
    "rebels attacked the village",
    "",
    "troops shelled hill 4 near the market",
    " \r\n ",
    "the caf\u00e9\u00a0bar \U0001f4a3 was bombed",
]


class Stub:
    """Finds the first word of every text, and fails on a text with ``boom``; what it was given is in ``seen``."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure or RuntimeError("out of memory")
        self.seen: list[str] = []

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for text in texts:
            self.seen.append(text)
            if "boom" in text:
                raise self.failure
            word = text.split(" ")[0]
            yield Extraction((), (Span(0, len(word), "weapon", word),), model="stub")


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def articles(*texts: str) -> list[Article]:
    return [Article(f"n{number}", text, {"number": number}) for number, text in enumerate(texts)]


def test_every_article_gives_its_record_in_the_order_of_the_input(tmp_path: Path, tiny_checkpoint: Path) -> None:
    extractor = EventExtractor.from_pretrained(tiny_checkpoint, device="cpu")
    given_articles = articles(*SENTENCES)
    out, errors = tmp_path / "out" / "events.jsonl", tmp_path / "errors.jsonl"
    shown: list[tuple[Article, Extraction]] = []
    summary = run(iter(given_articles), extractor, out, errors, lambda *pair: shown.append(pair))
    found = records_of(out)
    assert [(record["id"], record["meta"]) for record in found] == [(f"n{n}", {"number": n}) for n in range(5)]
    assert [bool(record["spans"]) for record in found] == [True, False, True, False, True]
    for record, text in zip(found, SENTENCES, strict=True):
        alone = extractor.extract(text)
        assert [(s["role"], s["start"], s["end"]) for s in record["spans"]] == [span.key for span in alone.spans]
        assert all(text[s["start"] : s["end"]] == s["text"] for s in record["spans"])
        assert record["model"] == "checkpoint"
    assert [article for article, _ in shown] == given_articles
    assert [extraction.to_record() for _, extraction in shown] == found
    assert (summary.articles, summary.bad) == (5, 0)
    assert summary.events == sum(len(record["events"]) for record in found) > 0
    assert str(summary).startswith(f"5 articles, {summary.events} events, 0 bad records, ")
    assert not errors.exists()


def test_bad_records_go_to_the_error_file_with_place_and_reason_and_the_run_goes_on(tmp_path: Path) -> None:
    first, second = articles("one", "two")
    records = [BadRecord("in.jsonl:1", "no JSON"), first, BadRecord("in.jsonl:3", "no text"), second]
    summary = run(records, Stub(), tmp_path / "out.jsonl", tmp_path / "errors" / "bad.jsonl")
    assert [record["id"] for record in records_of(tmp_path / "out.jsonl")] == ["n0", "n1"]
    assert records_of(tmp_path / "errors" / "bad.jsonl") == [
        {"where": "in.jsonl:1", "reason": "no JSON"},
        {"where": "in.jsonl:3", "reason": "no text"},
    ]
    assert (summary.articles, summary.bad) == (2, 2)


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
    tmp_path: Path, failure: Exception
) -> None:
    given_articles = articles("one two", "boom", "three")
    summary = run(given_articles, Stub(failure), tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    assert [(r["id"], r["spans"][0]["text"]) for r in records_of(tmp_path / "out.jsonl")] == [
        ("n0", "one"),
        ("n2", "three"),
    ]
    (bad,) = records_of(tmp_path / "bad.jsonl")
    assert bad["where"] == "n1"
    assert type(failure).__name__ in bad["reason"]
    assert "too much for the memory" in bad["reason"]
    assert (bad["record"]["id"], bad["record"]["text"]) == ("n1", "boom")
    assert (summary.articles, summary.bad) == (2, 1)


@given(kinds=st.lists(st.sampled_from(["good", "bad", "boom"]), max_size=12), group=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_whatever_fails_the_rest_comes_out_in_order(
    kinds: list[str], group: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    records = [
        BadRecord(f"n{n}", "unreadable") if kind == "bad" else Article(f"n{n}", kind) for n, kind in enumerate(kinds)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("conflict_events.batch.local._GROUP", group)
        run(records, Stub(), folder / "out.jsonl", folder / "bad.jsonl")
    assert [r["id"] for r in records_of(folder / "out.jsonl")] == [f"n{n}" for n, k in enumerate(kinds) if k == "good"]
    bad = records_of(folder / "bad.jsonl") if (folder / "bad.jsonl").exists() else []
    assert [r["where"] for r in bad] == [f"n{n}" for n, k in enumerate(kinds) if k != "good"]


@pytest.mark.parametrize("failure", [OSError("the disk is gone"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_run_that_ends_early_leaves_no_output_under_its_name(tmp_path: Path, failure: BaseException) -> None:
    def broken() -> Iterator[Article]:
        yield from articles("one", "two")
        raise failure

    with pytest.raises(type(failure)):
        run(broken(), Stub(), tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_an_interrupt_is_no_bad_article(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(articles("one", "boom"), Stub(KeyboardInterrupt()), tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_error_file_of_an_earlier_run_goes_when_nothing_is_bad(tmp_path: Path) -> None:
    out, errors = tmp_path / "out.jsonl", tmp_path / "bad.jsonl"
    run(articles("boom"), Stub(), out, errors)
    assert errors.exists()
    run(articles("one"), Stub(), out, errors)
    assert not errors.exists()
    assert [record["id"] for record in records_of(out)] == ["n0"]


def test_no_articles_give_an_empty_output(tmp_path: Path) -> None:
    summary = run([], Stub(), tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == b""
    assert (summary.articles, summary.events, summary.bad) == (0, 0, 0)


def test_an_output_that_cannot_be_written_is_refused_before_any_article_is_worked_on(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    stub = Stub()
    with pytest.raises(ConflictEventsError, match="cannot be written"):
        run(articles("one"), stub, tmp_path / "folder", tmp_path / "bad.jsonl")
    assert stub.seen == []


def test_articles_are_not_all_held_in_memory(tmp_path: Path) -> None:
    stub = Stub()
    ahead = []

    def many() -> Iterator[Article]:
        for number in range(2000):
            ahead.append(number - len(stub.seen))
            yield Article(str(number), "one")

    assert run(many(), stub, tmp_path / "out.jsonl", tmp_path / "bad.jsonl").articles == 2000
    assert max(ahead) < 1000


def test_half_a_surrogate_anywhere_in_a_line_does_not_end_the_run(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(
        '{"id": "a", "text": "one"}\n{"id": "b", "text": "two", "meta": {"by": "\\ud83d"}}\n{"id": "c\\ud83d", '
        '"text": "three"}\n{"id": "d", "text": "four"}\n',
        "utf-8",
    )
    run(read_articles(str(source)), Stub(), tmp_path / "out.jsonl", tmp_path / "bad.jsonl")
    ids = [record["id"] for record in records_of(tmp_path / "out.jsonl")]
    assert (ids[0], ids[-1]) == ("a", "d")

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from conflict_events.config import CorpusConfig, PrepareConfig
from conflict_events.corpora import load
from conflict_events.corpora.prepare import prepare
from conflict_events.errors import ConfigError, DataError, SourceError

REPORTS = b"Gunmen shot a farmer.\t1\n"
ARTICLES = {
    "a": "id: a\nsplit: train\n---\n{Rebels|A1} {shelled|E1:shelling} {Arna|T1}.\r\nNobody\u00a0fled.\n",
    "b": "id: b\nsplit: test\n---\nThe market was open.\n",
}


def quiet(line: str) -> None:
    pass


@pytest.fixture
def marked_up(tmp_path: Path) -> CorpusConfig:
    """A corpus of marked-up articles, not compiled yet."""
    folder = tmp_path / "own" / "articles"
    folder.mkdir(parents=True)
    for name, content in ARTICLES.items():
        (folder / f"{name}.txt").write_bytes(content.encode())
    return CorpusConfig(name="own", format="jsonl", path=str(folder.parent))


@pytest.fixture
def public(tmp_path: Path) -> CorpusConfig:
    """A corpus with one public source, whose home is the file ``home/all.tsv`` of this test."""
    home = tmp_path / "home" / "all.tsv"
    home.parent.mkdir()
    home.write_bytes(REPORTS)
    digest = hashlib.sha256(REPORTS).hexdigest()
    entry = {"path": "satp/all.tsv", "url": home.as_uri(), "sha256": digest, "bytes": len(REPORTS)}
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer" / "sources.json").write_text(json.dumps([entry]), "utf-8")
    return CorpusConfig(name="mine", format="standoff", path=str(tmp_path / "layer"), source_dir=str(tmp_path / "raw"))


def given(tmp_path: Path, content: bytes) -> Path:
    """A folder with somebody's copy of the source."""
    copy = tmp_path / "copy" / "satp" / "all.tsv"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(content)
    return tmp_path / "copy"


def test_articles_are_compiled_to_a_file_for_each_split(marked_up: CorpusConfig) -> None:
    told: list[str] = []
    prepare(PrepareConfig(marked_up, compile=True), told.append)
    splits = load(marked_up).splits
    assert {name: [document.id for document in documents] for name, documents in splits.items()} == {
        "train": ["a"], "dev": [], "test": ["b"],
    }  # fmt: skip
    document = splits["train"][0]
    assert document.text == "Rebels shelled Arna.\r\nNobody\u00a0fled."
    assert [(span.role, span.text) for span in document.spans] == [
        ("attacker", "Rebels"), ("trigger", "shelled"), ("target", "Arna"),
    ]  # fmt: skip
    assert [line.removeprefix(marked_up.path) for line in told] == [
        "/train.jsonl: 1 documents", "/dev.jsonl: 0 documents", "/test.jsonl: 1 documents",
    ]  # fmt: skip


def test_compiling_again_follows_a_correction(marked_up: CorpusConfig) -> None:
    prepare(PrepareConfig(marked_up, compile=True), quiet)
    article = Path(marked_up.path) / "articles" / "a.txt"
    article.write_bytes(ARTICLES["a"].replace("{Arna|T1}", "{Arna|T1 L1}").encode())
    prepare(PrepareConfig(marked_up, compile=True), quiet)
    assert [span.role for span in load(marked_up).split("train")[0].spans if span.text == "Arna"] == [
        "location", "target",
    ]  # fmt: skip


def test_a_malformed_article_leaves_the_compiled_files_alone(marked_up: CorpusConfig) -> None:
    prepare(PrepareConfig(marked_up, compile=True), quiet)
    before = {path.name: path.read_bytes() for path in Path(marked_up.path).glob("*.jsonl")}
    (Path(marked_up.path) / "articles" / "b.txt").write_text("id: b\nsplit: train\n---\nA } B\n", "utf-8")
    with pytest.raises(DataError, match=r"b\.txt:4"):
        prepare(PrepareConfig(marked_up, compile=True), quiet)
    assert {path.name: path.read_bytes() for path in Path(marked_up.path).glob("*.jsonl")} == before


def test_a_corpus_without_articles_has_nothing_to_compile(public: CorpusConfig) -> None:
    with pytest.raises(ConfigError, match=r"no .*articles to compile.*Leave out compile=true"):
        prepare(PrepareConfig(public, compile=True), quiet)


def test_without_sources_and_without_compiling_nothing_is_written(marked_up: CorpusConfig) -> None:
    told: list[str] = []
    prepare(PrepareConfig(marked_up), told.append)
    assert told == []
    assert [path.name for path in Path(marked_up.path).iterdir()] == ["articles"]


def test_sources_are_fetched_from_their_homes(public: CorpusConfig, tmp_path: Path) -> None:
    prepare(PrepareConfig(public), quiet)
    assert (tmp_path / "raw" / "satp" / "all.tsv").read_bytes() == REPORTS


def test_sources_are_copied_from_a_folder_without_asking_their_homes(public: CorpusConfig, tmp_path: Path) -> None:
    (tmp_path / "home" / "all.tsv").unlink()
    told: list[str] = []
    prepare(PrepareConfig(public, source_dir=str(given(tmp_path, REPORTS))), told.append)
    assert (tmp_path / "raw" / "satp" / "all.tsv").read_bytes() == REPORTS
    assert told == ["satp/all.tsv: copied"]


def test_a_copy_with_other_bytes_is_refused_and_not_taken(public: CorpusConfig, tmp_path: Path) -> None:
    folder = given(tmp_path, b"Other.\n")
    with pytest.raises(SourceError, match=r"satp/all\.tsv: sha256 is (.|\n)*its home is file:"):
        prepare(PrepareConfig(public, source_dir=str(folder)), quiet)
    assert not (tmp_path / "raw").exists()


def test_the_folder_of_the_corpus_may_be_the_one_given(public: CorpusConfig, tmp_path: Path) -> None:
    public.source_dir = str(given(tmp_path, REPORTS))
    prepare(PrepareConfig(public, source_dir=str(tmp_path / "layer" / ".." / "copy")), quiet)
    assert (tmp_path / "copy" / "satp" / "all.tsv").read_bytes() == REPORTS

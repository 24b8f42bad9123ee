from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHARED_DATA, needs_shared_data

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.public.texts import reserved_ids, source_text
from conflict_events.corpora.validate import validate
from conflict_events.errors import ConfigError, DataError, SourceError

# One small file of every kind of source, in the layouts of their public homes.
FILES = {
    "satp/train.tsv": (
        b"Two men quarrelled.\t0\t0\r\n"
        b'\xc2\xa0 "Gunmen shot a farmer\xc2\xa0near Kupra." \t1\t0\r\n'
        b'"" Caf\xe9 bombed.""\t1\t0'
    ),
    "insightcrime/train.tsv": 'Prices rose.\t0\n"A \u201cgang\u201d burned two trucks 🙂."\t1\n'.encode(),
    "re3d/CENTCOM/documents.json": (
        '\ufeff{"_id": "A1", "text": "Nothing."}\n\n'
        '{"_id": "B2", "text": "Strikes hit\u2028a depot.\\r\\nTwo died."}\r\n'
    ).encode(),
    "muc4/splits/dev.json": b'{"docid": "DEV-1", "doctext": "guerrillas attacked a farm.", "extracts": {}}\n',
    "news/daily.txt": (
        b"\nFirst line.\nSecond line.\n \t\n"
        b"Shells fell on Arna.\r\nNobody was hurt.\nAdvertisement.\n\n\nThird block.\n"
    ),
}
# What each place holds, by the reading that the documentation of the layer gives.
PLACES: list[tuple[dict[str, Any], str]] = [
    ({"corpus": "satp", "file": "train.tsv", "line": 1}, "Two men quarrelled."),
    ({"corpus": "satp", "file": "train.tsv", "line": 2}, "Gunmen shot a farmer\u00a0near Kupra."),
    ({"corpus": "satp", "file": "train.tsv", "line": 3}, " Caf\ufffd bombed."),
    ({"corpus": "insightcrime", "file": "train.tsv", "line": 2}, "A \u201cgang\u201d burned two trucks 🙂."),
    ({"corpus": "re3d", "file": "CENTCOM/documents.json", "document": "A1"}, "Nothing."),
    (
        {"corpus": "re3d", "file": "CENTCOM/documents.json", "document": "B2"},
        "Strikes hit\u2028a depot.\r\nTwo died.",
    ),
    ({"corpus": "muc4", "file": "splits/dev.json", "document": "DEV-1"}, "guerrillas attacked a farm."),
    ({"corpus": "news", "file": "daily.txt", "block": 0, "lines": 2}, "First line.\nSecond line."),
    ({"corpus": "news", "file": "daily.txt", "block": 1, "lines": 2}, "Shells fell on Arna.\r\nNobody was hurt."),
    ({"corpus": "news", "file": "daily.txt", "block": 2, "lines": 1}, "Third block."),
]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "texts"


def record(number: int, **more: Any) -> dict[str, Any]:
    """The stand-off record of a place."""
    place, text = PLACES[number]
    return {
        "id": f"doc-{number}", "source": place | {"sha256": sha256(text.encode())}, "layers": ["roles", "events"],
        "events": [],
    } | more  # fmt: skip


def corpus(tmp_path: Path, records: list[dict[str, Any]], **more: Any) -> CorpusConfig:
    """A stand-off corpus with one split, ``train``."""
    folder = tmp_path / "layer"
    folder.mkdir(exist_ok=True)
    (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
    manifest = [
        {"path": name, "url": f"http://home/{name}", "sha256": sha256(content), "bytes": len(content)}
        for name, content in FILES.items()
    ]
    (folder / "sources.json").write_text(json.dumps(manifest), "utf-8")
    return CorpusConfig(
        **{"name": "mine", "format": "standoff", "path": str(folder), "source_dir": str(tmp_path / "texts")} | more
    )


@pytest.mark.parametrize(("place", "text"), PLACES, ids=lambda value: value["file"] if isinstance(value, dict) else "")
def test_each_kind_of_source_is_read_as_its_layout_says(texts: Path, place: dict[str, Any], text: str) -> None:
    assert source_text(texts, place) == text


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"corpus": "satp", "file": "train.tsv", "line": 9}, r"no text at .*'line': 9"),
        ({"corpus": "satp", "file": "train.tsv"}, "no text at"),
        ({"corpus": "re3d", "file": "CENTCOM/documents.json", "document": "Z9"}, "no text at .*Z9"),
        ({"corpus": "news", "file": "daily.txt", "block": 3, "lines": 1}, "no text at .*'block': 3"),
        ({"corpus": "news", "lines": 1}, "no text at"),
        ({"corpus": "satp", "file": "gone.tsv", "line": 1}, r"gone\.tsv: cannot be read .*Check source_dir"),
        ({"corpus": "reuters", "file": "a.txt"}, "'reuters' is unknown.*satp, insightcrime, re3d, muc4, news"),
        ({}, "source corpus None is unknown"),
    ],
)
def test_a_place_that_does_not_exist_is_refused(texts: Path, place: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        source_text(texts, place)


def test_annotation_is_attached_to_its_texts(tmp_path: Path, texts: Path) -> None:
    event = {"type": "armed_attack", "trigger": [7, 11], "attacker": [[0, 6]], "target": [[12, 20]],
             "location": [[26, 31]], "weapon": []}  # fmt: skip
    config = corpus(tmp_path, [record(number) for number in range(len(PLACES))] + [record(1, id="x", events=[event])])
    documents = load(config).split("train")
    assert [document.text for document in documents[:-1]] == [text for _, text in PLACES]
    assert [document.meta["source"] for document in documents] == [
        *["satp"] * 3, "insightcrime", "re3d", "re3d", "muc4", "news", "news", "news", "satp",
    ]  # fmt: skip
    assert [(span.role, span.text) for span in documents[-1].spans] == [
        ("attacker", "Gunmen"), ("trigger", "shot"), ("target", "a farmer"), ("location", "Kupra"),
    ]  # fmt: skip


def test_reserved_documents_are_left_out_unread(tmp_path: Path, texts: Path) -> None:
    config = corpus(tmp_path, [record(0), {"id": "doc-8", "source": "kept back"}, record(2)])
    (Path(config.path) / "reserved.txt").write_text("other\ndoc-8\n", "utf-8")
    assert [document.id for document in load(config).split("train")] == ["doc-0", "doc-2"]


def test_without_a_list_nothing_is_reserved(tmp_path: Path) -> None:
    assert reserved_ids(tmp_path) == frozenset()


def test_a_text_of_another_version_is_named_by_file_and_line(tmp_path: Path, texts: Path) -> None:
    wrong = record(1)
    wrong["source"]["line"] = 1
    config = corpus(tmp_path, [record(0), wrong])
    with pytest.raises(DataError, match=f"the text of 'doc-1' has sha256 {sha256(b'Two men quarrelled.')}") as error:
        load(config)
    assert str(error.value).startswith(f"{Path(config.path) / 'train.jsonl'}:2: ")
    assert "scripts/prepare_data.py" in str(error.value)


@pytest.mark.parametrize("source", [None, "satp", {"corpus": "satp", "file": "train.tsv", "line": 1}])
def test_a_record_without_source_and_hash_is_refused(tmp_path: Path, texts: Path, source: Any) -> None:
    config = corpus(tmp_path, [record(0) | {"source": source}])
    with pytest.raises(DataError, match=r"train\.jsonl:1: a stand-off record needs a 'source' with .*sha256"):
        load(config)


def test_offsets_that_leave_the_text_are_named_by_file_and_line(tmp_path: Path, texts: Path) -> None:
    late = [{"type": "bombing", "trigger": [15, 20]}]
    config = corpus(tmp_path, [record(0), record(4), record(2, events=late)])
    with pytest.raises(DataError, match=r"train\.jsonl:3: document 'doc-2'.*leaves the text of 13 characters"):
        load(config)


def test_a_role_that_is_not_declared_is_refused(tmp_path: Path, texts: Path) -> None:
    event = [{"type": "bombing", "trigger": [0, 6], "weapon": [[7, 11]]}]
    config = corpus(tmp_path, [record(1, events=event)], roles=["trigger", "target"])
    with pytest.raises(DataError, match=r"train\.jsonl:1: .*role 'weapon', which corpus 'mine' does not declare"):
        load(config)


def test_missing_and_altered_sources_are_listed_before_any_record_is_read(tmp_path: Path, texts: Path) -> None:
    config = corpus(tmp_path, [{"not": "a record"}])
    (texts / "news" / "daily.txt").unlink()
    (texts / "satp" / "train.tsv").write_bytes(b"Other text.\t0\n")
    with pytest.raises(SourceError) as error:
        load(config)
    message = str(error.value)
    assert "news/daily.txt: missing (its home is http://home/news/daily.txt)" in message
    assert f"satp/train.tsv: sha256 is {sha256(b'Other text.' + bytes([9]) + b'0' + bytes([10]))}" in message
    assert "prepare_data.py corpus=mine" in message


def test_source_dir_must_be_named(tmp_path: Path, texts: Path) -> None:
    with pytest.raises(ConfigError, match=r"corpus\.source_dir is not set.*folder that holds the texts"):
        load(corpus(tmp_path, [record(0)], source_dir=None))


@needs_shared_data
def test_the_conflict_corpus_is_whole_and_without_a_problem() -> None:
    folder = ROOT / "data" / "conflict"
    config = CorpusConfig(name="conflict", format="standoff", path=str(folder), source_dir=str(SHARED_DATA))
    splits = load(config).splits
    assert {name: len(documents) for name, documents in splits.items()} == {"train": 1030, "dev": 135, "test": 182}
    reserved = reserved_ids(folder)
    assert len(reserved) == 234
    assert not reserved & {document.id for documents in splits.values() for document in documents}
    assert validate(config) == []

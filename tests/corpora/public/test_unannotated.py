from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHARED_DATA, needs_shared_data

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.errors import DataError, SourceError

FILES = {
    "satp/train.tsv": "A bomb went off.\t1\nMilitants shot two.\t1\n\nA bomb  went off.\t1\n"
    '"Quiet day."\t0\nArmy raid.\t1\n',
    "news/wire_1.txt": "First line.\nSecond line.\n\nAnother story.\n",
    "muc4/splits/train.json": "".join(json.dumps({"docid": f"M-{n}", "doctext": f"report {n}"}) + "\n" for n in (1, 2)),
    "muc4/splits/test.json": json.dumps({"docid": "TST-1", "doctext": "a test report"}) + "\n",
    "re3d/BBC/documents.json": json.dumps({"_id": "R1", "text": "Syria report"}) + "\n",
}


def record(name: str, **source: Any) -> str:
    return json.dumps({"id": name, "source": source | {"sha256": "0"}, "layers": ["roles"], "spans": []}) + "\n"


def corpus(tmp_path: Path, reserved: str = "muc4-M-2\n") -> CorpusConfig:
    manifest = []
    for name, text in FILES.items():
        path = tmp_path / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        manifest.append({"path": name, "url": "u", "sha256": digest, "bytes": len(text.encode())})
    layer = tmp_path / "layer"
    layer.mkdir(exist_ok=True)
    (layer / "sources.json").write_text(json.dumps(manifest), "utf-8")
    (layer / "reserved.txt").write_text(reserved, "utf-8")
    (layer / "train.jsonl").write_text(record("satp-train-2", corpus="satp", file="train.tsv", line=2), "utf-8")
    (layer / "test.jsonl").write_text(record("satp-train-1", corpus="satp", file="train.tsv", line=1), "utf-8")
    return CorpusConfig("rest", "unannotated", str(layer), str(tmp_path / "texts"))


def test_it_gives_what_is_neither_annotated_nor_reserved_nor_a_repetition(tmp_path: Path) -> None:
    splits = load(corpus(tmp_path)).splits
    assert list(splits) == ["train"]
    assert [(d.id, d.text) for d in splits["train"]] == [
        ("satp-train-5", "Quiet day."),  # line 4 has the words of line 1, which the test split annotates
        ("satp-train-6", "Army raid."),
        ("news-wire_1-0", "First line.\nSecond line."),
        ("news-wire_1-1", "Another story.\n".strip()),
        ("muc4-M-1", "report 1"),  # M-2 is reserved, TST-1 of the test split
        ("re3d-R1", "Syria report"),
    ]
    assert {d.meta["source"] for d in splits["train"]} == {"satp", "news", "muc4", "re3d"}
    assert not any(d.spans for d in splits["train"])


def test_a_text_with_the_words_of_a_reserved_one_is_left_out(tmp_path: Path) -> None:
    found = {document.id for document in load(corpus(tmp_path, reserved="satp-train-6\nmuc4-M-1\n")).split("train")}
    assert "satp-train-6" not in found
    assert {"muc4-M-2", "satp-train-5"} <= found


def test_missing_texts_are_named_with_their_home(tmp_path: Path) -> None:
    config = corpus(tmp_path)
    (tmp_path / "texts" / "news" / "wire_1.txt").unlink()
    with pytest.raises(SourceError, match=r"wire_1\.txt"):
        load(config)


def test_a_layer_that_cannot_be_read_is_an_error_with_its_line(tmp_path: Path) -> None:
    config = corpus(tmp_path)
    (tmp_path / "layer" / "dev.jsonl").write_text("{no json\n", "utf-8")
    with pytest.raises(DataError, match=r"dev\.jsonl:1: not JSON"):
        load(config)


@needs_shared_data
def test_the_real_sources_hold_texts_of_every_kind_and_none_of_the_layer() -> None:
    rest = CorpusConfig("rest", "unannotated", str(ROOT / "data" / "conflict"), str(SHARED_DATA))
    layer = CorpusConfig("conflict", "standoff", str(ROOT / "data" / "conflict"), str(SHARED_DATA))
    documents = load(rest).split("train")
    taken = {d.text for split in load(layer).splits.values() for d in split}
    reserved = set((ROOT / "data" / "conflict" / "reserved.txt").read_text("utf-8").split())
    assert len(documents) > 2000
    assert {d.meta["source"] for d in documents} == {"satp", "insightcrime", "muc4", "news"}  # all of re3d is annotated
    assert not taken & {d.text for d in documents}
    assert not reserved & {d.id for d in documents}

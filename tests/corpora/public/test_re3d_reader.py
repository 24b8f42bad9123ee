from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHARED_DATA, needs_shared_data

from conflict_events.config import CorpusConfig
from conflict_events.corpora import download, load
from conflict_events.corpora.public.texts import reserved_ids
from conflict_events.corpora.validate import validate
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Layer

CORPUS = ROOT / "data" / "re3d"
ROLES = [
    "organisation", "person", "location", "nationality", "military_platform", "weapon", "vehicle", "temporal",
    "quantity", "money", "document_reference", "comms_identifier", "frequency",
]  # fmt: skip
TEXT = "Two jets of the North Fleet struck Port Maro."
SPLITS = {"D1": "train", "D2": "dev", "D3": "test"}
BOM = "\ufeff"


def entity(value: str, kind: str = "Location", document: str = "D1", **changed: Any) -> dict[str, Any]:
    """An entity at the first place of its value in the text."""
    begin = max(TEXT.find(value), 0)
    place = {"begin": begin, "end": begin + len(value), "type": kind, "value": value, "documentId": document}
    return {"_id": f"{document}-{begin}-{kind}", **place, "confidence": 1} | changed


def corpus(
    tmp_path: Path,
    *entities: Mapping[str, Any],
    outlets: Mapping[str, list[str]] | None = None,
    mark: str = "",
    **config: Any,
) -> CorpusConfig:
    """A corpus of documents that all have the same text; the entities are the first outlet's."""
    manifest = []
    for outlet, ids in (outlets or {"Outlet A": ["D1", "D2", "D3"]}).items():
        documents = [{"_id": name, "title": "t", "text": TEXT} for name in ids]
        for file, rows in {"documents": documents, "entities": [] if manifest else entities}.items():
            path = tmp_path / "texts" / "re3d" / outlet / f"{file}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            content = (mark + "".join(f"{json.dumps(row)}\n" for row in rows)).encode("utf-8")
            path.write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            manifest.append({
                "path": f"re3d/{outlet}/{file}.json", "url": "u", "sha256": digest, "bytes": len(content),
            })  # fmt: skip
    (tmp_path / "sources.json").write_text(json.dumps(manifest), "utf-8")
    (tmp_path / "splits.json").write_text(json.dumps(SPLITS), "utf-8")
    texts = str(tmp_path / "texts")
    return CorpusConfig(name="re3d", format="re3d", path=str(tmp_path), source_dir=texts, roles=ROLES, **config)


def found(config: CorpusConfig, split: str = "train") -> list[tuple[str, str]]:
    """Role and text of the spans of a split's only document."""
    (document,) = load(config).split(split)
    return [(span.role, span.text) for span in document.spans]


def test_an_entity_is_a_span_whose_role_is_its_type(tmp_path: Path) -> None:
    config = corpus(
        tmp_path, entity("Port Maro"), entity("Two jets", "MilitaryPlatform"), entity("the North Fleet", "Organisation")
    )
    (document,) = load(config).split("train")
    assert [(span.role, span.start, span.text) for span in document.spans] == [
        ("military_platform", 0, "Two jets"),
        ("organisation", 12, "the North Fleet"),
        ("location", 35, "Port Maro"),
    ]
    assert (document.id, document.text, document.events) == ("D1", TEXT, ())
    assert document.layers == {Layer.ROLES}
    assert document.meta == {"source": "re3d", "outlet": "Outlet A"}


def test_entities_go_to_their_own_document_and_documents_to_their_split(tmp_path: Path) -> None:
    config = corpus(
        tmp_path, entity("Port Maro", document="D3"), entity("North Fleet", "Organisation", "D2"),
        outlets={"Outlet A": ["D3", "D2"], "Outlet B": ["D1"]},
    )  # fmt: skip
    splits = load(config).splits
    assert {name: [(d.id, d.meta["outlet"]) for d in documents] for name, documents in splits.items()} == {
        "train": [("D1", "Outlet B")], "dev": [("D2", "Outlet A")], "test": [("D3", "Outlet A")],
    }  # fmt: skip
    assert [found(config, split) for split in ("train", "dev", "test")] == [
        [], [("organisation", "North Fleet")], [("location", "Port Maro")],
    ]  # fmt: skip


def test_a_byte_order_mark_is_no_part_of_a_record(tmp_path: Path) -> None:
    assert found(corpus(tmp_path, entity("Port Maro"), mark=BOM)) == [("location", "Port Maro")]


def test_a_document_without_a_split_is_left_out_with_its_entities(tmp_path: Path) -> None:
    entities = [entity("Port Maro", document="D4"), entity("elsewhere", document="D4", confidence=0)]
    result = load(corpus(tmp_path, *entities, outlets={"Outlet A": ["D1", "D4"]}))
    assert [document.id for documents in result.splits.values() for document in documents] == ["D1"]
    (line,) = result.left_out
    assert line.endswith("documents.json:2: document 'D4' has no split: it is reserved")


@pytest.mark.parametrize(("confidence", "taken"), [(0, False), (0.49, False), (0.5, True), (0.98, True)])
def test_an_entity_that_is_rather_wrong_than_right_is_counted_not_taken(
    tmp_path: Path, confidence: float, taken: bool
) -> None:
    config = corpus(tmp_path, entity("Port Maro", confidence=confidence))
    assert found(config) == [("location", "Port Maro")] * taken
    path = tmp_path / "texts" / "re3d" / "Outlet A" / "entities.json"
    assert load(config).left_out == (f"{path}: 1 entities with a confidence below 0.5",) * (not taken)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"value": "'Port' Maro"}, "Location \"'Port' Maro\" does not stand at 35, but 'Port Maro'"),
        ({"begin": 34, "end": 43}, "Location 'Port Maro' does not stand at 34, but ' Port Mar'"),
        ({"begin": 35, "end": 99}, "does not stand at 35, but 'Port Maro.'"),
        ({"begin": 60, "end": 69}, "does not stand at 60, but ''"),
        ({"begin": 3, "end": 4, "value": " "}, "Location ' ' does not stand at 3"),
        ({"begin": 3, "end": 3, "value": ""}, "Location '' does not stand at 3"),
    ],
)
def test_a_value_that_is_not_what_the_text_has_is_left_out_by_file_and_line(
    tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    config = corpus(tmp_path, entity("Two jets", "MilitaryPlatform"), entity("Port Maro") | changed)
    assert found(config) == [("military_platform", "Two jets")]
    (line,) = load(config).left_out
    assert line.startswith(f"{tmp_path / 'texts' / 're3d' / 'Outlet A' / 'entities.json'}:2: ")
    assert message in line


def test_outer_white_space_is_no_part_of_a_span_and_duplicates_are_one(tmp_path: Path) -> None:
    config = corpus(
        tmp_path, entity("Port Maro"), entity(" Port Maro"), entity("Port Maro", confidence=0.9),
        entity("Port Maro", "Organisation"),
    )  # fmt: skip
    (document,) = load(config).split("train")
    assert [(span.role, span.start) for span in document.role_spans] == [("location", 35), ("organisation", 35)]


def test_labels_are_mapped_by_the_name_that_the_files_have(tmp_path: Path) -> None:
    entities = [entity("Two jets", "MilitaryPlatform"), entity("Port Maro"), entity("Two", "Quantity")]
    mapped = corpus(tmp_path, *entities, label_map={"MilitaryPlatform": "weapon", "Quantity": None})
    assert found(mapped) == [("weapon", "Two jets"), ("location", "Port Maro")]


def test_a_type_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"documents\.json:1: .*role 'call_sign', which corpus 're3d' does not declare"):
        load(corpus(tmp_path, entity("North", "CallSign")))


def test_a_missing_file_is_told_with_the_command_that_gets_it(tmp_path: Path) -> None:
    config = corpus(tmp_path, entity("Port Maro"))
    (tmp_path / "texts" / "re3d" / "Outlet A" / "entities.json").unlink()
    with pytest.raises(SourceError, match=r"prepare_data\.py corpus=re3d(.|\n)*entities\.json: missing"):
        load(config)


def test_missing_splits_are_told(tmp_path: Path) -> None:
    config = corpus(tmp_path, entity("Port Maro"))
    (tmp_path / "splits.json").unlink()
    with pytest.raises(SourceError, match=r"there is no splits\.json"):
        load(config)


# The published corpus


def test_the_splits_are_those_of_the_event_layer_and_nothing_reserved_is_in_them() -> None:
    conflict = ROOT / "data" / "conflict"
    events = {}
    for split in ("train", "dev", "test"):
        for line in (conflict / f"{split}.jsonl").read_text("utf-8").splitlines():
            source = json.loads(line)["source"]
            if source["corpus"] == "re3d":
                events[source["document"]] = split
    splits = json.loads((CORPUS / "splits.json").read_text("utf-8"))
    assert splits == events
    assert not {f"re3d-{document}" for document in splits} & reserved_ids(conflict)


def test_documents_are_the_files_that_the_event_layer_pins_and_entities_stand_beside_them() -> None:
    pinned = [file for file in download.source_files(ROOT / "data" / "conflict") if file.path.startswith("re3d/")]
    files = download.source_files(CORPUS)
    assert [file for file in files if file.path.endswith("documents.json")] == pinned
    beside = [(file.path, file.url) for file in files if not file.path.endswith("documents.json")]
    assert beside == [(f.path.replace("documents", "entities"), f.url.replace("documents", "entities")) for f in pinned]


@needs_shared_data
def test_the_published_corpus_is_whole() -> None:
    config = CorpusConfig(name="re3d", format="re3d", path=str(CORPUS), source_dir=str(SHARED_DATA), roles=ROLES)
    result = load(config)
    assert {name: len(documents) for name, documents in result.splits.items()} == {"train": 54, "dev": 10, "test": 14}
    spans = Counter(span.role for documents in result.splits.values() for d in documents for span in d.spans)
    assert spans == {
        "organisation": 1026, "location": 524, "person": 273, "temporal": 151, "quantity": 123, "weapon": 62,
        "military_platform": 48, "document_reference": 46, "nationality": 42, "money": 13, "vehicle": 8,
        "frequency": 3, "comms_identifier": 2,
    }  # fmt: skip
    assert Counter(" ".join(line.split(": ", 1)[1].split()[-2:]) for line in result.left_out) == {
        "below 0.5": 6, "is reserved": 12, "“J.D.” Dorrian'": 1, "\"Tex\" Coe'": 1,
    }  # fmt: skip
    assert [str(problem) for problem in validate(config) if " overlap in " not in problem.what] == []

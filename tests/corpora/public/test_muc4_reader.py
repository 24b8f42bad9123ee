from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHARED_DATA, needs_shared_data

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.entities import annotated_entities
from conflict_events.corpora.public.texts import reserved_ids
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Layer

ROLES = ["perp_ind", "perp_org", "target", "victim", "weapon"]
TEXT = "two gunmen of the front shot the mayor, the mayor said."
EXTRACTS = {
    "PerpInd": [[["two gunmen", 0]]],
    "PerpOrg": [[["the front", 14]]],
    "Target": [],
    "Victim": [[["the mayor", 29], ["mayor", 44]]],
    "Weapon": [],
}


def corpus(tmp_path: Path, **extracts: Any) -> CorpusConfig:
    """A corpus with an empty dev split and one document in train and in test."""
    blank = json.dumps({"docid": "T-1", "doctext": "all was quiet.", "extracts": {role: [] for role in EXTRACTS}})
    full = json.dumps({"docid": "T-2", "doctext": TEXT, "extracts": EXTRACTS | extracts})
    manifest = []
    for split, content in {"train": f"{full}\n", "dev": "", "test": f"{blank}\n{full}\n"}.items():
        path = tmp_path / "texts" / "muc4" / "splits" / f"{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        digest = hashlib.sha256(content.encode()).hexdigest()
        manifest.append({"path": f"muc4/splits/{split}.json", "url": "u", "sha256": digest, "bytes": len(content)})
    (tmp_path / "sources.json").write_text(json.dumps(manifest), "utf-8")
    return CorpusConfig(name="muc4", format="muc4", path=str(tmp_path), source_dir=str(tmp_path / "texts"), roles=ROLES)


def test_every_mention_of_every_entity_is_a_role_span(tmp_path: Path) -> None:
    splits = load(corpus(tmp_path)).splits
    assert {name: [document.id for document in documents] for name, documents in splits.items()} == {
        "train": ["T-2"], "dev": [], "test": ["T-1", "T-2"],
    }  # fmt: skip
    document = splits["train"][0]
    assert [(span.role, span.start, span.text) for span in document.spans] == [
        ("perp_ind", 0, "two gunmen"),
        ("perp_org", 14, "the front"),
        ("victim", 29, "the mayor"),
        ("victim", 44, "mayor"),
    ]


def test_only_roles_are_annotated_so_that_no_linker_learns_from_it(tmp_path: Path) -> None:
    document = load(corpus(tmp_path)).split("train")[0]
    assert document.layers == {Layer.ROLES}
    assert document.events == ()
    assert document.meta["source"] == "muc4"


def test_a_document_says_which_mentions_are_one_entity(tmp_path: Path) -> None:
    empty, document = load(corpus(tmp_path)).split("test")
    assert annotated_entities(document) == {
        "perp_ind": [["two gunmen"]], "perp_org": [["the front"]], "victim": [["the mayor", "mayor"]],
    }  # fmt: skip
    assert annotated_entities(empty) == {}, "no entity is annotated, other than where entities are not"


def test_roles_are_mapped_and_dropped_with_their_entities(tmp_path: Path) -> None:
    config = corpus(tmp_path)
    config.roles = ["attacker", "target"]
    config.label_map = {"perp_ind": "attacker", "perp_org": "attacker", "victim": "target", "weapon": None}
    document = load(config).split("train")[0]
    assert [(span.role, span.text) for span in document.spans] == [
        ("attacker", "two gunmen"), ("attacker", "the front"), ("target", "the mayor"), ("target", "mayor"),
    ]  # fmt: skip
    assert annotated_entities(document) == {
        "attacker": [["two gunmen"], ["the front"]], "target": [["the mayor", "mayor"]],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mention", "message"),
    [
        (["the front", 13], "T-2: 'the front' does not stand at 13, but ' the fron'"),
        (["the front", 50], "leaves the text of 55 characters"),
        (["the front", -1], "leaves the text"),
    ],
)
def test_a_mention_that_stands_elsewhere_is_named_by_file_and_line(
    tmp_path: Path, mention: list[Any], message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        load(corpus(tmp_path, PerpOrg=[[mention]]))
    assert str(error.value).startswith(f"{tmp_path / 'texts' / 'muc4' / 'splits' / 'train.json'}:1: ")


def test_a_role_that_is_not_declared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.json:1: .*role 'get_away_car', which corpus 'muc4' does not declare"):
        load(corpus(tmp_path, GetAwayCar=[[["front", 18]]]))


def test_a_missing_file_is_told_with_the_command_that_gets_it(tmp_path: Path) -> None:
    config = corpus(tmp_path)
    (tmp_path / "texts" / "muc4" / "splits" / "dev.json").unlink()
    with pytest.raises(SourceError, match=r"prepare_data\.py corpus=muc4(.|\n)*dev\.json: missing"):
        load(config)


@needs_shared_data
def test_the_published_split_is_whole() -> None:
    config = CorpusConfig(
        name="muc4", format="muc4", path=str(ROOT / "data" / "muc4"), source_dir=str(SHARED_DATA), roles=ROLES
    )
    splits = load(config).splits
    reserved = reserved_ids(ROOT / "data" / "muc4")
    assert len(reserved) == 37  # all of them of the 1,300 of the train split
    assert {name: len(documents) for name, documents in splits.items()} == {"train": 1263, "dev": 200, "test": 200}
    assert not reserved & {document.id for documents in splits.values() for document in documents}
    assert {span.role for document in splits["test"] for span in document.spans} == set(ROLES)

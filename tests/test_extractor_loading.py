"""What ``from_pretrained`` takes: the packaged model, subfolders, checkpoints of others; and what it does not take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import fast_tokenizer, tiny_bert, unigram_tokenizer, wordpiece_tokenizer
from transformers import pipeline

from conflict_events import EventExtractor, __version__
from conflict_events.config import CheckpointConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub import packaged, write_manifest
from conflict_events.labels import LabelScheme

TEXT = "the rebels attacked the village near hill 7 with troops , killed 3 and bombed the market . " * 3


@pytest.fixture
def checkpoint_of_others(tmp_path: Path) -> Path:
    """A plain token classifier with CoNLL labels, as transformers alone writes it."""
    folder = tmp_path / "conll"
    tokenizer = fast_tokenizer(wordpiece_tokenizer())
    tiny_bert(LabelScheme(("per", "org", "loc", "misc")), len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def roles(extractor: EventExtractor) -> set[str]:
    return {span.role for span in extractor.extract(TEXT).spans}


def test_the_packaged_model_is_loaded_when_none_is_named(
    tiny_linked_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = EventExtractor.from_pretrained(tiny_linked_checkpoint, device="cpu")
    write_manifest(tiny_linked_checkpoint)
    monkeypatch.setattr(packaged, "_FOLDER", tiny_linked_checkpoint)
    extractor = EventExtractor.from_pretrained(device="cpu")
    found, expected = extractor.extract(TEXT).to_record(), named.extract(TEXT).to_record()
    assert found == expected | {"model": f"default@{__version__}"}
    (tiny_linked_checkpoint / "linker.json").write_text("{}", "utf-8")
    with pytest.raises(CheckpointError, match=r"linker\.json was changed"):
        EventExtractor.from_pretrained(device="cpu")


def test_a_checkpoint_in_a_subfolder_is_loaded(tmp_path: Path, tiny_checkpoint: Path) -> None:
    shutil.copytree(tiny_checkpoint, tmp_path / "run" / "best")
    found = EventExtractor.from_pretrained(tmp_path / "run", subfolder="best", device="cpu").extract(TEXT)
    expected = EventExtractor.from_pretrained(tiny_checkpoint, device="cpu").extract(TEXT)
    assert found.spans == expected.spans != ()
    by_config = CheckpointConfig(path=str(tmp_path / "run"), subfolder="best", device="cpu")
    assert EventExtractor.from_config(by_config).extract(TEXT).spans == expected.spans


def test_a_checkpoint_of_others_gives_spans_under_its_own_labels(checkpoint_of_others: Path) -> None:
    extractor = EventExtractor.from_pretrained(checkpoint_of_others, device="cpu")
    assert not extractor.finds_events
    assert roles(extractor) <= {"per", "org", "loc", "misc"}
    assert len(roles(extractor)) > 1
    tokens = pipeline("token-classification", model=str(checkpoint_of_others), device="cpu")(TEXT)
    assert {token["entity"][2:].lower() for token in tokens} >= roles(extractor)


def test_labels_of_others_become_roles_by_a_map(checkpoint_of_others: Path) -> None:
    label_map: dict[str, str | None] = {"PER": "attacker", "ORG": "attacker", "LOC": "location", "MISC": "location"}
    extractor = EventExtractor.from_pretrained(checkpoint_of_others, label_map=label_map, device="cpu")
    assert extractor.tagger.scheme.roles == ("attacker", "location")
    assert roles(extractor) == {"attacker", "location"}
    by_config = CheckpointConfig(path=str(checkpoint_of_others), label_map=label_map, device="cpu")
    assert EventExtractor.from_config(by_config).extract(TEXT) == extractor.extract(TEXT)


def test_a_label_that_the_map_drops_is_found_no_more(checkpoint_of_others: Path) -> None:
    everything = EventExtractor.from_pretrained(checkpoint_of_others, device="cpu")
    for dropped in sorted(roles(everything)):
        extractor = EventExtractor.from_pretrained(checkpoint_of_others, label_map={dropped: None}, device="cpu")
        assert dropped not in {*extractor.tagger.scheme.roles, *roles(extractor)}


def test_a_map_of_names_alone_changes_names_alone(checkpoint_of_others: Path) -> None:
    plain = EventExtractor.from_pretrained(checkpoint_of_others, device="cpu").extract(TEXT).spans
    named = EventExtractor.from_pretrained(checkpoint_of_others, label_map={"PER": "attacker"}, device="cpu")
    renamed = [("attacker" if span.role == "per" else span.role, span.start, span.end, span.score) for span in plain]
    assert [(s.role, s.start, s.end, s.score) for s in named.extract(TEXT).spans] == renamed


def test_a_map_of_labels_that_are_not_there_is_refused(checkpoint_of_others: Path) -> None:
    with pytest.raises(ConfigError, match=r"label_map names WEAPON.*The labels are PER, ORG, LOC, MISC"):
        EventExtractor.from_pretrained(checkpoint_of_others, label_map={"weapon": "weapon"}, device="cpu")


@pytest.mark.parametrize(
    "labels", [[f"LABEL_{n}" for n in range(9)], ["O", *(f"I-{n}" for n in "ABCDEFGH")]], ids=["numbers", "IO"]
)
def test_labels_that_are_no_bio_scheme_are_refused(checkpoint_of_others: Path, labels: list[str]) -> None:
    config = json.loads((checkpoint_of_others / "config.json").read_text("utf-8"))
    config |= {"id2label": dict(enumerate(labels)), "label2id": {label: n for n, label in enumerate(labels)}}
    (checkpoint_of_others / "config.json").write_text(json.dumps(config), "utf-8")
    with pytest.raises(CheckpointError, match=r"not a BIO scheme.*O, B-ROLE and I-ROLE"):
        EventExtractor.from_pretrained(checkpoint_of_others, device="cpu")


def test_a_tokenizer_of_another_model_is_refused(tiny_checkpoint: Path) -> None:
    tokenizer = unigram_tokenizer()
    tokenizer.add_tokens([f"word{n}" for n in range(100)])
    tokenizer.save(str(tiny_checkpoint / "tokenizer.json"))
    with pytest.raises(CheckpointError, match=r"tokenizer has ids up to \d+, the encoder an embedding of 119 tokens"):
        EventExtractor.from_pretrained(tiny_checkpoint, device="cpu")


def test_settings_with_windows_that_the_encoder_cannot_take_are_refused(tiny_checkpoint: Path) -> None:
    settings = json.loads((tiny_checkpoint / "conflict_events.json").read_text("utf-8"))
    settings["window"] = {"max_tokens": 10**9, "overlap": 16}
    (tiny_checkpoint / "conflict_events.json").write_text(json.dumps(settings), "utf-8")
    with pytest.raises(CheckpointError, match=r"windows of 1000000000 tokens are more than the encoder's 128"):
        EventExtractor.from_pretrained(tiny_checkpoint, device="cpu")


@pytest.mark.parametrize(
    "size", [{"width": 10**9}, {"width": 4 * 10**8}, {"reach": 10**9}, {"layers": 10**9}, {"layers": 0}, {"width": 32}],
    ids=str,
)  # fmt: skip
def test_a_linker_larger_than_its_weights_is_refused_before_it_is_built(
    tiny_linked_checkpoint: Path, size: dict[str, int]
) -> None:
    record = json.loads((tiny_linked_checkpoint / "linker.json").read_text("utf-8"))
    record["size"] |= size
    (tiny_linked_checkpoint / "linker.json").write_text(json.dumps(record), "utf-8")
    with pytest.raises(CheckpointError, match=r"linker cannot be loaded \(width=.*are not those of the weights"):
        EventExtractor.from_pretrained(tiny_linked_checkpoint, device="cpu", engine="torch")

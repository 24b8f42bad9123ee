from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import violent_documents

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Corpus, load
from conflict_events.corpora.formats import jsonl
from conflict_events.errors import ConfigError, DataError, SourceError
from conflict_events.schema import Document

TEXT = "Rebels shelled Arna."
EVENT = {"type": "shelling", "trigger": [7, 14], "attacker": [[0, 6]]}
ROLES = [{"role": "attacker", "start": 0, "end": 6}]


def corpus(folder: Path, name: str = "mine", **splits: list[Any]) -> CorpusConfig:
    """A corpus of these records (or of these lines, as they are)."""
    folder = folder / name
    folder.mkdir()
    for split, records in splits.items():
        content = "".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records)
        (folder / f"{split}.jsonl").write_text(content, "utf-8")
    return CorpusConfig(name=name, format="jsonl", path=str(folder))


def record(identifier: str, **more: Any) -> dict[str, Any]:
    return {"id": identifier, "text": TEXT, **more}


def ids(documents: list[Document]) -> list[str]:
    return [document.id for document in documents]


# Bad records


BAD = [record("a"), "{broken", record("b", spans=[ROLES[0] | {"end": 99}]), record("c", spans=ROLES), record("")]


def test_loading_stops_at_the_first_bad_record(tmp_path: Path) -> None:
    config = corpus(tmp_path, train=BAD)
    with pytest.raises(DataError, match=rf"^{config.path}/train\.jsonl:2: not JSON"):
        load(config)


def test_bad_records_can_be_left_out_and_are_listed(tmp_path: Path) -> None:
    config = corpus(tmp_path, train=BAD, dev=[record("d", spans=[{}])], test=[record("e")])
    config.skip_bad = True
    read = load(config)
    assert {split: ids(documents) for split, documents in read.splits.items()} == {
        "train": ["a", "c"], "dev": [], "test": ["e"],
    }  # fmt: skip
    assert [line.removeprefix(f"{config.path}/").partition(" (")[0] for line in read.left_out] == [
        "train.jsonl:2: not JSON",
        "train.jsonl:3: document 'b': attacker span [0, 99) leaves the text of 20 characters. "
        "Offsets count Unicode characters, not bytes or UTF-16 units.",
        "train.jsonl:5: the record has no 'id'. Give every document a unique, non-empty string id.",
        "dev.jsonl:1: document 'd': span {} is malformed. "
        'Write {"role": ..., "start": ..., "end": ...}.',
    ]  # fmt: skip


def test_where_nothing_is_bad_nothing_is_listed(tiny_corpus: CorpusConfig) -> None:
    tiny_corpus.skip_bad = True
    assert load(tiny_corpus).left_out == ()


def test_annotation_under_a_misspelt_key_is_told_as_left_out(tmp_path: Path) -> None:
    read = load(corpus(tmp_path, train=[record("a"), {**record("b"), "event": [EVENT]}]))
    assert ids(read.split("train")) == ["a", "b"]
    assert [line.removeprefix(f"{read.config.path}/") for line in read.left_out] == [
        "train.jsonl:2: 'event': a record has only events, id, layers, meta, spans, text"
    ]


def test_files_that_are_missing_are_an_error_all_the_same(tmp_path: Path) -> None:
    config = CorpusConfig(name="mine", format="jsonl", path=str(tmp_path / "missing"), skip_bad=True)
    with pytest.raises(SourceError, match=r"missing: there is no train\.jsonl"):
        load(config)


# Labels


def doccano(folder: Path, label: str, **more: Any) -> CorpusConfig:
    """A corpus in a format whose labels are mapped."""
    line = json.dumps({"id": 1, "text": TEXT, "label": [[0, 6, label]]})
    (folder / "train.jsonl").write_text(line, "utf-8")
    return CorpusConfig(name="mine", format="doccano", path=str(folder), **more)


def test_an_undeclared_role_is_told_with_its_place_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load(doccano(tmp_path, "Perpetrator"))
    assert str(error.value) == (
        f"{tmp_path}/train.jsonl:1: document '1' has role 'perpetrator', which corpus 'mine' does not declare. "
        "Correct it, map it with corpus.label_map, or add it to "
        "corpus.roles=['attacker', 'target', 'location', 'weapon', 'trigger']."
    )


@pytest.mark.parametrize(
    ("remedy", "roles"),
    [
        ({"label_map": {"Perpetrator": "attacker"}}, ["attacker"]),
        ({"label_map": {"Perpetrator": None}}, []),
        ({"roles": ["perpetrator"]}, ["perpetrator"]),
    ],
)
def test_each_remedy_helps(tmp_path: Path, remedy: dict[str, Any], roles: list[str]) -> None:
    (document,) = load(doccano(tmp_path, "Perpetrator", **remedy)).split("train")
    assert [span.role for span in document.spans] == roles


def test_a_document_with_an_undeclared_role_can_be_left_out(tmp_path: Path) -> None:
    read = load(doccano(tmp_path, "Perpetrator", skip_bad=True))
    assert read.split("train") == []
    assert [line.startswith(f"{tmp_path}/train.jsonl:1: document '1' has role") for line in read.left_out] == [True]


def test_the_trigger_of_an_event_must_be_declared_too(tmp_path: Path) -> None:
    config = corpus(tmp_path, train=[record("a", events=[EVENT])])
    config.roles = ["attacker"]
    with pytest.raises(DataError, match=r"has role 'trigger'"):
        load(config)


# Layers


def layers(read: Corpus) -> dict[str, list[str]]:
    return {d.id: sorted(d.layers) for documents in read.splits.values() for d in documents}


def test_without_events_unsaid_layers_are_roles(tmp_path: Path) -> None:
    config = corpus(tmp_path, train=[record("a", spans=ROLES)], test=[record("b")])
    assert layers(load(config)) == {"a": ["roles"], "b": ["roles"]}


def test_with_events_anywhere_unsaid_layers_are_both(tmp_path: Path) -> None:
    config = corpus(tmp_path, train=[record("a")], test=[record("b", events=[EVENT]), record("c", spans=ROLES)])
    assert layers(load(config)) == {key: ["events", "roles"] for key in "abc"}


def test_layers_that_are_said_stay(tmp_path: Path) -> None:
    said = record("a", layers=["roles"], spans=ROLES)
    config = corpus(tmp_path, train=[said, record("b", events=[EVENT])], dev=[record("c", layers=["events"])])
    assert layers(load(config)) == {"a": ["roles"], "b": ["events", "roles"], "c": ["events"]}
    assert load(config).splits["train"][0] == Document.from_record(said)


# Shares of the train split


@pytest.fixture
def large(tmp_path: Path) -> CorpusConfig:
    jsonl.write(tmp_path / "train.jsonl", violent_documents(40, "train"))
    jsonl.write(tmp_path / "dev.jsonl", violent_documents(5, "dev"))
    return CorpusConfig(name="large", format="jsonl", path=str(tmp_path))


def share(config: CorpusConfig, part: float) -> list[str]:
    config.train_share = part
    return ids(load(config).split("train"))


def test_a_share_is_the_same_each_time_and_part_of_a_larger_one(large: CorpusConfig) -> None:
    everything = share(large, 1.0)
    previous: set[str] = set()
    for part, size in ((0.001, 1), (0.1, 4), (0.25, 10), (0.5, 20), (0.99, 40), (1.0, 40)):
        some = share(large, part)
        assert some == share(large, part)
        assert len(some) == size
        assert previous <= set(some)
        assert some == [identifier for identifier in everything if identifier in set(some)], "in the order given"
        previous = set(some)


def test_a_share_does_not_hang_on_the_order_of_the_files(large: CorpusConfig) -> None:
    before = share(large, 0.3)
    jsonl.write(Path(large.path) / "train.jsonl", violent_documents(40, "train")[::-1])
    assert share(large, 0.3) == before[::-1]


def test_a_share_is_drawn_by_chance(large: CorpusConfig) -> None:
    first_half = [int(identifier.removeprefix("train-")) < 20 for identifier in share(large, 0.5)]
    assert 5 <= sum(first_half) <= 15


def test_other_splits_stay_whole(large: CorpusConfig) -> None:
    share(large, 0.1)
    assert len(load(large).split("dev")) == 5


@pytest.mark.parametrize("part", [0.0, -0.5, 1.01, float("nan")])
def test_a_share_out_of_bounds_is_refused(part: float) -> None:
    with pytest.raises(ConfigError, match=r"corpus\.train_share=.* is outside \(0, 1\]"):
        CorpusConfig(train_share=part)


# Further corpora


def test_extra_corpora_add_their_train_splits_only(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a")], test=[record("b")])
    second = corpus(tmp_path, "second", train=[record("c"), record("d")], dev=[record("e")], test=[record("f")])
    third = corpus(tmp_path, "third", train=[record("g")])
    first.extra = {"any": second, "name": third}
    read = load(first)
    assert {split: ids(documents) for split, documents in read.splits.items()} == {
        "train": ["a", "c", "d", "g"], "test": ["b"],
    }  # fmt: skip
    assert read.config is first


def test_an_extra_corpus_has_settings_of_its_own(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record(f"a{n}") for n in range(4)])
    (tmp_path / "second").mkdir()
    second = doccano(tmp_path / "second", "Perpetrator", label_map={"Perpetrator": "target"})
    first.train_share, first.extra = 0.5, {"second": second}
    read = load(first).split("train")
    assert len(read) == 3, "a share of the first, and all of the second"
    assert [span.role for span in read[-1].spans] == ["target"]
    second.train_share = 0.5
    assert len(load(first).split("train")) == 3


def test_layers_are_filled_for_each_corpus_by_itself(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a", spans=ROLES)])
    first.extra = {"second": corpus(tmp_path, "second", train=[record("b", events=[EVENT]), record("c")])}
    assert layers(load(first)) == {"a": ["roles"], "b": ["events", "roles"], "c": ["events", "roles"]}


def test_a_bad_record_of_an_extra_corpus_is_named(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a")])
    first.skip_bad = True
    first.extra = {"second": corpus(tmp_path, "second", train=["{broken"])}
    with pytest.raises(DataError, match=r"second/train\.jsonl:1: not JSON"):
        load(first)


def test_roles_that_a_corpus_does_not_declare_are_unread_in_its_documents_and_in_no_others(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a", events=[EVENT])], test=[record("b")])
    second = corpus(tmp_path, "second", train=[record("c", events=[EVENT]), record("d")])
    second.roles = ["attacker", "trigger"]
    third = corpus(tmp_path, "third", train=[record("e", events=[EVENT])])
    third.roles = ["trigger", "weapon", "attacker"]
    second.extra = {"none": corpus(tmp_path, "none", train=[record("f", layers=["events"])])}
    second.extra["none"].roles = ["trigger"]
    first.extra = {"second": second, "third": third}
    read = load(first)
    assert dict(zip(ids(read.split("train")), map(set, read.unread), strict=True)) == {
        "a": set(),
        "c": {"target", "location", "weapon"},
        "d": {"target", "location", "weapon"},
        "f": {"target", "location", "weapon", "attacker"},
        "e": {"target", "location"},
    }


@pytest.mark.parametrize("turn", [1, -1])
def test_triggers_are_unread_where_only_the_documents_of_other_corpora_have_events(tmp_path: Path, turn: int) -> None:
    with_events = corpus(tmp_path, "with", train=[record("a", events=[EVENT]), record("b", layers=["roles"])])
    without = corpus(tmp_path, "without", train=[record("c", spans=ROLES)])
    first, second = (with_events, without)[::turn]
    first.extra = {"second": second}
    read = load(first)
    assert dict(zip(ids(read.split("train")), map(set, read.unread), strict=True)) == {
        "a": set(), "b": {"trigger"}, "c": {"trigger"},
    }  # fmt: skip


def test_where_nobody_looked_for_events_at_all_nothing_is_unread(tmp_path: Path) -> None:
    assert load(corpus(tmp_path, train=[record("a", spans=ROLES), record("b")])).unread == (frozenset(),) * 2


def test_what_an_extra_corpus_leaves_out_is_listed(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a")])
    second = corpus(tmp_path, "second", train=["{broken", record("b")])
    first.extra, second.skip_bad = {"second": second}, True
    read = load(first)
    assert ids(read.split("train")) == ["a", "b"]
    assert [line.partition(" (")[0] for line in read.left_out] == [f"{second.path}/train.jsonl:1: not JSON"]


# A split that is not there


def test_a_missing_split_is_told_with_those_there_are_and_how_to_make_it(tmp_path: Path) -> None:
    (tmp_path / "export.jsonl").write_text(json.dumps(record("a")), "utf-8")
    config = CorpusConfig(name="mine", format="jsonl", path=str(tmp_path))
    read = load(config)
    assert ids(read.split("all")) == ["a"]
    with pytest.raises(ConfigError) as error:
        read.split("train")
    assert str(error.value) == (
        "corpus 'mine' has no split 'train', only all. Name its files after their splits, or divide it: "
        f"python scripts/prepare_data.py corpus.format=jsonl corpus.path={tmp_path} convert=jsonl output=FOLDER "
        "shares=[0.8,0.1,0.1]."
    )
    config.train_share = 0.5
    with pytest.raises(ConfigError, match=r"no split 'train', only all"):
        load(config)


def test_an_extra_corpus_without_a_train_split_is_told_by_its_name(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a")])
    first.extra = {"second": corpus(tmp_path, "second", test=[record("b")])}
    with pytest.raises(ConfigError, match=r"corpus 'second' has no split 'train', only test"):
        load(first)


def test_a_corpus_without_a_train_split_takes_no_extra_documents(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", test=[record("a")])
    first.extra = {"second": corpus(tmp_path, "second", train=[record("b")])}
    with pytest.raises(ConfigError, match=r"corpus 'first' has no split 'train', only test"):
        load(first)


def test_spans_of_an_extra_corpus_in_roles_that_the_corpus_has_not_are_refused(tmp_path: Path) -> None:
    first = corpus(tmp_path, "first", train=[record("a")])
    second = corpus(tmp_path, "second", train=[record("b", spans=ROLES)])
    first.roles, first.extra = ["target"], {"second": second}
    with pytest.raises(DataError, match=r"corpus 'second', which is added to 'first'.*'b' has role 'attacker'"):
        load(first)


def test_a_corpus_that_is_divided_is_not_told_to_divide_itself(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"into a file or folder named test; .* test_split=null") as error:
        load(corpus(tmp_path, train=[record("a")])).split("test")
    assert "shares" not in str(error.value)

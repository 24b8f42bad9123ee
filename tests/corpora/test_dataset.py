"""Corpora as datasets: typed columns, Parquet files and the way back, and what ``load_dataset`` makes of a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from datasets import ClassLabel, DatasetDict, Features, List, Value
from formats.strategies import content, documents, unique
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from conflict_events.config import CorpusConfig
from conflict_events.corpora import Corpus, dataset, load
from conflict_events.corpora.reading import Log
from conflict_events.errors import ConfigError, DataError
from conflict_events.reports.dataset_card import write_dataset
from conflict_events.schema import TRIGGER, Document, EventType, Layer, Role

ROLES = ["attacker", "target", "location", "weapon", "trigger", "perp_individual", "weapon2"]
RECORD: dict[str, Any] = {
    "id": "d1", "text": "Rebels\r\nbombed 🙂 Arna-Nord.", "layers": ["roles", "events"],
    "spans": [{"role": "perp_individual", "start": 0, "end": 6}],
    "events": [{
        "type": "bombing", "trigger": [8, 14], "attacker": [[0, 6]], "target": [[17, 21]],
        "location": [[17, 26]], "weapon": [],
    }],
    "meta": {"region": "Nord", "tags": ["é", None]},
}  # fmt: skip
DOCUMENT = Document.from_record(RECORD)
PLACES = {
    "Rebels": {"start": 0, "end": 6, "text": "Rebels"}, "bombed": {"start": 8, "end": 14, "text": "bombed"},
    "Arna": {"start": 17, "end": 21, "text": "Arna"}, "Arna-Nord": {"start": 17, "end": 26, "text": "Arna-Nord"},
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    yield
    if shown:
        datasets.enable_progress_bars()


def config(path: Path, **more: Any) -> CorpusConfig:
    return CorpusConfig(name="mine", format="dataset", path=str(path), roles=ROLES, **more)


def write(folder: Path, splits: dict[str, list[Document]], roles: list[str] = ROLES) -> Path:
    """The splits as Parquet files that ``datasets`` writes."""
    for split, part in dataset.to_dataset_dict(splits, roles).items():
        part.to_parquet(str(folder / f"{split}.parquet"))
    return folder


def text_only(name: str) -> Document:
    return Document(name, f"Text of {name}.", frozenset(Layer))


# To a dataset


def test_columns_are_typed() -> None:
    place = {"start": Value("int32"), "end": Value("int32"), "text": Value("string")}
    roles = ["attacker", "target", "trigger"]
    tags = ["O", "B-ATTACKER", "I-ATTACKER", "B-TARGET", "I-TARGET", "B-TRIGGER", "I-TRIGGER"]
    event = {"type": ClassLabel(names=[t.value for t in EventType]), "trigger": place}
    assert dataset.features(roles) == Features(
        {
            "id": Value("string"), "text": Value("string"), "layers": List(ClassLabel(names=["roles", "events"])),
            "spans": List({"role": ClassLabel(names=roles), **place}),
            "events": List({**event, **{role.value: List(place) for role in Role}}),
            "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=tags)), "meta": Value("string"),
        }
    )  # fmt: skip


def test_triggers_have_a_label_even_where_no_tag_does() -> None:
    columns = dataset.features(["victim", "weapon"])
    assert columns["spans"].feature["role"].names == ["victim", "weapon", "trigger"]
    assert columns["ner_tags"].feature.names == ["O", "B-VICTIM", "I-VICTIM", "B-WEAPON", "I-WEAPON"]


def test_a_row_holds_the_document() -> None:
    found = dataset.to_dataset_dict({"train": [DOCUMENT]}, ROLES)
    assert isinstance(found, DatasetDict)
    assert found["train"].features == dataset.features(ROLES)
    (row,) = found["train"].to_list()
    role, kind = ROLES.index, [t.value for t in EventType].index
    assert (row["id"], row["text"], row["layers"]) == ("d1", RECORD["text"], [0, 1])
    assert row["spans"] == [
        {"role": role("attacker"), **PLACES["Rebels"]}, {"role": role("perp_individual"), **PLACES["Rebels"]},
        {"role": role("trigger"), **PLACES["bombed"]}, {"role": role("target"), **PLACES["Arna"]},
        {"role": role("location"), **PLACES["Arna-Nord"]},
    ]  # fmt: skip
    assert row["events"] == [
        {
            "type": kind("bombing"), "trigger": PLACES["bombed"], "attacker": [PLACES["Rebels"]],
            "target": [PLACES["Arna"]], "location": [PLACES["Arna-Nord"]], "weapon": [],
        }
    ]  # fmt: skip
    assert json.loads(row["meta"]) == RECORD["meta"]
    assert "é" in row["meta"], "letters stay readable"


def test_tokens_and_tags_stand_side_by_side() -> None:
    """Of two roles of one place the first by name is tagged; of target and location the longer one."""
    (row,) = dataset.to_dataset_dict({"train": [DOCUMENT]}, ROLES)["train"].to_list()
    names = dataset.features(ROLES)["ner_tags"].feature.names
    assert list(zip(row["tokens"], [names[tag] for tag in row["ner_tags"]], strict=True)) == [
        ("Rebels", "B-ATTACKER"), ("bombed", "B-TRIGGER"), ("🙂", "O"), ("Arna", "B-LOCATION"), ("-", "I-LOCATION"),
        ("Nord", "I-LOCATION"), (".", "O"),
    ]  # fmt: skip


def test_words_are_cut_where_spans_end() -> None:
    document = Document.from_record(
        {"id": "x", "text": "pro-Kyiv M1s", "spans": [{"role": "weapon", "start": 9, "end": 11}]}
    )
    (row,) = dataset.to_dataset_dict({"train": [document]}, ROLES)["train"].to_list()
    names = dataset.features(ROLES)["ner_tags"].feature.names
    assert row["tokens"] == ["pro", "-", "Kyiv", "M1", "s"]
    assert [names[tag] for tag in row["ner_tags"]] == ["O", "O", "O", "B-WEAPON", "O"]


@settings(max_examples=60, deadline=None)
@given(documents())
def test_offsets_tokens_and_tags_fit_the_text(document: Document) -> None:
    (row,) = dataset.to_dataset_dict({"train": [document]}, ROLES)["train"].to_list()
    names = dataset.features(ROLES)["ner_tags"].feature.names
    places = [*row["spans"], *(event["trigger"] for event in row["events"])]
    places += [place for event in row["events"] for role in Role for place in event[role.value]]
    for place in places:
        assert document.text[place["start"] : place["end"]] == place["text"]
    assert [(ROLES[s["role"]], s["start"], s["end"]) for s in row["spans"]] == [s.key for s in document.spans]
    assert "".join(row["tokens"]) == "".join(document.text.split())
    assert len(row["tokens"]) == len(row["ner_tags"])
    tags = ["O", *(names[tag] for tag in row["ner_tags"])]
    for before, tag in pairwise(tags):
        assert not tag.startswith("I-") or before in (f"B-{tag[2:]}", tag), "IOB2"
    assert {tag[2:].lower() for tag in tags[1:] if tag != "O"} <= {span.role for span in document.spans}


def test_the_splits_are_called_as_is_usual_there() -> None:
    splits = {"train": [text_only("a")], "dev": [text_only("b")], "test": [text_only("c")]}
    assert list(dataset.to_dataset_dict(splits, ROLES)) == ["train", "validation", "test"]
    assert [dataset.split_name(split) for split in ("train", "dev", "test")] == ["train", "validation", "test"]


def test_a_corpus_without_splits_is_a_train_split() -> None:
    """``all`` would be refused: it means every split at once."""
    assert list(dataset.to_dataset_dict({"all": [text_only("a")]}, ROLES)) == ["train"]


def test_a_split_without_documents_is_left_out() -> None:
    assert list(dataset.to_dataset_dict({"train": [text_only("a")], "dev": []}, ROLES)) == ["train"]
    assert dataset.to_dataset_dict({}, ROLES) == {}


def test_a_role_outside_of_the_label_set_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as caught:
        dataset.to_dataset_dict({"train": [DOCUMENT]}, ["attacker", "target", "location"])
    assert str(caught.value) == (
        "document 'd1' has role 'perp_individual', which the label set does not hold. "
        "Add it to corpus.roles=['attacker', 'target', 'location']."
    )


# And back


@settings(max_examples=50, deadline=None)
@given(unique(documents(), max_size=4), st.sampled_from(["train", "dev", "test", "all"]))
def test_documents_come_back_as_they_were_written(written: list[Document], split: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), {split: written, "test" if split != "test" else "train": [text_only("other")]})
        found = load(config(Path(folder))).splits.get("train" if split == "all" else split, [])
    if any(not document.layers for document in written):
        found = [
            Document(r.id, r.text, w.layers, r.role_spans, r.events, r.meta)
            for r, w in zip(found, written, strict=True)
        ]
    assert [content(document) for document in found] == [content(document) for document in written]
    assert [document.events for document in found] == [document.events for document in written]


def test_layers_are_kept_and_filled_in_where_nothing_is_said(tmp_path: Path) -> None:
    written = [DOCUMENT, Document("b", "x", frozenset({Layer.ROLES})), Document("c", "x", frozenset())]
    found = load(config(write(tmp_path, {"train": written}))).split("train")
    assert [document.layers for document in found] == [{*Layer}, {Layer.ROLES}, {*Layer}]


def test_a_document_comes_back_to_the_letter(tmp_path: Path) -> None:
    assert load(config(write(tmp_path, {"dev": [DOCUMENT]}))).splits == {"dev": [DOCUMENT]}


@pytest.mark.parametrize(
    "document",
    [
        Document("empty text", "", frozenset(Layer)),
        Document("white space", " \r\n\u2028 ", frozenset(Layer)),
        Document("no spans", "Nobody fled.", frozenset({Layer.ROLES})),
        Document.from_record(RECORD | {"events": []}),
        Document.from_record(RECORD | {"spans": [], "meta": None}),
        Document.from_record(RECORD | {"events": [{"type": "shelling", "trigger": [0, 27]}]}),
    ],
    ids=lambda document: document.id,
)
def test_empty_lists_come_back_empty(tmp_path: Path, document: Document) -> None:
    assert load(config(write(tmp_path, {"train": [document], "test": [document]}))).splits == {
        "train": [document], "test": [document],
    }  # fmt: skip


def test_more_documents_than_one_batch_come_back_in_order(tmp_path: Path) -> None:
    written = [text_only(f"d{n}") for n in range(2005)]
    assert load(config(write(tmp_path, {"train": written}))).split("train") == written


def test_one_file_is_a_corpus_too(tmp_path: Path) -> None:
    write(tmp_path, {"train": [DOCUMENT]})
    assert load(config(tmp_path / "train.parquet")).splits == {"all": [DOCUMENT]}


def test_tokens_and_tags_are_not_needed(tmp_path: Path) -> None:
    part = dataset.to_dataset_dict({"train": [DOCUMENT]}, ROLES)["train"].remove_columns(["tokens", "ner_tags"])
    part.to_parquet(str(tmp_path / "train.parquet"))
    assert load(config(tmp_path)).split("train") == [DOCUMENT]


def test_roles_are_read_by_name_whatever_their_order_was(tmp_path: Path) -> None:
    write(tmp_path, {"train": [DOCUMENT]}, ROLES[::-1])
    assert load(config(tmp_path)).split("train") == [DOCUMENT]


# What cannot be read


def told(path: Path) -> list[tuple[str, str]]:
    """Where and what of every error in a file."""
    return [(where, str(item)) for where, item in dataset.read(path, Log()) if isinstance(item, DataError)]


def test_a_file_of_other_columns_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    parquet.write_table(pa.table({"sentence": ["Rebels fled."], "label": [1]}), path)
    ((where, message),) = told(path)
    assert where == f"{path}: row 0"
    assert message == (
        f"{path}: row 0: the columns are not those of a corpus (KeyError('spans')). "
        "Write it with python scripts/prepare_data.py dataset=FOLDER."
    )
    with pytest.raises(DataError) as caught:
        load(config(tmp_path))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "column",
    [
        {"spans": ["none"]},
        {"spans": [[{"role": "attacker", "start": 0, "end": 6}]]},
        {"events": [[{"type": "bombing"}]]},
        {"layers": [["roles"]]},
        {"meta": [{"region": "Nord"}]},
    ],
)
def test_a_column_of_another_type_is_refused(tmp_path: Path, column: dict[str, Any]) -> None:
    path = tmp_path / "train.parquet"
    dataset.to_dataset_dict({"train": [DOCUMENT]}, ROLES)["train"].to_parquet(str(path))
    held = parquet.read_table(path).drop_columns(list(column))
    parquet.write_table(pa.table({**dict(zip(held.column_names, held.columns, strict=True)), **column}), path)
    ((where, message),) = told(path)
    assert where == f"{path}: row 0"
    assert "the columns are not those of a corpus" in message


def change(path: Path, number: int, **values: Any) -> None:
    """Write other values into a row, past the types of ``datasets``."""
    schema = parquet.read_schema(path)
    rows = parquet.read_table(path).to_pylist()
    rows[number] |= values
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"id": ""}, "the record has no 'id'"),
        ({"id": None}, "the record has no 'id'"),
        ({"text": None}, "document 'b' has no 'text'"),
        ({"text": "short"}, "leaves the text of 5 characters"),
        ({"layers": [7]}, "the columns are not those of a corpus"),
        ({"layers": None}, "the columns are not those of a corpus"),
        ({"spans": None}, "the columns are not those of a corpus"),
        ({"events": None}, "the columns are not those of a corpus"),
        ({"meta": "{broken"}, "the columns are not those of a corpus"),
        ({"meta": "[" * 100_000}, "the columns are not those of a corpus"),
        ({"meta": "[1]"}, "'meta' must be an object, not list"),
        ({"spans": [{"role": 99, "start": 0, "end": 6, "text": "Rebels"}]}, "the columns are not those of a corpus"),
        ({"spans": [{"role": -1, "start": 0, "end": 6, "text": "Rebels"}]}, "the columns are not those of a corpus"),
        ({"spans": [{"role": None, "start": 0, "end": 6, "text": "Rebels"}]}, "the columns are not those of a corpus"),
        ({"spans": [{"role": 0, "start": None, "end": 6, "text": "Rebels"}]}, "span offsets must be integers"),
        ({"spans": [{"role": 0, "start": 6, "end": 6, "text": ""}]}, "is empty or negative"),
        ({"spans": [{"role": 0, "start": 0, "end": 99, "text": "Rebels"}]}, "leaves the text of 27 characters"),
    ],
)
def test_a_bad_row_is_named_and_can_be_left_out(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    others = [DOCUMENT, Document.from_record(RECORD | {"id": "b"}), text_only("c")]
    path = write(tmp_path, {"train": others}) / "train.parquet"
    change(path, 1, **values)
    with pytest.raises(DataError) as caught:
        load(config(tmp_path))
    assert str(caught.value).startswith(f"{path}: row 1: ")
    assert message in str(caught.value)
    corpus = load(config(tmp_path, skip_bad=True))
    assert corpus.split("train") == [DOCUMENT, text_only("c")]
    assert corpus.left_out == (str(caught.value),)


def test_a_meta_that_is_not_given_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path, {"train": [DOCUMENT]}) / "train.parquet"
    for nothing in (None, ""):
        change(path, 0, meta=nothing)
        assert load(config(tmp_path)).split("train")[0].meta == {}


@pytest.mark.parametrize("broken", [b"", b"PAR1", b"id,text\n1,Rebels fled.\n", b"PAR1" * 100])
def test_a_file_that_is_no_parquet_is_named(tmp_path: Path, broken: bytes) -> None:
    path = write(tmp_path, {"train": [DOCUMENT]}) / "test.parquet"
    path.write_bytes(broken)
    with pytest.raises(DataError) as caught:
        load(config(tmp_path))
    assert str(caught.value).startswith(f"{path}: cannot be read as Parquet (")
    corpus = load(config(tmp_path, skip_bad=True))
    assert corpus.splits == {"train": [DOCUMENT], "test": []}
    assert corpus.left_out == (str(caught.value),)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"train": [DOCUMENT]}) / "train.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    ((where, message),) = told(path)
    assert where == str(path)
    assert message.startswith(f"{path}: cannot be read as Parquet (")


def test_damage_behind_a_sound_footer_is_named_on_one_line(tmp_path: Path) -> None:
    path = write(tmp_path, {"train": [DOCUMENT, text_only("b")]}) / "train.parquet"
    raw = bytearray(path.read_bytes())
    raw[4:1000] = b"\xff" * 996  # pages; columns are described at the end
    path.write_bytes(raw)
    ((where, message),) = told(path)
    assert where == str(path)
    assert message.startswith(f"{path}: cannot be read as Parquet (")
    assert "\n" not in message


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_damaged_is_an_error_of_ours(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), {"train": [DOCUMENT, text_only("b")]}) / "train.parquet"
        raw = bytearray(path.read_bytes())
        places = st.integers(0, len(raw) - 1)
        for place, byte in data.draw(st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)).items():
            raw[place] = byte
        path.write_bytes(raw)
        for _, item in dataset.read(path, Log()):
            assert isinstance(item, Document | DataError)


# As others load it


def load_elsewhere(folder: Path, home: Path) -> dict[str, Any]:
    """The columns and rows that ``load_dataset`` finds in a folder, without a network and with caches of its own."""
    program = (
        "import json, sys, datasets\n"
        "found = datasets.load_dataset(sys.argv[1])\n"
        "print(json.dumps({split: [repr(part.features), part.to_list()] for split, part in found.items()}))"
    )
    homes = {"HF_HOME": str(home), "HF_DATASETS_CACHE": str(home / "datasets"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], env={**os.environ, **homes}, cwd=home,
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_load_dataset_finds_the_same_rows_in_the_folder(tmp_path: Path) -> None:
    splits = {"train": [DOCUMENT, text_only("b")], "dev": [text_only("c")], "test": []}
    folder = tmp_path / "dataset"
    write_dataset(Corpus(CorpusConfig(name="mine", format="jsonl", path=str(tmp_path), roles=ROLES), splits), folder)
    expected = dataset.to_dataset_dict(splits, ROLES)
    found = load_elsewhere(folder, tmp_path)
    assert found == {split: [repr(part.features), part.to_list()] for split, part in expected.items()}
    assert list(found) == ["train", "validation"]
    assert load(config(folder)).splits == {"train": splits["train"], "dev": splits["dev"]}


def test_load_dataset_takes_a_corpus_without_splits(tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    corpus = Corpus(CorpusConfig(name="x", format="jsonl", path=str(tmp_path), roles=ROLES), {"all": [DOCUMENT]})
    write_dataset(corpus, folder)
    assert [row["id"] for row in load_elsewhere(folder, tmp_path)["train"][1]] == ["d1"]


def test_neither_writing_nor_reading_brings_torch(tmp_path: Path) -> None:
    path = write(tmp_path, {"train": [DOCUMENT]}) / "train.parquet"
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from conflict_events.corpora import dataset\n"
        "from conflict_events.corpora.reading import Log\n"
        "heavy = {'torch', 'transformers', 'datasets', 'pyarrow'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        f"((_, document),) = dataset.read(Path({str(path)!r}), Log())\n"
        f"dataset.to_dataset_dict({{'train': [document]}}, {ROLES!r})\n"
        "assert not {'torch', 'transformers'} & set(sys.modules), 'torch came along'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr


def test_the_trigger_of_an_event_is_no_second_span(tmp_path: Path) -> None:
    """Spans are listed with those of events; only the others come back as spans of their own."""
    (document,) = load(config(write(tmp_path, {"train": [DOCUMENT]}))).split("train")
    assert [span.role for span in document.role_spans] == ["perp_individual"]
    assert [span.role for span in document.spans].count(TRIGGER) == 1

"""Records as doccano exports them (sequence labelling, with and without relations), about sentences of our own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import content, documents, unique

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.formats import doccano
from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError
from conflict_events.schema import Document, Layer

TEXT = "Militiamen torched two barns at Kesra."
TRIPLES = [[0, 10, "Attacker"], [11, 18, "Armed Attack"], [19, 28, "Target"], [32, 37, "Location"]]
ENTITIES = [
    {"id": number, "label": label, "start_offset": start, "end_offset": end}
    for number, (start, end, label) in enumerate(TRIPLES, start=60)
]
RELATIONS = [
    {"id": 7, "from_id": 61, "to_id": 60, "type": "Attacker"},
    {"id": 8, "from_id": 61, "to_id": 62, "type": "Target"},
]


def read(folder: Path, *records: Any, log: Log | None = None) -> list[Any]:
    """What the reader gives for these records (or lines, as they are), without places."""
    path = folder / "train.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), "utf-8")
    return [item for _, item in doccano.read(path, log or Log())]


def spans(document: Document) -> list[tuple[str, str]]:
    return [(span.role, span.text) for span in document.role_spans]


@settings(max_examples=60, deadline=None)
@given(unique(documents()))
def test_documents_come_back_as_they_were_written(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "train.jsonl", Log()
        doccano.write(path, written)
        read = [item for _, item in doccano.read(path, log)]
        assert [content(item) for item in read if isinstance(item, Document)] == [content(d) for d in written]
        assert len(read) == len(written)
        assert log.left_out == []


def test_what_is_written_can_be_imported(tmp_path: Path) -> None:
    records = [{"id": "a", "text": TEXT, "entities": ENTITIES, "relations": RELATIONS}] * 2
    doccano.write(tmp_path / "new" / "train.jsonl", read(tmp_path, *records))
    one, other = map(json.loads, (tmp_path / "new" / "train.jsonl").read_text("utf-8").splitlines())
    assert one["text"] == TEXT
    assert [(e["start_offset"], e["end_offset"], e["label"]) for e in one["entities"]] == [
        (0, 10, "attacker"), (11, 18, "armed_attack"), (19, 28, "target"), (32, 37, "location"),
    ]  # fmt: skip
    shown = {entity["id"]: entity["label"] for entity in one["entities"]}
    assert [(shown[r["from_id"]], r["type"], shown[r["to_id"]]) for r in one["relations"]] == [
        ("armed_attack", "attacker", "attacker"), ("armed_attack", "target", "target"),
    ]  # fmt: skip
    for key in ("entities", "relations"):
        assert not {item["id"] for item in one[key]} & {item["id"] for item in other[key]}, "they are ids of a database"


def test_letters_stay_readable_and_lines_whole(tmp_path: Path) -> None:
    doccano.write(tmp_path / "train.jsonl", [Document("d", "Нападение\r\nна\u2028село 🙂")])
    assert '"Нападение\\r\\nна\u2028село 🙂"' in (tmp_path / "train.jsonl").read_bytes().decode("utf-8")
    assert (tmp_path / "train.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize("key", ["label", "labels"])
def test_without_relations_labels_are_triples(tmp_path: Path, key: str) -> None:
    log = Log()
    (document,) = read(tmp_path, {"id": 12, "text": TEXT, key: TRIPLES, "Comments": []}, log=log)
    assert (document.id, document.text, document.layers, dict(document.meta)) == ("12", TEXT, frozenset(), {})
    assert spans(document) == [("attacker", "Militiamen"), ("target", "two barns"), ("location", "Kesra")]
    (event,) = document.events
    assert (event.type, event.trigger.text, event.arguments) == ("armed_attack", "torched", ())
    assert log.left_out == []


def test_with_relations_there_are_events_with_arguments(tmp_path: Path) -> None:
    log = Log()
    record = {"id": 12, "text": TEXT, "entities": ENTITIES, "relations": RELATIONS, "Comments": []}
    (document,) = read(tmp_path, record, log=log)
    (event,) = document.events
    assert (event.type, event.trigger.text) == ("armed_attack", "torched")
    assert [(span.role, span.text) for span in event.arguments] == [("attacker", "Militiamen"), ("target", "two barns")]
    assert spans(document) == [("location", "Kesra")]
    assert log.left_out == []


def test_ids_may_be_numbers_in_one_place_and_strings_in_another(tmp_path: Path) -> None:
    relations = [{"from_id": "61", "to_id": "62", "type": "target"}]
    (document,) = read(tmp_path, {"id": "x", "text": TEXT, "entities": ENTITIES, "relations": relations})
    assert [span.text for span in document.events[0].arguments] == ["two barns"]


def test_a_relation_that_leads_to_no_argument_is_told(tmp_path: Path) -> None:
    log = Log()
    relations = [{"id": 1, "from_id": 60, "to_id": 62, "type": "enemyOf"}]
    (document,) = read(tmp_path, {"id": 1, "text": TEXT, "entities": ENTITIES, "relations": relations}, log=log)
    assert len(document.role_spans) == 3
    assert log.left_out == [
        f"{tmp_path}/train.jsonl:1: link 'enemyOf' from Attacker 'Militiamen' at 0 to Target 'two barns' at 19"
    ]


def test_labels_are_mapped(tmp_path: Path) -> None:
    log = Log({"Attacker": "perp", "Location": None, "Armed Attack": "other_violence"})
    (document,) = read(tmp_path, {"id": 1, "text": TEXT, "label": TRIPLES}, log=log)
    assert spans(document) == [("perp", "Militiamen"), ("target", "two barns")]
    assert [event.type for event in document.events] == ["other_violence"]


def test_an_empty_list_says_that_there_is_nothing(tmp_path: Path) -> None:
    records = [
        {"id": 1, "text": TEXT, "label": []},
        {"id": 2, "text": TEXT, "entities": [], "relations": []},
        {"id": 3, "text": TEXT},
    ]
    assert read(tmp_path, *records) == [Document(identifier, TEXT) for identifier in ("1", "2", "3")]


def test_other_keys_become_meta_unless_they_are_empty(tmp_path: Path) -> None:
    log = Log()
    more = {"Comments": ["unsure"], "cats": ["Crime"], "author": None, "note": "", "tags": [], "extra": {}, "score": 0}
    (document,) = read(tmp_path, {"id": 1, "text": TEXT, "label": TRIPLES, **more}, log=log)
    assert len(document.spans) == 4
    assert document.meta == {"Comments": ["unsure"], "cats": ["Crime"], "score": 0}
    assert log.left_out == []


@pytest.mark.parametrize(
    ("keys", "identifier"),
    [
        ({"id": 12}, "12"),
        ({"id": 0}, "0"),
        ({"id": "report-9"}, "report-9"),
        ({"id": 3, "doc_id": "report-9"}, "report-9"),
        ({"id": 3, "doc_id": ""}, "3"),
    ],
)
def test_the_id_is_that_of_the_record(tmp_path: Path, keys: dict[str, Any], identifier: str) -> None:
    (document,) = read(tmp_path, {"text": TEXT, **keys})
    assert document.id == identifier


def test_a_record_without_an_id_is_called_after_its_line(tmp_path: Path) -> None:
    documents = read(tmp_path, {"text": "One."}, {"id": None, "text": "Two."})
    assert [document.id for document in documents] == [f"{tmp_path}/train.jsonl:{line}" for line in (1, 2)]


def test_layers_and_meta_are_carried(tmp_path: Path) -> None:
    (document,) = read(tmp_path, {"id": 1, "text": TEXT, "layers": ["events"], "meta": {"region": "north"}})
    assert (document.layers, document.meta) == (frozenset({Layer.EVENTS}), {"region": "north"})


def test_offsets_count_characters_and_carriage_returns(tmp_path: Path) -> None:
    text = "🔥 At dawn.\r\nKesra burned."
    start = text.index("Kesra")
    (document,) = read(tmp_path, {"id": 1, "text": text, "label": [[start, start + 5, "location"], [0, 1, "target"]]})
    assert document.text == text
    assert spans(document) == [("target", "🔥"), ("location", "Kesra")]


def test_lines_may_end_in_carriage_returns_and_be_blank(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    line = json.dumps({"id": 1, "text": "At dawn.\r\nIn Kesra.", "label": [[13, 18, "location"]]}).encode()
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n  \r\n" + line + b"\r\n")
    read = list(doccano.read(path, Log()))
    assert [where for where, _ in read] == [f"{path}:1", f"{path}:4"]
    assert [spans(item) for _, item in read if isinstance(item, Document)] == [[("location", "Kesra")]] * 2


def entities(**changes: Any) -> dict[str, Any]:
    """A record of whose entities the first is spoilt; None takes a key out."""
    first = {key: value for key, value in (ENTITIES[0] | changes).items() if value is not None}
    return {"id": 1, "text": TEXT, "entities": [first, *ENTITIES[1:]]}


def triples(*label: Any) -> dict[str, Any]:
    return {"id": 1, "text": TEXT, "label": list(label)}


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ('{"id": 1, "text": ', r"not JSON"),
        ('["text"]', r"a JSON list, not an object"),
        ({"id": 1, "data": TEXT}, r"no 'text'.*Export with the text column named 'text'"),
        ({"id": 1, "text": ["a"]}, r"no 'text'"),
        (triples("Violent"), r"is not doccano's.*Each label is \[start, end, name\]"),
        (triples([0, 10]), r"is not doccano's"),
        (triples([0, 10, "attacker", 1]), r"is not doccano's"),
        (triples(5), r"is not doccano's"),
        ({"id": 1, "text": TEXT, "label": None}, r"is not doccano's"),
        (triples(["0", 10, "attacker"]), r"must be integers, not '0' and 10"),
        (triples([0, 10.0, "attacker"]), r"must be integers, not 0 and 10\.0"),
        (triples([0, 99, "attacker"]), r"\[0, 99\) leaves the text of 38 characters"),
        (triples([-3, 5, "attacker"]), r"\[-3, 5\) leaves the text"),
        (triples([5, 5, "attacker"]), r"\[5, 5\) is empty"),
        (triples([0, 10, 4]), r"label 4 is no text"),
        (triples([0, 10, ["attacker"]]), r"label \['attacker'\] is no text"),
        (triples([0, 10, "攻击者"]), r"label '攻击者' has no letters.*corpus\.label_map"),
        (
            triples([0, 18, "attacker"], [11, 28, "target"]),
            r"regions attacker 'Militiamen torched' at 0 and target 'torched two barns' at 11 overlap in part",
        ),
        (entities(id=None), r"is not doccano's \(KeyError\('id'\)\)"),
        (entities(label=None), r"is not doccano's \(KeyError\('label'\)\)"),
        (entities(start_offset=None), r"is not doccano's \(KeyError\('start_offset'\)\)"),
        (entities(id=61), r"two regions have the same id"),
        (entities(end_offset="10"), r"must be integers"),
        ({"id": 1, "text": TEXT, "entities": {}, "relations": [{"from_id": 1}]}, r"is not doccano's"),
        (
            {"id": 1, "text": TEXT, "entities": ENTITIES, "relations": [RELATIONS[0] | {"to_id": 1}]},
            r"a link 'Attacker' leads to region '1', which there is not",
        ),
        ({"id": 1, "text": TEXT, "layers": ["rolls"]}, r"'rolls' is not a valid Layer"),
        ({"id": 1, "text": TEXT, "layers": "roles"}, r"'layers' must be a list, not str"),
        ({"id": 1, "text": TEXT, "meta": "north"}, r"'meta' must be an object, not str"),
        ({"id": 1, "text": TEXT, "meta": [["a", 1]]}, r"'meta' must be an object, not list"),
        ('{"id": 1, "text": "half \\ud83d"}', r"half a surrogate pair at character 5"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line_and_the_next_one_is_read(
    tmp_path: Path, spoilt: Any, message: str
) -> None:
    error, good = read(tmp_path, "\n" + (spoilt if isinstance(spoilt, str) else json.dumps(spoilt)), triples(*TRIPLES))
    assert len(good.spans) == 4
    assert isinstance(error, DataError)
    with pytest.raises(DataError, match=message):
        raise error
    assert str(error).startswith(f"{tmp_path}/train.jsonl:2: ")


def test_loading_goes_on_after_bad_records_and_lists_all_that_was_left_out(tmp_path: Path) -> None:
    read(tmp_path, triples(*TRIPLES), triples([0, 99, "target"]), triples([0, 10, "Militia"]) | {"id": 3}, entities())
    config = CorpusConfig(name="mine", format="doccano", path=str(tmp_path), skip_bad=True)
    corpus = load(config)
    assert [len(document.spans) for document in corpus.split("train")] == [4, 4]
    place = f"{tmp_path}/train.jsonl:"
    assert [line.removeprefix(place).partition(". ")[0] for line in corpus.left_out] == [
        "2: trigger span [0, 99) leaves the text of 38 characters",
        "3: document '3' has role 'militia', which corpus 'mine' does not declare",
    ]
    config.skip_bad = False
    with pytest.raises(DataError, match=r"train\.jsonl:2: "):
        load(config)

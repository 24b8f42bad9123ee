"""Tasks as https://labelstud.io/guide/task_format lays them out, about sentences of our own."""

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
from conflict_events.corpora.formats import label_studio
from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError
from conflict_events.schema import Document, Layer

TEXT = "On Sunday gunmen ambushed a patrol near Dorna."
PLACES = {"gunmen": (10, 16), "ambushed": (17, 25), "a patrol": (26, 34), "Dorna": (40, 45)}


def region(identifier: str, shown: str, *labels: str, shift: int = 0, **value: Any) -> dict[str, Any]:
    """A result of type ``labels``; ``value`` spoils it."""
    start, end = PLACES[shown]
    return {
        "value": {"start": start + shift, "end": end + shift, "text": shown, "labels": list(labels)} | value,
        "id": identifier, "from_name": "label", "to_name": "text", "type": "labels", "origin": "manual",
    }  # fmt: skip


def relation(head: str, tail: str, *labels: str, direction: str = "right") -> dict[str, Any]:
    return {"from_id": head, "to_id": tail, "type": "relation", "direction": direction, "labels": list(labels)}


REGIONS = [
    region("Kx3_b", "gunmen", "Attacker"),
    region("p0-Zq", "ambushed", "Armed Attack"),
    region("Wm81a", "a patrol", "Target"),
    region("77_Lo", "Dorna", "Location"),
]
RELATIONS = [relation("p0-Zq", "Kx3_b", "Attacker"), relation("p0-Zq", "Wm81a", "Target")]


def task(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An exported task with one annotation; ``more`` replaces parts of it."""
    annotation = {
        "id": 214, "completed_by": 3, "was_cancelled": False, "ground_truth": False, "lead_time": 31.2,
        "created_at": "2024-02-05T10:11:12.131415Z", "result_count": len(results), "result": list(results),
    }  # fmt: skip
    exported = {
        "id": 17, "created_at": "2024-02-05T09:00:00.000000Z", "project": 2, "data": {"text": TEXT},
        "annotations": [annotation], "predictions": [],
    }  # fmt: skip
    return exported | more


def read(folder: Path, *tasks: Any, log: Log | None = None) -> list[Any]:
    """What the reader gives for an export of these tasks, without places."""
    (folder / "train.json").write_text(json.dumps(list(tasks)), "utf-8")
    return [item for _, item in label_studio.read(folder / "train.json", log or Log())]


def spans(document: Document) -> list[tuple[str, str]]:
    return [(span.role, span.text) for span in document.role_spans]


def arguments(document: Document) -> list[tuple[str, str]]:
    (event,) = document.events
    return [(span.role, span.text) for span in event.arguments]


@settings(max_examples=60, deadline=None)
@given(unique(documents()))
def test_documents_come_back_as_they_were_written(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "train.json", Log()
        label_studio.write(path, written)
        read = [item for _, item in label_studio.read(path, log)]
        assert [content(item) for item in read if isinstance(item, Document)] == [content(d) for d in written]
        assert len(read) == len(written)
        assert log.left_out == []


def test_what_is_written_can_be_imported(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task(*REGIONS, *RELATIONS))
    label_studio.write(tmp_path / "new" / "train.json", [document])
    written = (tmp_path / "new" / "train.json").read_text("utf-8")
    (one,) = json.loads(written)
    assert one["data"]["text"] == TEXT
    results = one["annotations"][0]["result"]
    assert {result["type"] for result in results} == {"labels", "relation"}
    assert all(
        (r["from_name"], r["to_name"]) == (label_studio.CONTROL, label_studio.TEXT)
        for r in results
        if r["type"] == "labels"
    )
    regions = {result["id"]: result["value"] for result in results if result["type"] == "labels"}
    assert {value["text"]: value["labels"] for value in regions.values()} == {
        "gunmen": ["attacker"], "ambushed": ["armed_attack"], "a patrol": ["target"], "Dorna": ["location"],
    }  # fmt: skip
    assert [(regions[r["from_id"]]["text"], r["labels"], regions[r["to_id"]]["text"]) for r in results[4:]] == [
        ("ambushed", ["attacker"], "gunmen"), ("ambushed", ["target"], "a patrol"),
    ]  # fmt: skip


def test_letters_stay_readable(tmp_path: Path) -> None:
    label_studio.write(tmp_path / "train.json", [Document("d", "Нападение\r\nна село 🙂")])
    assert '"Нападение\\r\\nна село 🙂"' in (tmp_path / "train.json").read_bytes().decode("utf-8")


def test_an_export_becomes_events_and_role_spans(tmp_path: Path) -> None:
    log = Log()
    (document,) = read(tmp_path, task(*REGIONS, *RELATIONS), log=log)
    assert (document.id, document.text, document.layers, dict(document.meta)) == ("17", TEXT, frozenset(), {})
    (event,) = document.events
    assert (event.type, event.trigger.text) == ("armed_attack", "ambushed")
    assert arguments(document) == [("attacker", "gunmen"), ("target", "a patrol")]
    assert spans(document) == [("location", "Dorna")]
    assert log.left_out == []


def test_relations_may_stand_before_their_regions(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task(*RELATIONS, *REGIONS))
    assert arguments(document) == [("attacker", "gunmen"), ("target", "a patrol")]


@pytest.mark.parametrize(
    ("head", "tail", "direction"),
    [("p0-Zq", "Kx3_b", "right"), ("Kx3_b", "p0-Zq", "left"), ("p0-Zq", "Kx3_b", "bi")],
)
def test_a_relation_points_where_its_direction_says(tmp_path: Path, head: str, tail: str, direction: str) -> None:
    log = Log()
    (document,) = read(tmp_path, task(*REGIONS, relation(head, tail, "Attacker", direction=direction)), log=log)
    assert arguments(document) == [("attacker", "gunmen")]
    assert log.left_out == []


def test_a_relation_may_be_drawn_from_the_argument_to_the_trigger(tmp_path: Path) -> None:
    log = Log()
    (document,) = read(tmp_path, task(*REGIONS, relation("Kx3_b", "p0-Zq", "Attacker")), log=log)
    assert arguments(document) == [("attacker", "gunmen")]
    assert log.left_out == []


def test_a_relation_that_leads_to_no_argument_is_told(tmp_path: Path) -> None:
    log = Log()
    (document,) = read(
        tmp_path,
        task(*REGIONS, relation("Kx3_b", "77_Lo", "Attacker"), relation("p0-Zq", "77_Lo", "Reason")),
        log=log,
    )
    assert arguments(document) == []
    assert spans(document) == [("attacker", "gunmen"), ("target", "a patrol"), ("location", "Dorna")]
    place = f"{tmp_path}/train.json: task 17: link"
    assert log.left_out == [
        f"{place} 'Attacker' from Attacker 'gunmen' at 10 to Location 'Dorna' at 40",
        f"{place} 'Reason' from Armed Attack 'ambushed' at 17 to Location 'Dorna' at 40",
    ]


def test_a_relation_without_a_label_takes_that_of_the_argument(tmp_path: Path) -> None:
    unlabelled = relation("p0-Zq", "Wm81a")
    without = {key: value for key, value in relation("p0-Zq", "Kx3_b").items() if key != "labels"}
    (document,) = read(tmp_path, task(*REGIONS, unlabelled, without))
    assert arguments(document) == [("attacker", "gunmen"), ("target", "a patrol")]


def test_a_region_with_several_labels_is_as_many_spans(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task(region("a", "gunmen", "attacker", "target")))
    assert spans(document) == [("attacker", "gunmen"), ("target", "gunmen")]


def test_a_relation_to_a_region_with_several_labels_takes_the_one_that_it_names(tmp_path: Path) -> None:
    regions = [
        region("a", "gunmen", "location", "attacker"),
        region("b", "ambushed", "Armed Attack", "Abduction", "weapon"),
    ]
    (document,) = read(tmp_path, task(*regions, relation("b", "a", "Attacker")))
    assert {event.type: [(a.role, a.text) for a in event.arguments] for event in document.events} == {
        "armed_attack": [("attacker", "gunmen")], "abduction": [("attacker", "gunmen")],
    }  # fmt: skip
    assert spans(document) == [("location", "gunmen"), ("weapon", "ambushed")]


def test_labels_are_mapped(tmp_path: Path) -> None:
    log = Log({"Perp": "attacker", "Ambush": "armed_attack", "Place": None})
    results = [
        region("a", "gunmen", "Perp"), region("b", "ambushed", "Ambush"), region("c", "Dorna", "Place"),
        relation("b", "a", "Perp"),
    ]  # fmt: skip
    (document,) = read(tmp_path, task(*results), log=log)
    assert arguments(document) == [("attacker", "gunmen")]
    assert spans(document) == []


def test_results_that_are_no_regions_of_text_are_told(tmp_path: Path) -> None:
    log = Log()
    others = [
        {"id": "q", "from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": ["Violent"]}},
        {"id": "Kx3_b", "from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": ["unsure"]}},
        region("e", "Dorna"),
    ]
    (document,) = read(tmp_path, task(*others, *REGIONS), log=log)
    assert len(document.spans) == 4
    assert log.left_out == [
        f"{tmp_path}/train.json: task 17: a result of type 'choices'",
        f"{tmp_path}/train.json: task 17: a result of type 'textarea'",
        f"{tmp_path}/train.json: task 17: region 'e': it has no label",
    ]


def test_the_first_annotation_that_is_not_cancelled_counts_and_the_others_are_told(tmp_path: Path) -> None:
    log = Log()
    annotations = [
        {"id": 1, "was_cancelled": True, "result": []},
        {"id": 2, "was_cancelled": False, "result": REGIONS[:1]},
        {"id": 3, "result": REGIONS},
    ]
    (document,) = read(tmp_path, task(annotations=annotations), log=log)
    assert spans(document) == [("attacker", "gunmen")]
    assert log.left_out == [f"{tmp_path}/train.json: task 17: annotation 3: another one of the same task came first"]


@pytest.mark.parametrize("annotations", [[], [{"id": 1, "was_cancelled": True, "result": REGIONS}]])
def test_a_task_that_is_not_annotated_is_told(tmp_path: Path, annotations: list[Any]) -> None:
    log = Log()
    predictions = [{"id": 5, "model_version": "m", "score": 0.9, "result": REGIONS}]
    documents = read(tmp_path, task(annotations=annotations, predictions=predictions), task(id=18), log=log)
    assert [document.id for document in documents] == ["18"]
    assert log.left_out == [f"{tmp_path}/train.json: task 17: the task is not annotated"]


def test_predictions_are_no_annotation(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task(REGIONS[0], predictions=[{"id": 5, "result": REGIONS}]))
    assert spans(document) == [("attacker", "gunmen")]


def test_an_annotation_without_regions_says_that_there_are_none(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task())
    assert document == Document("17", TEXT)


@pytest.mark.parametrize(
    ("data", "number", "identifier"),
    [({"id": "report-9"}, 17, "report-9"), ({"id": 0}, 17, "0"), ({}, 0, "0"), ({"id": ""}, 17, "17")],
)
def test_the_id_is_that_of_the_data_or_of_the_task(
    tmp_path: Path, data: dict[str, Any], number: int, identifier: str
) -> None:
    (document,) = read(tmp_path, task(id=number, data={"text": TEXT, **data}))
    assert document.id == identifier


def test_layers_and_meta_stand_in_the_data(tmp_path: Path) -> None:
    data = {"text": TEXT, "layers": ["roles"], "meta": {"region": "north"}}
    (document,) = read(tmp_path, task(data=data))
    assert (document.layers, document.meta) == (frozenset({Layer.ROLES}), {"region": "north"})


# Ways of counting


def test_offsets_count_characters(tmp_path: Path) -> None:
    (document,) = read(tmp_path, task(region("a", "Dorna", "location", shift=2), data={"text": f"🔥🔥{TEXT}"}))
    assert spans(document) == [("location", "Dorna")]


def test_utf_16_units_of_old_exports_are_recognised(tmp_path: Path) -> None:
    text = f"🔥{TEXT} 🙂"
    results = [
        region("a", "gunmen", "attacker", shift=2), region("b", "ambushed", "armed_attack", shift=2),
        relation("b", "a", "attacker"),
    ]  # fmt: skip
    (document,) = read(tmp_path, task(*results, data={"text": text}))
    assert arguments(document) == [("attacker", "gunmen")]
    assert document.events[0].trigger.start == text.index("ambushed")


def test_where_both_ways_of_counting_fit_characters_are_counted(tmp_path: Path) -> None:
    text = "🔥na na na"
    value = {"start": 4, "end": 6, "text": "na"}  # in UTF-16 units, the space and the n before it
    (document,) = read(tmp_path, task(region("a", "Dorna", "location", **value), data={"text": text}))
    assert document.role_spans[0].start == 4
    ambiguous = {"start": 1, "end": 3, "text": None}
    (document,) = read(tmp_path, task(region("a", "Dorna", "location", **ambiguous), data={"text": text}))
    assert spans(document) == [("location", "na")]


def test_white_space_beside_the_offsets_may_be_shown_in_another_way(tmp_path: Path) -> None:
    text = TEXT.replace("a patrol", "a\r\npatrol")
    (document,) = read(tmp_path, task(region("a", "a patrol", "target", end=35), data={"text": text}))
    assert spans(document) == [("target", "a\r\npatrol")]


# Errors

OLD = f"🔥{TEXT}"


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (task(region("a", "Dorna", "location", start=40, end=99, text=None)), r"\[40, 99\) leaves the text of 46"),
        (task(region("a", "Dorna", "location", start=-5, end=4, text=None)), r"span \[-5, 4\) leaves the text"),
        (task(region("a", "Dorna", "location", start=45, end=45, text="")), r"\[45, 45\) is empty"),
        (task(region("a", "Dorna", "location", start="40")), r"offsets '40' and 45 are no integers"),
        (task(region("a", "Dorna", "location", end=45.0)), r"offsets 40 and 45\.0 are no integers"),
        (task(region("a", "Dorna", "location", start=True)), r"offsets True and 45 are no integers"),
        (
            task(region("a", "Dorna", "location", shift=1)),
            r"region location \[41, 46\) says 'Dorna', the text has 'orna\.'\. The text was changed",
        ),
        (
            task(region("a", "Dorna", "location", shift=2), region("b", "gunmen", "attacker"), data={"text": OLD}),
            r"region location \[42, 47\) says 'Dorna', the text has 'orna\.'",
        ),
        (
            task(region("a", "gunmen", "attacker", end=25, text=None), region("b", "a patrol", "target", start=17)),
            r"says 'a patrol', the text has 'ambushed a patrol'",
        ),
        (
            task(
                region("a", "gunmen", "attacker", end=25, text=None),
                region("b", "a patrol", "target", start=17, text=None),
            ),
            r"regions attacker 'gunmen ambushed' at 10 and target 'ambushed a patrol' at 17 overlap in part",
        ),
        (task(*REGIONS, relation("p0-Zq", "gone", "Target")), r"'Target' leads to region 'gone', which there is not"),
        (task(region("a", "gunmen", "attacker"), region("a", "Dorna", "attacker")), r"two regions have the same id"),
        (task(region("a", "gunmen", "Нападение")), r"label 'Нападение' has no letters.*corpus\.label_map"),
        (task(region("a", "gunmen", labels="attacker")), r"is not Label Studio's.*labels are no list"),
        (task(region("a", "gunmen", labels=[5])), r"label 5 is no text"),
        (task(region("a", "gunmen", labels=[{}])), r"label \{\} is no text"),
        (task({"type": "labels", "id": "a"}), r"is not Label Studio's.*'value'.*needs id, start, end"),
        (task({"type": "relation", "from_id": "a"}), r"is not Label Studio's.*'to_id'"),
        (task(*["labels"]), r"is not Label Studio's"),
        (task(data={"article": TEXT}), r"no text under data\.text.*<Text value='\$text'/>"),
        (task(data={"text": 5}), r"no text under data\.text"),
        (task(data=TEXT), r"no text under data\.text"),
        (task(data={"text": "half \ud83d"}), r"half a surrogate pair"),
        (task(data={"text": TEXT, "layers": ["rolls"]}), r"'rolls' is not a valid Layer\. Layers are roles, events"),
        (task(data={"text": TEXT, "layers": [["roles"]]}), r"\['roles'\] is not a valid Layer"),
        (task(data={"text": TEXT, "layers": 5}), r"'layers' must be a list, not int"),
        (task(data={"text": TEXT, "meta": "north"}), r"'meta' must be an object, not str"),
        (task(id=None), r"the document has no id"),
    ],
)
def test_a_bad_task_is_named_and_the_next_one_is_read(tmp_path: Path, spoilt: Any, message: str) -> None:
    error, good = read(tmp_path, spoilt, task(*REGIONS, id=18))
    assert good.id == "18"
    assert isinstance(error, DataError)
    with pytest.raises(DataError, match=message):
        raise error
    assert str(error).startswith(f"{tmp_path}/train.json: task {spoilt['id']}: ")


def test_a_task_that_is_no_object_is_named_by_its_number(tmp_path: Path) -> None:
    good, error = read(tmp_path, task(), "text")
    assert isinstance(good, Document)
    assert str(error).startswith(f"{tmp_path}/train.json: task 2: the task has no text")


@pytest.mark.parametrize(
    ("raw", "place", "message"),
    [
        (b'{"id": 1}', "", r"the file is no list of tasks\. Export the project as JSON"),
        (b"[{]", "", r"not JSON"),
        (b"", "", r"not JSON"),
        (b"[" * 100_000, "", r"not JSON"),
        (b"[" + b"1" * 5000 + b"]", "", r"not JSON"),
        (b'[\n{"data": {"text": "caf\xe9"}}]', ":2", r"not UTF-8.*Save the file as UTF-8"),
    ],
)
def test_a_file_that_is_no_export_is_named(tmp_path: Path, raw: bytes, place: str, message: str) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=message) as error:
        load(CorpusConfig(name="mine", format="label_studio", path=str(path)))
    assert str(error.value).startswith(f"{path}{place}: ")


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_bytes(b"\xef\xbb\xbf" + json.dumps([task()]).encode())
    (item,) = label_studio.read(tmp_path / "all.json", Log())
    assert isinstance(item[1], Document)


def test_loading_goes_on_after_bad_tasks_and_lists_all_that_was_left_out(tmp_path: Path) -> None:
    tasks = [
        task(*REGIONS, {"id": "q", "type": "choices", "value": {}}),
        task(region("a", "Dorna", "location", shift=1), id=18),
        task(annotations=[], id=19),
        task(region("a", "Dorna", "Town"), id=20),
        task(id=21),
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks), "utf-8")
    config = CorpusConfig(name="mine", format="label_studio", path=str(tmp_path), skip_bad=True)
    corpus = load(config)
    assert [document.id for document in corpus.split("all")] == ["17", "21"]
    place = f"{tmp_path}/export.json: task "
    assert [line.removeprefix(place).partition(". ")[0] for line in corpus.left_out] == [
        "17: a result of type 'choices'",
        "18: region location [41, 46) says 'Dorna', the text has 'orna.'",
        "19: the task is not annotated",
        "20: document '20' has role 'town', which corpus 'mine' does not declare",
    ]
    config.skip_bad = False
    with pytest.raises(DataError, match=r"task 18: region location"):
        load(config)

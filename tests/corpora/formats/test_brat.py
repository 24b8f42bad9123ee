from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from strategies import content, documents, unique

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.formats import brat
from conflict_events.corpora.reading import Log
from conflict_events.errors import ConflictEventsError, DataError, SourceError
from conflict_events.schema import TRIGGER, Document, Event, EventType, Layer, Span

TEXT = "Militiamen ambushed a convoy near\nthe Orun bridge with mortars, wounding six guards.\n"
# Two events on one trigger, numbered roles, a region over a line break, and all that has no place in a document.
ANN = """\
T1\tAttacker 0 10\tMilitiamen
T2\tArmed_Attack 11 19\tambushed
T3\tTarget 20 28\ta convoy
T4\tLocation 34 49\tthe Orun bridge
T5\tWeapon 55 62\tmortars
T6\tTarget 73 83\tsix guards
T7\tLocation 29 33;34 49\tnear the Orun bridge
E1\tArmed_Attack:T2 Attacker:T1 Target:T3 Target2:T6 Location:T4
E2\tShelling:T2 Attacker:T1 Weapon:T5
R1\tNear Arg1:T3 Arg2:T4\t
A1\tNegated E1
M1\tSpeculated E2
#1\tAnnotatorNotes E1\tone event or two?
N1\tReference T4 Gaz:77\tOrun
*\tSame T3 T6
"""


def put(folder: Path, text: str | bytes = TEXT, ann: str | bytes = ANN, name: str = "wire-1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / f"{name}.ann").write_bytes(ann if isinstance(ann, bytes) else ann.encode())
    return folder


def read(folder: Path, log: Log | None = None) -> list[Document | ConflictEventsError]:
    return [item for _, item in brat.read(folder, log or Log())]


def one(folder: Path, log: Log | None = None) -> Document:
    (item,) = read(folder, log)
    assert isinstance(item, Document), item
    return item


def config(folder: Path, **others: object) -> CorpusConfig:
    return CorpusConfig(name="mine", format="brat", path=str(folder), **others)  # type: ignore[arg-type]


def arguments(document: Document) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [
        (event.type.value, event.trigger.text, [(span.role, span.text) for span in event.arguments])
        for event in document.events
    ]


@settings(max_examples=150, deadline=None)
@given(unique(documents()))
@example([Document("a", "\ufeff\nx", role_spans=(Span(0, 1, "target", "\ufeff"), Span(1, 2, "target", "\n")))])
@example([Document("a", "b\r\r\nc", role_spans=(Span(0, 3, "target", "b\r\r"), Span(0, 5, "weapon", "b\r\r\nc")))])
def test_documents_come_back_as_they_were_written(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = Log()
        brat.write(Path(folder) / "train", written, log)
        back = {item.id: item for item in read(Path(folder) / "train", log) if isinstance(item, Document)}
    assert log.left_out == []
    assert len(back) == len(written)
    for document in written:
        assert content(back[document.id]) == content(document)


def test_annotation_as_brat_makes_it_is_read(tmp_path: Path) -> None:
    document = one(put(tmp_path))
    assert (document.id, document.text, document.layers, document.meta) == ("wire-1", TEXT, frozenset(), {})
    assert arguments(document) == [
        (
            "armed_attack", "ambushed",
            [("attacker", "Militiamen"), ("target", "a convoy"), ("location", "the Orun bridge"),
             ("target", "six guards")],
        ),
        ("shelling", "ambushed", [("attacker", "Militiamen"), ("weapon", "mortars")]),
    ]  # fmt: skip
    assert [(span.role, span.text) for span in document.role_spans] == [("location", "near\nthe Orun bridge")]


def test_what_is_not_taken_over_is_told_by_file_and_line(tmp_path: Path) -> None:
    log = Log()
    one(put(tmp_path), log)
    *others, link = log.left_out
    assert (
        link == f"{tmp_path}/wire-1.ann: link 'Near' from Target 'a convoy' at 20 to Location 'the Orun bridge' at 34"
    )
    assert [line.partition(": ")[0] for line in others] == [f"{tmp_path}/wire-1.ann:{n}" for n in range(11, 16)]
    kinds = "text-bound annotations (T), events (E) and relations (R) are taken over, no others"
    for line, told in zip(ANN.splitlines()[10:], others, strict=True):
        assert told.partition(": ")[2] == f"{line!r}: {kinds}"


def test_relations_from_a_trigger_to_its_arguments_are_links_whichever_way_they_were_drawn(tmp_path: Path) -> None:
    text = "Rebels shelled Arna with mortars."
    ann = (
        "T1\tAttacker 0 6\tRebels\nT2\tshelling 7 14\tshelled\nT3\tPlace 15 19\tArna\nT4\tWeapon 25 32\tmortars\n"
        "R1\tattacker Arg1:T2 Arg2:T1\t\nR2\tlocation Arg1:T3 Arg2:T2\n"
        "E1\tbombing:T2\nR3\tweapon Arg1:E1 Arg2:T4\n"
    )
    log = Log()
    assert arguments(
        one(put(tmp_path, text, ann.replace("E1\tbombing:T2\nR3\tweapon Arg1:E1 Arg2:T4\n", "")), log)
    ) == [("shelling", "shelled", [("attacker", "Rebels"), ("location", "Arna")])]
    assert log.left_out == []
    # Of an event that has a line of its own, relations may name the line or the trigger.
    assert arguments(one(put(tmp_path, text, ann), log)) == [
        ("bombing", "shelled", [("attacker", "Rebels"), ("location", "Arna"), ("weapon", "mortars")])
    ]
    assert log.left_out == []


@pytest.mark.parametrize("line", ["R1", "R1\tattacker Arg1:T2", "R1\tattacker Arg1:T2 Arg2:T1 Arg3:T1"])
def test_a_relation_without_two_ends_is_refused(tmp_path: Path, line: str) -> None:
    (error,) = read(put(tmp_path, "Rebels shelled.", f"T1\tAttacker 0 6\tRebels\nT2\tshelling 7 14\tshelled\n{line}\n"))
    assert "is no brat annotation" in str(error)


def test_events_that_are_arguments_of_events_are_left_out_and_told(tmp_path: Path) -> None:
    text = "They fired after a raid."
    ann = (
        "T1\tShelling 5 10\tfired\nT2\tArmed_Attack 19 23\traid\nT3\tAttacker 0 4\tThey\n"
        "E1\tShelling:T1 Attacker:T3 Cause:E2 Target:T2\nE2\tArmed_Attack:T2\n"
    )
    log = Log()
    assert arguments(one(put(tmp_path, text, ann), log)) == [
        ("shelling", "fired", [("attacker", "They")]), ("armed_attack", "raid", []),
    ]  # fmt: skip
    assert log.left_out == [
        f"{tmp_path}/wire-1.ann: link {role!r} from Shelling 'fired' at 5 to Armed_Attack 'raid' at 19"
        for role in ("Cause", "Target")
    ]


def test_a_trigger_without_an_event_line_is_an_event_without_arguments(tmp_path: Path) -> None:
    document = one(put(tmp_path, "They fired.", "T1\tAttacker 0 4\tThey\nT2\tShelling 5 10\tfired\n"))
    assert arguments(document) == [("shelling", "fired", [])]
    assert [span.text for span in document.role_spans] == ["They"]


def test_files_are_written_as_brat_has_them(tmp_path: Path) -> None:
    text = "Both sides\r\n\r\nfired at guards and police."
    sides = Span.of(text, "attacker", 0, 10)
    targets = (Span.of(text, "target", 23, 29), Span.of(text, "target", 34, 40))
    trigger = Span.of(text, TRIGGER, 14, 19)
    events = (Event(EventType.SHELLING, trigger, (sides, *targets)), Event(EventType.ARMED_CLASH, trigger, (sides,)))
    across = Span.of(text, "location", 0, 41)
    brat.write(tmp_path, [Document("Зона 1", text, frozenset(Layer), (across,), events, {"n": 1})])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["documents.jsonl", "Зона_1.ann", "Зона_1.txt"]
    assert (tmp_path / "Зона_1.txt").read_bytes().decode() == text
    assert (tmp_path / "Зона_1.ann").read_bytes().decode() == (
        "T1\tattacker 0 10\tBoth sides\n"
        "T2\tlocation 0 10;14 41\tBoth sides fired at guards and police.\n"
        "T3\tarmed_clash 14 19\tfired\n"
        "T4\tshelling 14 19\tfired\n"
        "T5\ttarget 23 29\tguards\n"
        "T6\ttarget 34 40\tpolice\n"
        "E1\tarmed_clash:T3 attacker:T1\n"
        "E2\tshelling:T4 attacker:T1 target:T5 target2:T6\n"
    )
    assert (tmp_path / "documents.jsonl").read_bytes().decode() == (
        '{"file": "Зона_1", "id": "Зона 1", "layers": ["events", "roles"], "meta": {"n": 1}}\n'
    )


def test_labels_are_mapped_and_dropped(tmp_path: Path) -> None:
    ann = (
        "T1\tPER 0 4\tThey\nT2\tATTACK 5 10\tfired\nT3\tPER 14 20\tguards\nT4\tPara 0 9\tThey fire\n"
        "E1\tATTACK:T2 Arg1:T1 Arg2:T3\n"
    )
    log = Log({"PER": None, "ATTACK": "shelling", "Arg1": "attacker", "Arg2": "target", "Para": None})
    document = one(put(tmp_path, "They fired at guards.", ann), log)
    assert arguments(document) == [("shelling", "fired", [("attacker", "They"), ("target", "guards")])]
    assert document.role_spans == ()
    assert log.left_out == []


def test_a_numbered_role_is_mapped_by_its_name(tmp_path: Path) -> None:
    ann = "T1\tPER 0 4\tThey\nT2\tShelling 5 10\tfired\nT3\tPER 14 20\tguards\nE1\tShelling:T2 Agent2:T1 Patient:T3\n"
    log = Log({"Agent": "attacker", "Patient": "target"})
    assert arguments(one(put(tmp_path, "They fired at guards.", ann), log)) == [
        ("shelling", "fired", [("attacker", "They"), ("target", "guards")])
    ]


@pytest.mark.parametrize(
    ("text", "ann", "found"),
    [
        ("They\r\nfired.\r\n", "T1\tWeapon 0 4\tThey\nT2\tTarget 6 11\tfired\n", ["They", "fired"]),
        ("They fired.", "T1\tWeapon 0 4\tThey\r\n\r\nT2\tTarget 5 10\tfired\r\n", ["They", "fired"]),
        ("They\r\nfired.", "T1\tWeapon 0 4;6 11\tThey fired\r\n", ["They\r\nfired"]),
        ("They\nfired.", "T1\tWeapon 0 10\tThey fired\n", ["They\nfired"]),
        ("They\r\nfired.", "T1\tWeapon 0 11\tThey\r fired\n", ["They\r\nfired"]),
        ("a   b", "T1\tWeapon 0 1;4 5\ta b\n", ["a   b"]),
        ("a\tb", "T1\tWeapon 0 3\ta\tb\n", ["a\tb"]),
        ("a\u2028b\x85c", "T1\tWeapon 0 5\ta\u2028b\x85c\n", ["a\u2028b\x85c"]),
        ("🙂 e\u0301a", "T1\tWeapon 2 5\te\u0301a\n", ["e\u0301a"]),
        ("\ufeffHe ran.", "T1\tWeapon 1 3\tHe\n", ["He"]),
        ("He ran.", "\ufeffT1\tWeapon 0 2\tHe", ["He"]),
        ("He ran.", "", []),
        ("", "", []),
    ],
)
def test_offsets_count_the_characters_of_the_text_as_it_is(
    tmp_path: Path, text: str, ann: str, found: list[str]
) -> None:
    document = one(put(tmp_path, text, ann))
    assert document.text == text
    assert [span.text for span in document.spans] == found


@pytest.mark.parametrize(
    ("ann", "line", "message"),
    [
        ("T1\tTarget 0 3\tThe\n\nT2\tTarget 5 11\tfired\n", 3, "T2 says 'fired', but at 5 11 the text has 'fired '"),
        ("T1\tTarget 1 5\tThey\n", 1, "T1 says 'They', but at 1 5 the text has 'hey '.*is not the one that was annot"),
        ("T1\tTarget 11 18\tguards.\n", 1, "T1 says 'guards.', but at 11 18 the text has 'guards'"),
        ("T1\tTarget 17 19\t\n", 1, "T1 says '', but at 17 19"),
        ("T1\tTarget 4 0\t\n", 1, "T1 says '', but at 4 0"),
        ("T1\tTarget 3 3\t\n", 1, "T1 says '', but at 3 3"),
        ("T1\tTarget -6 -1\tguard\n", 1, "T1 says 'guard', but at -6 -1"),
        ("T1\tTarget 0 4\n", 1, "T1 says '', but at 0 4 the text has 'They'"),
        ("T1\tTarget 0 4;11 17\tThey guards\n", 1, "T1 'They guards' has gaps, which a span cannot.*As one piece"),
        ("T1\tTarget 5 10;0 4\tfired They\n", 1, "T1 'fired They' has gaps"),
        ("T1\tTarget 0 4\tThey\nT1\tTarget 5 10\tfired\n", 2, "T1 stands twice.*Number the annotations anew"),
        ("T1\tShelling 5 10\tfired\nE1\tShelling:T1\nE1\tShelling:T1\n", 3, "E1 stands twice"),
        ("E1\tShelling:T9 Attacker:T1\nT1\tTarget 0 4\tThey\n", 1, "event E1 has trigger 'T9', which is no region"),
        ("T1\tShelling 5 10\tfired\nE2\tShelling:T1\nE1\tShelling:E2\n", 3, "event E1 has trigger 'E2', which is no"),
        ("T1\tTarget zero 4\tThey\n", 1, r"'T1\\tTarget zero 4\\tThey' is no brat annotation"),
        ("T1\tTarget 0 2 4\tThey\n", 1, "is no brat annotation"),
        ("T1\tTarget\tThey\n", 1, "is no brat annotation"),
        ("T1 Target 0 4 They\n", 1, "is no brat annotation"),
        ("T1\tShelling 5 10\tfired\nE1\t\n", 2, "is no brat annotation"),
        ("T1\tShelling 5 10\tfired\nE1\tShelling\n", 2, "is no brat annotation"),
        ("T1\tShelling 5 10\tfired\nE1\tShelling:T1 Attacker:T1:T1\n", 2, "is no brat annotation"),
        (b"T1\tTarget 0 4\tThey\nT2\tTarget 0 1\t\xe9\n", 2, "not UTF-8"),
        (
            "T1\tShelling 5 10\tfired\nE1\tShelling:T1 Attacker:T8\n", None,
            "a link 'Attacker' leads to region 'T8', which there is not",
        ),
        ("T1\tTarget 0 6\tThey f\nT2\tWeapon 5 10\tfired\n", None, "Target 'They f' at 0 and Weapon 'fired' at 5 ove"),
        (
            "T1\tShelling 5 10\tfired\nT2\tTarget 5 17\tfired guards\nE1\tShelling:T1 Target:T2\n", None,
            "overlap in the event 'fired'",
        ),
    ],
)  # fmt: skip
def test_a_bad_document_is_named_by_file_and_line_and_hides_no_other(
    tmp_path: Path, ann: str | bytes, line: int | None, message: str
) -> None:
    put(tmp_path, "They fired guards", ann, "m")
    put(tmp_path, name="a")
    put(tmp_path, name="z")
    first, error, last = read(tmp_path)
    assert [item.id for item in (first, last) if isinstance(item, Document)] == ["a", "z"]
    assert isinstance(error, DataError)
    assert error.where == (f"{tmp_path}/m.ann" if line is None else f"{tmp_path}/m.ann:{line}")
    assert re.search(f"(?i){message}", str(error))


def test_a_text_that_is_not_utf_8_is_named_by_file_and_line(tmp_path: Path) -> None:
    (error,) = read(put(tmp_path, b"One.\r\nCaf\xe9.", ""))
    assert isinstance(error, DataError)
    assert error.where == f"{tmp_path}/wire-1.txt:2"


@pytest.mark.parametrize(
    ("missing", "there", "message"),
    [
        (".ann", ".txt", "there is no .ann file to it. An empty one says"),
        (".txt", ".ann", "there is no .txt file to it"),
    ],
)
def test_a_missing_file_is_told(tmp_path: Path, missing: str, there: str, message: str) -> None:
    put(tmp_path)
    put(tmp_path, name="wire-2.a")
    (tmp_path / f"wire-2.a{missing}").unlink()
    document, error = read(tmp_path)
    assert isinstance(document, Document)
    assert isinstance(error, DataError)
    assert str(error).startswith(f"{tmp_path}/wire-2.a{there}: {message}")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"file": "wire-1", "id": 5}', "the id 5 in documents.jsonl is no text"),
        ('{"file": "wire-1", "id": ""}', "the document has no id"),
        ('{"file": "wire-1", "id": "d", "layers": ["rolls"]}', "'rolls'"),
        ('{"file": "wire-1", "id": "d", "layers": 5}', "layers"),
        ('{"file": "wire-1", "id": "d", "meta": "wire"}', "'meta' must be an object"),
    ],
)
def test_what_is_wrong_with_a_record_beside_the_files_is_told_with_the_document(
    tmp_path: Path, line: str, message: str
) -> None:
    (put(tmp_path) / "documents.jsonl").write_text(line, "utf-8")
    (error,) = read(tmp_path)
    assert isinstance(error, DataError)
    assert error.where == f"{tmp_path}/wire-1.ann"
    assert message in str(error)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "d"}', "the record names no 'file'"),
        ('{"file": ["wire-1"]}', "the record names no 'file'"),
        ('{"file": ', "not JSON"),
    ],
)
def test_a_bad_record_beside_the_files_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    (put(tmp_path) / "documents.jsonl").write_text(f'\n{line}\n{{"file": "wire-1", "id": "d"}}\n', "utf-8")
    error, document = read(tmp_path)
    assert isinstance(error, DataError)
    assert str(error).startswith(f"{tmp_path}/documents.jsonl:2: {message}")
    assert isinstance(document, Document)
    assert document.id == "d"


@pytest.mark.parametrize(
    "ids",
    [
        ["../../etc/hosts", "..", ".", "a/b", "a\\b", "a:b", "a b"],
        ["Wire-1", "wire-1", "WIRE-1", "wire/1", "wire_1"],
        ["x" * 51, "x" * 50, "x" * 5000, "x" * 5000 + "y"],
        ["界" * 300, "𝒜" * 300, "𝒜" * 301],
        ["con", "documents", "documents.jsonl", "a.txt", "a.1", "a"],
        ["\x00", "\n", "*", "?", "-", "é", "e\u0301"],
    ],
)
def test_any_ids_make_file_names_that_differ(tmp_path: Path, ids: list[str]) -> None:
    brat.write(tmp_path / "all", [Document(identifier, f"{n}") for n, identifier in enumerate(ids)])
    names = [path.name for path in (tmp_path / "all").iterdir()]
    assert len({name.casefold() for name in names}) == len(names) == 2 * len(ids) + 1
    assert [path.name for path in tmp_path.iterdir()] == ["all"]
    back = {item.id: item.text for item in read(tmp_path / "all") if isinstance(item, Document)}
    assert back == {identifier: f"{n}" for n, identifier in enumerate(ids)}


def test_each_split_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "train")
    put(tmp_path / "valid", "", "", "a")
    put(tmp_path / "notes", ann="no corpus")
    put(tmp_path, ann="no split")
    splits = load(config(tmp_path)).splits
    assert {name: [document.id for document in documents] for name, documents in splits.items()} == {
        "train": ["wire-1"], "dev": ["a"],
    }  # fmt: skip
    assert splits["train"][0].layers == frozenset(Layer)


def test_a_folder_without_splits_is_undivided(tmp_path: Path) -> None:
    put(tmp_path, name="b")
    put(tmp_path, name="a")
    put(tmp_path / "deeper", name="c")
    loaded = load(config(tmp_path))
    assert {name: [document.id for document in documents] for name, documents in loaded.splits.items()} == {
        "all": ["a", "b"]
    }
    assert len(loaded.left_out) == 12


def test_a_folder_without_texts_is_refused_unless_it_was_written_so(tmp_path: Path) -> None:
    put(tmp_path / "part-1")
    with pytest.raises(SourceError, match=r"there are no \.txt and \.ann files.*Check corpus\.path") as error:
        load(config(tmp_path))
    assert error.value.where == str(tmp_path)
    with pytest.raises(SourceError, match="there is no folder"):
        load(config(tmp_path / "nowhere"))
    brat.write(tmp_path / "train", [])
    assert load(config(tmp_path)).splits == {"train": []}


def test_a_bad_document_stops_the_loading_of_a_corpus_or_is_listed(tmp_path: Path) -> None:
    put(tmp_path / "train")
    put(tmp_path / "train", "Hi", "T1\tTarget 0 2\tHo\n", "bad")
    put(tmp_path / "train", "Hi", "T1\tDriver 0 2\tHi\n", "other")
    with pytest.raises(DataError, match=r"train/bad\.ann:1: T1 says 'Ho', but at 0 2 the text has 'Hi'"):
        load(config(tmp_path))
    loaded = load(config(tmp_path, skip_bad=True, label_map={"Location": None}))
    assert [document.id for document in loaded.split("train")] == ["wire-1"]
    bad, other = (line for line in loaded.left_out if "wire-1" not in line)
    assert bad.startswith(f"{tmp_path}/train/bad.ann:1: T1 says 'Ho'")
    assert other.startswith(f"{tmp_path}/train/other.ann: document 'other' has role 'driver'")

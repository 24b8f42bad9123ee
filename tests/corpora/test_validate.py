from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from conflict_events.config import CorpusConfig
from conflict_events.corpora.validate import validate

TEXT = "Rebels shelled the market of Arna with mortars."
EVENT: dict[str, Any] = {
    "type": "shelling", "trigger": [7, 14], "attacker": [[0, 6]], "target": [[15, 25]], "location": [[29, 33]],
    "weapon": [[39, 46]],
}  # fmt: skip


def record(identifier: str, text: str | None = None, *events: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A sound record with a text of its own; ``more`` spoils it."""
    text = text or f"{TEXT} ({identifier})"
    return {"id": identifier, "text": text, "layers": ["roles", "events"], "events": list(events or [EVENT])} | more


def problems(folder: Path, **splits: list[Any]) -> list[str]:
    """What validation says of a corpus of these records (or of these lines, as they are), without the folder."""
    for name, lines in splits.items():
        content = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(content, "utf-8")
    config = CorpusConfig(name="mine", format="jsonl", path=str(folder))
    return [str(problem).replace(f"{folder}/", "") for problem in validate(config)]


def test_a_sound_corpus_has_no_problems(tmp_path: Path) -> None:
    assert problems(tmp_path, train=[record("a"), record("b")], dev=[record("c")], test=[]) == []


def test_corpora_that_are_added_are_checked_as_well(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    assert problems(tmp_path / "more", train=["{"])
    (tmp_path / "train.jsonl").write_text(json.dumps(record("a")) + "\n", "utf-8")
    more = CorpusConfig(name="more", format="jsonl", path=str(tmp_path / "more"))
    config = CorpusConfig(name="mine", format="jsonl", path=str(tmp_path), extra={"more": more})
    assert [problem.where for problem in validate(config)] == [f"{tmp_path}/more/train.jsonl:1"]


def test_the_tiny_corpus_of_these_tests_is_sound(tiny_corpus: CorpusConfig) -> None:
    assert validate(tiny_corpus) == []


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (record("b", None, EVENT | {"trigger": [7, 99]}), "trigger span [7, 99) leaves the text of 51 characters"),
        (record("b", None, EVENT | {"attacker": [[6, 6]]}), "span [6, 6) is empty or negative"),
        (record("b", None, EVENT | {"weapon": [[39, 47.0]]}), "offsets must be integers"),
        (record("b", None, EVENT | {"type": "party"}), "event type 'party' is unknown"),
        (record("b", spans=[{"role": "driver", "start": 0, "end": 6}]), "has role 'driver'"),
        (record("b", spans=[{"role": "Attacker", "start": 0, "end": 6}]), "role 'Attacker' is not a name"),
        (record("b", layers=["entities"]), "'entities' is not a valid Layer"),
        (record("b", None, EVENT | {"victim": [[0, 6]]}), "unknown keys ['victim']"),
        (record(""), "the record has no 'id'"),
        (record("b", event=[EVENT]), "'event': a record has only events, id, layers, meta, spans, text"),
        ({"id": "b"}, "document 'b' has no 'text'"),
        ('{"id": "b", "text": ', "not JSON"),
        ('["b"]', "a JSON list, not an object"),
        (record("b", None, EVENT | {"location": [[28, 33]]}), "location ' Arna' at 28 begins or ends with white space"),
        (record("b", None, EVENT | {"attacker": [[0, 7]]}), "attacker 'Rebels ' at 0 begins or ends with white space"),
        (
            record("b", None, EVENT | {"target": [[15, 33]]}),
            "target 'the market of Arna' at 15 and location 'Arna' at 29 overlap in the event 'shelled'",
        ),
        (record("b", None, EVENT | {"weapon": [[7, 14]]}), "overlap in the event 'shelled'"),
        (
            record("b", spans=[{"role": "attacker", "start": 0, "end": 6}, {"role": "target", "start": 0, "end": 14}]),
            "attacker 'Rebels' at 0 and target 'Rebels shelled' at 0 overlap in the document",
        ),
        (record("b", None, EVENT, EVENT), "an event is written twice"),
        (record("a"), "id 'a' stands at train.jsonl:1, too"),
        (record("b", f"{TEXT} (a)"), "the text stands at train.jsonl:1, too"),
        (
            record("b", f" {TEXT.replace(' ', '  ')}\n(a)", layers=[], events=[]),
            "the text stands at train.jsonl:1, too",
        ),
        (record("kept"), "id 'kept' is reserved: take the record out"),
        (record("b", meta="x"), "meta"),
        (record("b", "A stray half \ud83d of an emoji.", layers=[], events=[]), "surrogate"),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_problem_is_named_by_file_and_line(tmp_path: Path, split: str, bad: Any, message: str) -> None:
    (tmp_path / "reserved.txt").write_text("kept\n", "utf-8")
    good = [record("a"), record("c")]
    lines = {"train": [*good, bad], "test": []} if split == "train" else {"train": good, "test": ["", "", bad]}
    found = problems(tmp_path, **lines)
    # a second copy of the first record repeats both its id and its text
    assert [line.partition(": ")[0] for line in set(found)] == [f"{split}.jsonl:3"] * len(set(found))
    assert any(message in line for line in found), found


def test_spans_of_different_events_may_overlap(tmp_path: Path) -> None:
    other = EVENT | {"type": "bombing", "target": [[15, 33]], "location": []}
    assert problems(tmp_path, train=[record("a", None, EVENT, other)]) == []


def test_every_problem_is_reported_in_one_go_in_the_order_of_the_files(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        train=[
            record("a"),
            record("b", None, EVENT | {"trigger": [90, 99]}),
            record("c", None, EVENT | {"attacker": [[0, 7]], "location": [[28, 33]]}),
        ],
        dev=[record("d", None, EVENT | {"type": "party"})],
        test=[record("a"), record("f", f"{TEXT} (a)")],
    )
    assert [line.partition(": ")[0] for line in found] == [
        "train.jsonl:2", *["train.jsonl:3"] * 2, "dev.jsonl:1", *["test.jsonl:1"] * 2, "test.jsonl:2",
    ]  # fmt: skip


def test_what_follows_broken_json_is_checked_too(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        train=[record("a"), "{broken", record("b"), "{broken again", record("c", None, EVENT | {"type": "party"})],
        dev=[record("b")],
    )
    assert [line.partition(": ")[0] for line in found] == [
        "train.jsonl:2", "train.jsonl:4", "train.jsonl:5", "dev.jsonl:1", "dev.jsonl:1",
    ]  # fmt: skip


def test_text_that_is_not_utf8_is_named_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(b'{"id": "a", "text": "ok"}\n{"id": "b", "text": "caf\xe9"}\n')
    found = validate(CorpusConfig(name="mine", format="jsonl", path=str(tmp_path)))
    assert [problem.where for problem in found] == [f"{tmp_path / 'train.jsonl'}:2"]
    assert "not UTF-8" in found[0].what


@pytest.fixture
def standoff_config(tmp_path: Path) -> CorpusConfig:
    """Three reports in a file, the second of them annotated with the hash of another text."""
    reports = ["Gunmen shot a farmer.", "A mine killed two.", "Police freed a hostage."]
    content = "".join(f"{report}\t1\n" for report in reports).encode()
    (tmp_path / "texts" / "satp").mkdir(parents=True)
    (tmp_path / "texts" / "satp" / "all.tsv").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    manifest = [{"path": "satp/all.tsv", "url": "http://home/all.tsv", "sha256": digest, "bytes": len(content)}]
    (tmp_path / "sources.json").write_text(json.dumps(manifest), "utf-8")
    hashes = [hashlib.sha256(report.encode()).hexdigest() for report in reports]
    hashes[1] = hashes[0]
    records = [
        {"id": f"r{line}", "source": {"corpus": "satp", "file": "all.tsv", "line": line, "sha256": hashes[line - 1]}}
        for line in (1, 2, 3)
    ]
    records[2]["source"]["line"] = 7
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return CorpusConfig(name="mine", format="standoff", path=str(tmp_path), source_dir=str(tmp_path / "texts"))


def test_texts_that_differ_or_do_not_exist_are_named_by_file_and_line(standoff_config: CorpusConfig) -> None:
    differs, missing = validate(standoff_config)
    assert differs.where == f"{standoff_config.path}/train.jsonl:2"
    assert "the text of 'r2' has sha256" in differs.what
    assert missing.where == f"{standoff_config.path}/train.jsonl:3"
    assert "'line': 7" in missing.what


def test_reserved_records_of_a_standoff_layer_are_reported(standoff_config: CorpusConfig) -> None:
    (Path(standoff_config.path) / "reserved.txt").write_text("r1\n", "utf-8")
    problems = map(str, validate(standoff_config))
    assert f"{standoff_config.path}/train.jsonl:1: id 'r1' is reserved: take the record out" in problems


def test_a_source_file_that_differs_is_the_only_thing_reported(standoff_config: CorpusConfig) -> None:
    path = Path(standoff_config.source_dir or "") / "satp" / "all.tsv"
    path.write_bytes(b"Other.\n")
    (problem,) = validate(standoff_config)
    assert f"{path}: sha256 is {hashlib.sha256(b'Other.' + bytes([10])).hexdigest()}, not" in str(problem)
    assert "http://home/all.tsv" in str(problem)
    path.unlink()
    (problem,) = validate(standoff_config)
    assert f"{path}: missing" in str(problem)


def test_a_muc4_mention_that_stands_elsewhere_is_a_problem(tmp_path: Path) -> None:
    manifest = []
    for split, extracts in {
        "train": {"Victim": [[["mayor", 4]]]},
        "dev": {"Victim": [[["mayor", 5]]]},
        "test": {},
    }.items():
        content = json.dumps({"docid": f"{split}-1", "doctext": f"the mayor of {split} died.", "extracts": extracts})
        path = tmp_path / "muc4" / "splits" / f"{split}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        digest = hashlib.sha256(content.encode()).hexdigest()
        manifest.append({"path": f"muc4/splits/{split}.json", "url": "u", "sha256": digest, "bytes": len(content)})
    (tmp_path / "sources.json").write_text(json.dumps(manifest), "utf-8")
    config = CorpusConfig(name="m", format="muc4", path=str(tmp_path), source_dir=str(tmp_path), roles=["victim"])
    (problem,) = validate(config)
    assert problem.where == f"{tmp_path / 'muc4' / 'splits' / 'dev.json'}:1"
    assert "'mayor' does not stand at 5, but 'ayor '" in problem.what

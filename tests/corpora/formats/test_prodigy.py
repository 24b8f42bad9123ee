"""Records as Prodigy exports them (``db-out`` of ``ner`` and ``rel`` recipes), about sentences of our own."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import content, documents, unique

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.formats import prodigy
from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError
from conflict_events.schema import Document, Layer

TEXT = "Raiders seized six herders outside Umbra."
TOKENS = [
    {"text": m[0], "start": m.start(), "end": m.end(), "id": n, "ws": n not in (5, 6)}
    for n, m in enumerate(re.finditer(r"\w+|\.", TEXT))
]


def span(first: int, last: int, label: str | None, **more: Any) -> dict[str, Any]:
    """A span from one token to another, the last one included."""
    return {
        "start": TOKENS[first]["start"], "end": TOKENS[last]["end"], "token_start": first, "token_end": last,
        "label": label,
    } | more  # fmt: skip


ATTACKER, TRIGGER, TARGET, LOCATION = (
    span(0, 0, "Attacker"), span(1, 1, "Abduction"), span(2, 3, "Target"), span(5, 5, "Location"),
)  # fmt: skip
SPANS = [ATTACKER, TRIGGER, TARGET, LOCATION]


def relation(head: dict[str, Any], child: dict[str, Any], label: str, with_spans: bool = True) -> dict[str, Any]:
    """As ``rel.manual`` writes it: token numbers and, beside them, the spans."""
    ends = {"head": head["token_end"], "child": child["token_end"], "label": label, "color": "#c5bdf4"}
    return ends | ({"head_span": head, "child_span": child} if with_spans else {})


def record(*spans: dict[str, Any], relations: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    exported = {
        "text": TEXT, "_input_hash": 1202, "_task_hash": -871, "tokens": TOKENS, "spans": list(spans),
        "answer": "accept", "_view_id": "relations", "_timestamp": 1707127872, "_session_id": "news-anna",
    }  # fmt: skip
    return exported | ({} if relations is None else {"relations": relations}) | more


def read(folder: Path, *records: Any, log: Log | None = None) -> list[Any]:
    """What the reader gives for these records (or lines, as they are), without places."""
    path = folder / "train.jsonl"
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), "utf-8")
    return [item for _, item in prodigy.read(path, log or Log())]


def spans(document: Document) -> list[tuple[str, str]]:
    return [(span.role, span.text) for span in document.role_spans]


def arguments(document: Document) -> list[tuple[str, str]]:
    (event,) = document.events
    return [(span.role, span.text) for span in event.arguments]


@settings(max_examples=60, deadline=None)
@given(unique(documents()))
def test_documents_come_back_as_they_were_written(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, log = Path(folder) / "train.jsonl", Log()
        prodigy.write(path, written)
        read = [item for _, item in prodigy.read(path, log)]
        assert [content(item) for item in read if isinstance(item, Document)] == [content(d) for d in written]
        assert len(read) == len(written)
        assert log.left_out == []


@settings(max_examples=60, deadline=None)
@given(documents())
def test_what_is_written_has_tokens_that_spans_and_relations_keep_to(document: Document) -> None:
    with tempfile.TemporaryDirectory() as folder:
        prodigy.write(Path(folder) / "train.jsonl", [document])
        written = json.loads((Path(folder) / "train.jsonl").read_bytes())
    tokens = written["tokens"]
    assert [token["id"] for token in tokens] == list(range(len(tokens)))
    for token in tokens:
        assert document.text[token["start"] : token["end"]] == token["text"]
        assert token["ws"] == (document.text[token["end"] : token["end"] + 1] == " ")
    for one in written["spans"]:
        if document.text[one["start"] : one["end"]].strip() == document.text[one["start"] : one["end"]]:
            assert tokens[one["token_start"]]["start"] == one["start"]
            assert tokens[one["token_end"]]["end"] == one["end"]
    for link in written["relations"]:
        assert link["head_span"] in written["spans"]
        assert link["child_span"] in written["spans"]
        assert (link["head"], link["child"]) == (link["head_span"]["token_end"], link["child_span"]["token_end"])


def test_letters_stay_readable_and_lines_whole(tmp_path: Path) -> None:
    prodigy.write(tmp_path / "new" / "train.jsonl", [Document("d", "Нападение\r\nна\u2028село 🙂")])
    raw = (tmp_path / "new" / "train.jsonl").read_bytes()
    assert '"Нападение\\r\\nна\u2028село 🙂"' in raw.decode("utf-8")
    assert raw.count(b"\n") == 1


def test_an_export_of_spans_becomes_role_spans_and_triggers(tmp_path: Path) -> None:
    log = Log()
    (document,) = read(tmp_path, record(*SPANS), log=log)
    assert (document.id, document.text, document.layers, dict(document.meta)) == ("-871", TEXT, frozenset(), {})
    assert spans(document) == [("attacker", "Raiders"), ("target", "six herders"), ("location", "Umbra")]
    (event,) = document.events
    assert (event.type, event.trigger.text, event.arguments) == ("abduction", "seized", ())
    assert log.left_out == []


@pytest.mark.parametrize("with_spans", [True, False])
def test_relations_become_arguments_by_spans_or_by_token_numbers(tmp_path: Path, with_spans: bool) -> None:
    log = Log()
    relations = [relation(TRIGGER, ATTACKER, "Attacker", with_spans), relation(TRIGGER, TARGET, "Target", with_spans)]
    (document,) = read(tmp_path, record(*SPANS, relations=relations), log=log)
    assert arguments(document) == [("attacker", "Raiders"), ("target", "six herders")]
    assert spans(document) == [("location", "Umbra")]
    assert log.left_out == []


def test_relations_may_bring_the_spans_with_them(tmp_path: Path) -> None:
    (document,) = read(tmp_path, record(relations=[relation(TRIGGER, TARGET, "Target")]))
    assert arguments(document) == [("target", "six herders")]
    assert document.events[0].trigger.text == "seized"


def test_a_token_number_means_the_smallest_span_that_holds_the_token(tmp_path: Path) -> None:
    outer = span(2, 5, "Target")
    (document,) = read(
        tmp_path, record(outer, TRIGGER, LOCATION, relations=[relation(TRIGGER, LOCATION, "Location", False)])
    )
    assert arguments(document) == [("location", "Umbra")]
    assert spans(document) == [("target", "six herders outside Umbra")]


def test_an_end_without_a_label_takes_that_of_the_relation(tmp_path: Path) -> None:
    (document,) = read(tmp_path, record(TRIGGER, relations=[relation(TRIGGER, span(5, 5, None), "Location")]))
    assert arguments(document) == [("location", "Umbra")]


def test_a_relation_that_leads_to_no_argument_is_told(tmp_path: Path) -> None:
    log = Log()
    relations = [relation(ATTACKER, TARGET, "HOLDS"), relation(TRIGGER, LOCATION, "NEAR", False)]
    (document,) = read(tmp_path, record(*SPANS, relations=relations), log=log)
    assert len(document.role_spans) == 3
    place = f"{tmp_path}/train.jsonl:1: link"
    assert log.left_out == [
        f"{place} 'HOLDS' from Attacker 'Raiders' at 0 to Target 'six herders' at 15",
        f"{place} 'NEAR' from Abduction 'seized' at 8 to Location 'Umbra' at 35",
    ]


def test_labels_are_mapped(tmp_path: Path) -> None:
    (document,) = read(tmp_path, record(*SPANS), log=Log({"Attacker": "perp", "Location": None, "Abduction": None}))
    assert spans(document) == [("perp", "Raiders"), ("target", "six herders")]
    assert document.events == ()


def test_two_events_of_a_type_may_have_the_same_trigger(tmp_path: Path) -> None:
    second = TRIGGER | {"event": 1}
    relations = [relation(TRIGGER, ATTACKER, "Attacker"), relation(second, TARGET, "Target")]
    (document,) = read(tmp_path, record(*SPANS, second, relations=relations))
    assert sorted([a.text for a in event.arguments] for event in document.events) == [["Raiders"], ["six herders"]]


def test_spans_without_tokens_are_read(tmp_path: Path) -> None:
    bare = {"text": TEXT, "spans": [{"start": 35, "end": 40, "label": "LOCATION"}]}
    (document,) = read(tmp_path, bare)
    assert spans(document) == [("location", "Umbra")]


@pytest.mark.parametrize("nothing", [{}, {"spans": []}, {"spans": None, "relations": None, "meta": None}])
def test_an_accepted_record_without_spans_says_that_there_are_none(tmp_path: Path, nothing: dict[str, Any]) -> None:
    assert read(tmp_path, {"text": TEXT, "answer": "accept", "_task_hash": 9, **nothing}) == [Document("9", TEXT)]


def test_only_accepted_records_are_taken_over_and_the_others_told(tmp_path: Path) -> None:
    log = Log()
    answers = ["accept", "reject", "ignore"]
    documents = read(tmp_path, *(record(*SPANS, answer=a, id=a) for a in answers), {"text": TEXT, "id": "b"}, log=log)
    assert [document.id for document in documents] == ["accept", "b"]
    assert log.left_out == [
        f"{tmp_path}/train.jsonl:2: the answer is 'reject'",
        f"{tmp_path}/train.jsonl:3: the answer is 'ignore'",
    ]


@pytest.mark.parametrize(
    ("keys", "identifier"),
    [
        ({"id": "report-9", "meta": {"id": "m"}, "_task_hash": 5}, "report-9"),
        ({"meta": {"id": "m"}, "_task_hash": 5}, "m"),
        ({"meta": {"id": 0}, "_task_hash": 5}, "0"),
        ({"meta": {"source": "wire"}, "_task_hash": -5}, "-5"),
        ({"_task_hash": 0}, "0"),
    ],
)
def test_the_id_is_that_of_the_record_or_its_meta_or_its_hash(
    tmp_path: Path, keys: dict[str, Any], identifier: str
) -> None:
    (document,) = read(tmp_path, {"text": TEXT, **keys})
    assert document.id == identifier


def test_a_record_without_an_id_is_called_after_its_line(tmp_path: Path) -> None:
    documents = read(tmp_path, {"text": "One."}, {"text": "Two.", "meta": {"source": "wire"}})
    assert [document.id for document in documents] == [f"{tmp_path}/train.jsonl:{line}" for line in (1, 2)]


def test_meta_is_carried(tmp_path: Path) -> None:
    ours, theirs = read(
        tmp_path,
        record(id="a", layers=["roles"], meta={"id": 4, "layers": "two"}),
        record(meta={"id": "b", "layers": "two", "pattern": "7"}),
    )
    assert (ours.id, ours.layers, ours.meta) == ("a", frozenset({Layer.ROLES}), {"id": 4, "layers": "two"})
    assert (theirs.id, theirs.layers, theirs.meta) == ("b", frozenset(), {"layers": "two", "pattern": "7"})


def test_lines_may_end_in_carriage_returns_and_be_blank(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    line = json.dumps(record(*SPANS)).encode()
    path.write_bytes(line + b"\r\n\r\n  \r\n" + line + b"\r\n")
    read = list(prodigy.read(path, Log()))
    assert [where for where, _ in read] == [f"{path}:1", f"{path}:4"]
    assert [len(item.spans) for _, item in read if isinstance(item, Document)] == [4, 4]


def without(item: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in keys}


BY_TOKENS = relation(TRIGGER, TARGET, "Target", False)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ('{"text": ', r"not JSON"),
        ("[]", r"a JSON list, not an object"),
        ({"html": "<b>"}, r"no 'text'.*Export a dataset of texts"),
        (record(without(ATTACKER, "start")), r"is not Prodigy's \(KeyError\('start'\)\).*Spans need start, end and"),
        (record(*["Attacker"]), r"is not Prodigy's"),
        (record(spans=5), r"is not Prodigy's"),
        (record(ATTACKER | {"start": [0]}), r"is not Prodigy's"),
        (record(ATTACKER | {"start": "0"}), r"must be integers, not '0' and 7"),
        (record(ATTACKER | {"end": 99}), r"\[0, 99\) leaves the text of 41 characters"),
        (record(ATTACKER | {"end": 0}), r"\[0, 0\) is empty"),
        (record(ATTACKER | {"label": 4}), r"label 4 is no text"),
        (record(ATTACKER | {"label": "…"}), r"label '…' has no letters.*corpus\.label_map"),
        (
            record(ATTACKER | {"end": 14}, TARGET | {"start": 8}),
            r"regions Attacker 'Raiders seized' at 0 and Target 'seized six herders' at 8 overlap in part",
        ),
        (record(*SPANS, relations=[BY_TOKENS | {"child": 4}]), r"a relation's child is token 4, which no span holds"),
        (record(*SPANS, relations=[BY_TOKENS | {"head": 44}]), r"is not Prodigy's \(IndexError"),
        (record(*SPANS, relations=[BY_TOKENS | {"head": -6}]), r"is not Prodigy's \(IndexError.*no token -6"),
        (record(*SPANS, relations=[BY_TOKENS | {"head": "1"}]), r"is not Prodigy's \(TypeError"),
        (record(*SPANS, relations=[without(BY_TOKENS, "head")]), r"is not Prodigy's \(KeyError\('head'\)\)"),
        (without(record(*SPANS, relations=[BY_TOKENS]), "tokens"), r"is not Prodigy's \(KeyError\('tokens'\)\)"),
        (record(*SPANS, relations=[BY_TOKENS | {"head_span": None}]), r"is not Prodigy's \(TypeError"),
        (
            record(TRIGGER, span(1, 3, "Target"), relations=[relation(TRIGGER, span(1, 3, "Target"), "Target")]),
            r"trigger 'seized' at 8 and target 'seized six herders' at 8 overlap in the event 'seized'",
        ),
        (record(layers=["rolls"]), r"'rolls' is not a valid Layer"),
        (record(layers="roles"), r"'layers' must be a list, not str"),
        (record(meta="north"), r"'meta' must be an object, not str"),
        (record(text="half \ud83d"), r"half a surrogate pair at character 5"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line_and_the_next_one_is_read(
    tmp_path: Path, spoilt: Any, message: str
) -> None:
    error, good = read(tmp_path, "\n" + (spoilt if isinstance(spoilt, str) else json.dumps(spoilt)), record(*SPANS))
    assert len(good.spans) == 4
    assert isinstance(error, DataError)
    with pytest.raises(DataError, match=message):
        raise error
    assert str(error).startswith(f"{tmp_path}/train.jsonl:2: ")


def test_loading_goes_on_after_bad_records_and_lists_all_that_was_left_out(tmp_path: Path) -> None:
    read(tmp_path, record(*SPANS), record(answer="reject"), record(ATTACKER | {"end": 99}), record(*SPANS))
    config = CorpusConfig(name="mine", format="prodigy", path=str(tmp_path), skip_bad=True)
    corpus = load(config)
    assert len(corpus.split("train")) == 2
    place = f"{tmp_path}/train.jsonl:"
    assert [line.removeprefix(place).partition(". ")[0] for line in corpus.left_out] == [
        "2: the answer is 'reject'", "3: trigger span [0, 99) leaves the text of 41 characters",
    ]  # fmt: skip


def test_a_span_without_a_label_is_told(tmp_path: Path) -> None:
    log = Log()
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(record(without(ATTACKER, "label"))) + "\n", "utf-8")
    ((_, document),) = prodigy.read(path, log)
    assert isinstance(document, Document)
    assert document.spans == ()
    assert log.left_out == [f"{path}:1: a region without a label: 'Raiders' at 0"]

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conflict_events.config import CorpusConfig
from conflict_events.corpora import load
from conflict_events.corpora.formats import jsonl
from conflict_events.corpora.reading import Log
from conflict_events.errors import DataError, SourceError
from conflict_events.schema import Document, Event, EventType, Layer, Role, Span

# Everything that moves offsets in careless readers: line breaks of all kinds, wide, combining and invisible characters.
CHARACTERS = st.one_of(
    st.sampled_from('ab \r\n\t\u00a0\u00ad\u2028\u2029\x85\x1c\x00\ufeff🙂e\u0301אب"\\{}'),
    st.characters(codec="utf-8"),
)
GOOD = (
    '{"id": "d1", "text": "Rebels fled.", "layers": ["roles"], "spans": [{"role": "attacker", "start": 0, "end": 6}]}'
)


def config(folder: Path, roles: tuple[str, ...] = ("attacker", "target", "trigger")) -> CorpusConfig:
    return CorpusConfig(name="mine", format="jsonl", path=str(folder), roles=list(roles))


@st.composite
def spans_of(draw: st.DrawFn, text: str, role: str) -> Span:
    start = draw(st.integers(0, len(text) - 1))
    return Span.of(text, role, start, draw(st.integers(start + 1, len(text))))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(CHARACTERS, min_size=1, max_size=40))
    roles = st.sampled_from([role.value for role in Role])
    role_spans = draw(st.lists(roles.flatmap(lambda role: spans_of(text, role)), max_size=3))
    events = [
        Event(
            draw(st.sampled_from(EventType)),
            draw(spans_of(text, "trigger")),
            tuple(draw(st.lists(roles.flatmap(lambda role: spans_of(text, role)), max_size=3))),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]
    meta = draw(st.dictionaries(st.text(CHARACTERS, max_size=4), st.text(CHARACTERS, max_size=4), max_size=2))
    layers = draw(st.frozensets(st.sampled_from(Layer)))
    identifier = draw(st.text(CHARACTERS, min_size=1, max_size=5))
    return Document(identifier, text, layers, tuple(sorted(role_spans)), tuple(events), meta)


@settings(max_examples=60, deadline=None)
@given(st.lists(documents(), max_size=3))
def test_documents_come_back_as_they_were_written(written: list[Document]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        jsonl.write(path, written)
        assert [document for _, document in jsonl.read(path, Log())] == written


def test_only_the_splits_that_have_a_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(GOOD + "\n", "utf-8")
    (tmp_path / "train.jsonl").write_text("", "utf-8")
    (tmp_path / "extra.jsonl").write_text("no corpus\n", "utf-8")
    splits = load(config(tmp_path)).splits
    assert list(splits) == ["train", "test"]
    assert splits["train"] == []
    assert [span.text for span in splits["test"][0].spans] == ["Rebels"]


def test_a_folder_without_splits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no train\.jsonl.*Check corpus\.path") as error:
        load(config(tmp_path))
    assert str(tmp_path) in str(error.value)


def test_blank_lines_are_skipped_but_counted(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(f"\n{GOOD}\n   \n\n{GOOD}", "utf-8")
    assert [where for where, _ in jsonl.read(path, Log())] == [f"{path}:2", f"{path}:5"]


def test_carriage_returns_and_separators_inside_strings_do_not_break_lines(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes('{"id": "a", "text": "x\u2028y\x85z"}\r\n{"id": "b", "text": ""}\r\n'.encode())
    assert [item.id for _, item in jsonl.read(path, Log()) if isinstance(item, Document)] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"id": "d2", "text": "caf\xe9"}', "not UTF-8"),
        (b'{"id": "d2", "text": ', "not JSON"),
        (b'["d2"]', "a JSON list, not an object"),
        (b'{"text": "No name."}', "no 'id'"),
        (b'{"id": "d2"}', "no 'text'"),
        (b'{"id": "d2", "text": "Hi", "layers": ["rolls"]}', "layers are roles, events"),
        (b'{"id": "d2", "text": "Hi", "meta": "x"}', "meta"),
        (b'{"id": "d2", "text": "Hi", "meta": 5}', "meta"),
        (b'{"id": "d2", "text": "Hi", "spans": [{"role": "attacker", "start": 0, "end": 3}]}', "leaves the text of 2"),
        (b'{"id": "d2", "text": "Hi", "spans": [{"role": "attacker", "start": 1, "end": 1}]}', "empty or negative"),
        (b'{"id": "d2", "text": "Hi", "spans": [{"role": "attacker", "start": "0", "end": 1}]}', "integers"),
        (b'{"id": "d2", "text": "Hi", "spans": [{"role": "driver", "start": 0, "end": 1}]}', "does not declare"),
        (b'{"id": "d2", "text": "Hi", "events": [{"type": "party", "trigger": [0, 2]}]}', "'party' is unknown"),
        (b'{"id": "d2", "text": "Hi", "events": [{"type": "bombing"}]}', "needs a 'type' and a 'trigger'"),
        (b'{"id": "d2", "text": "Hi", "events": [{"type": "bombing", "trigger": [0]}]}', r"write \[start, end\]"),
        (b'{"id": "d2", "text": "Hi", "events": [{"type": "bombing", "trigger": [0, 2], "victim": []}]}', "victim"),
    ],
)
def test_a_bad_record_is_named_by_file_and_line(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_bytes(GOOD.encode() + b"\n\n" + line + b"\n")
    with pytest.raises(DataError, match=f"(?i){message}") as error:
        load(config(tmp_path))
    assert str(error.value).startswith(f"{path}:3")


def test_an_undeclared_role_is_told_with_the_declared_ones(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(GOOD, "utf-8")
    with pytest.raises(DataError, match=r"role 'attacker'.*corpus 'mine'.*corpus\.roles=\['target'\]"):
        load(config(tmp_path, ("target",)))


def test_writing_makes_the_folder_and_keeps_letters_readable(tmp_path: Path) -> None:
    path = tmp_path / "new" / "train.jsonl"
    jsonl.write(path, [Document("d", "Нападение\r\nна село", frozenset({Layer.EVENTS, Layer.ROLES}))])
    assert path.read_bytes().decode("utf-8") == (
        '{"id": "d", "text": "Нападение\\r\\nна село", "layers": ["roles", "events"], "spans": [], "events": []}\n'
    )


def test_labels_are_mapped_in_spans_and_events(tmp_path: Path) -> None:
    event = {"type": "Gunfire", "trigger": [7, 11], "Perp": [[0, 6]], "Date": [[0, 6]]}
    spans = [{"role": "Perp", "start": 0, "end": 6}, {"role": "Date", "start": 7, "end": 11}]
    told = {"id": "a", "text": "Rebels fled.", "spans": spans, "events": [event, {"type": "Talks", "trigger": [0, 6]}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(told) + "\n" + GOOD + "\n", "utf-8")
    mapped = config(tmp_path)
    mapped.label_map = {"Perp": "attacker", "Gunfire": "armed_attack", "Date": None, "Talks": None}
    first, second = load(mapped).split("train")
    assert [str(span) for span in first.role_spans] == ["attacker 'Rebels' at 0"]
    assert [(e.type, [str(a) for a in e.arguments]) for e in first.events] == [
        (EventType.ARMED_ATTACK, ["attacker 'Rebels' at 0"])
    ]
    assert [str(span) for span in second.role_spans] == ["attacker 'Rebels' at 0"]


@pytest.mark.parametrize("spans", [5, [5], [{}], [{"role": 3, "start": 0, "end": 1}]])
def test_a_label_map_does_not_hide_what_is_malformed(tmp_path: Path, spans: object) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"id": "a", "text": "x", "spans": spans}) + "\n", "utf-8")
    mapped = config(tmp_path)
    mapped.label_map = {"Perp": "attacker"}
    with pytest.raises(DataError, match=r"train\.jsonl:1"):
        load(mapped)

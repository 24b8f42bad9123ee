from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conflict_events.config import CorpusConfig
from conflict_events.corpora.reading import (
    Log,
    attempt,
    carried,
    decoded,
    lines,
    parse_line,
    read_records,
    split_paths,
    undeclared,
)
from conflict_events.errors import ConfigError, DataError, SourceError
from conflict_events.schema import Document, Layer, Span


def found(folder: Path, suffix: str, *names: str) -> dict[str, list[str]]:
    """The names of the files (or, where a name has no full stop, folders) that each split gets."""
    for name in names:
        path = folder / name
        if "." in name:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True)
    splits = split_paths(folder, suffix)
    return {split: [str(path.relative_to(folder)) for path in paths] for split, paths in splits.items()}


# Places


def test_splits_are_found_in_their_order_and_others_are_left_alone(tmp_path: Path) -> None:
    names = ["test.jsonl", "dev.jsonl", "train.jsonl", "extra.jsonl", "train.json", "train.jsonl.bak"]
    assert found(tmp_path, ".jsonl", *names) == {
        "train": ["train.jsonl"], "dev": ["dev.jsonl"], "test": ["test.jsonl"],
    }  # fmt: skip
    assert list(split_paths(tmp_path, ".jsonl")) == ["train", "dev", "test"]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_one_split_is_enough(tmp_path: Path, split: str) -> None:
    assert found(tmp_path, ".json", f"{split}.json", "other.json") == {split: [f"{split}.json"]}


@pytest.mark.parametrize("name", ["dev", "valid", "validation", "val"])
def test_dev_has_other_names(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, ".conll", f"{name}.conll") == {"dev": [f"{name}.conll"]}


@pytest.mark.parametrize("name", ["dev", "valid", "validation", "val"])
def test_folders_of_dev_have_other_names(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, "", "train", name) == {"train": ["train"], "dev": [name]}


def test_two_names_of_a_split_are_both_read(tmp_path: Path) -> None:
    assert found(tmp_path, ".jsonl", "val.jsonl", "dev.jsonl") == {"dev": ["dev.jsonl", "val.jsonl"]}


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").mkdir()
    assert found(tmp_path, ".jsonl", "dev.jsonl") == {"dev": ["dev.jsonl"]}
    assert found(tmp_path, "", "train.txt", "test") == {"test": ["test"]}


def test_a_file_is_one_undivided_split(tmp_path: Path) -> None:
    path = tmp_path / "export-at-2024.json"
    path.touch()
    assert split_paths(path, ".json") == {"all": [path]}
    assert split_paths(path, ".jsonl") == {"all": [path]}, "whoever names a file means it"


def test_a_folder_without_splits_is_one_undivided_split(tmp_path: Path) -> None:
    assert found(tmp_path, ".jsonl", "b.jsonl", "a.jsonl", "c.txt") == {"all": ["a.jsonl", "b.jsonl"]}


def test_a_folder_of_folders_without_splits_is_one_undivided_split(tmp_path: Path) -> None:
    assert found(tmp_path, "", "a.txt", "a.ann", "notes") == {"all": ["."]}
    assert found(tmp_path, "", "all") == {"all": ["all"]}


@pytest.mark.parametrize("name", ["", "missing"])
def test_where_there_is_nothing_it_is_said_what_was_wanted(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.json").touch()
    with pytest.raises(
        SourceError,
        match=r"there is no train\.jsonl, dev\.jsonl or test\.jsonl, nor any other \.jsonl file.*Check corpus\.path",
    ) as error:
        split_paths(tmp_path / name, ".jsonl")
    assert str(error.value).startswith(f"{tmp_path / name}: ")


@pytest.mark.parametrize("name", ["train.json", "missing"])
def test_where_there_is_no_folder_it_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "train.json").touch()
    with pytest.raises(SourceError, match=rf"{name}: there is no folder\. Check corpus\.path and corpus\.format"):
        split_paths(tmp_path / name, "")


# Labels


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("attacker", "attacker"),
        ("Air Strike", "air_strike"),
        ("AIR-STRIKE", "air_strike"),
        (" Armed / Attack ", "armed_attack"),
        ("Conflict:Attack", "conflict_attack"),
        ("weapon2", "weapon2"),
        ("__x__", "x"),
        ("", ""),
    ],
)
def test_a_label_becomes_a_name(label: str, role: str) -> None:
    assert Log().label(label) == role


def test_a_label_is_mapped_as_it_stands() -> None:
    log = Log({"Perp": "attacker", "Misc": None, "攻击者": "attacker", "Место": "location"})
    assert [log.label(name) for name in ("Perp", "perp", "Misc", "攻击者", "Место")] == [
        "attacker", "perp", None, "attacker", "location",
    ]  # fmt: skip


@pytest.mark.parametrize("label", ["攻击者", "Место", "--", " "])
def test_a_label_without_a_name_in_it_wants_to_be_mapped(label: str) -> None:
    with pytest.raises(DataError, match=rf"label '{label}' has no letters a to z\. Map it with corpus\.label_map"):
        Log().label(label)


@pytest.mark.parametrize("label", [None, 3, ["attacker"], {"name": "attacker"}])
def test_a_label_that_is_no_text_is_refused(label: Any) -> None:
    with pytest.raises(DataError, match=r"label .* is no text"):
        Log({"attacker": None}).label(label)


def test_what_is_left_out_is_noted_with_its_place() -> None:
    log = Log()
    log.leave_out("a.json: task 3", "a result of type 'choices'")
    log.leave_out("b", "c")
    assert log.left_out == ["a.json: task 3: a result of type 'choices'", "b: c"]
    assert Log().left_out == [], "each log has a list of its own"


# Layers and meta


def test_layers_and_meta_are_carried() -> None:
    meta = {"region": "north"}
    found = carried(["events", "roles"], meta)
    assert found == {"layers": frozenset(Layer), "meta": meta}
    assert found["meta"] is not meta
    assert carried(None, None) == carried([], {}) == {"layers": frozenset(), "meta": {}}


@pytest.mark.parametrize(
    ("layers", "meta", "message"),
    [
        ("roles", None, r"'layers' must be a list, not str"),
        ({"roles": 1}, None, r"'layers' must be a list, not dict"),
        (0, None, r"'layers' must be a list, not int"),
        (["rolls"], None, r"'rolls' is not a valid Layer\. Layers are roles, events"),
        ([None], None, r"None is not a valid Layer"),
        ([["roles"]], None, r"\['roles'\] is not a valid Layer"),
        (None, "north", r"'meta' must be an object, not str"),
        (None, [["a", 1]], r"'meta' must be an object, not list"),
        (None, 0, r"'meta' must be an object, not int"),
    ],
)
def test_layers_and_meta_of_another_kind_are_refused(layers: Any, meta: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        carried(layers, meta)


# Texts and lines


def test_a_file_is_decoded_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffодин\r\ntwo\r\u2028\ufeff🙂".encode())
    assert decoded(path) == "один\r\ntwo\r\u2028\ufeff🙂"
    path.write_bytes(b"")
    assert decoded(path) == ""


@pytest.mark.parametrize(("raw", "line"), [(b"\xff", 1), (b"a\nb\r\ncaf\xe9\nd", 3), (b"a\n\n\xed\xa0\x80", 3)])
def test_bytes_that_are_not_utf8_are_named_by_line(tmp_path: Path, raw: bytes, line: int) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"not UTF-8 \(.*Save the file as UTF-8") as error:
        decoded(path)
    assert str(error.value).startswith(f"{path}:{line}: ")


def test_lines_that_are_not_blank_are_numbered_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n{}\r\n  \t\r\n\x0b\n[]\x1c\xe9")
    assert list(lines(path)) == [(f"{path}:2", b"{}\r\n"), (f"{path}:5", b"[]\x1c\xe9")]


def test_a_line_is_an_object() -> None:
    assert parse_line("here", b'\xef\xbb\xbf{"a": [1, null, "\xd0\xb0"]}\r\n') == {"a": [1, None, "а"]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": "caf\xe9"}', r"^here: not UTF-8 .*Save the file as UTF-8"),
        (b'{"a": ', r"^here: not JSON .*Write one JSON object a line"),
        (b'{"a": 1} {"b": 2}', r"^here: not JSON"),
        (b"{'a': 1}", r"^here: not JSON"),
        (b'{"a": ' + b"[" * 100_000, r"^here: not JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", r"^here: not JSON"),
        (b"[1]", r"^here: the line is a JSON list, not an object"),
        (b"null", r"^here: the line is a JSON NoneType, not an object"),
        (b'"a"', r"^here: the line is a JSON str, not an object"),
    ],
)
def test_a_line_that_is_none_is_named(line: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_line("here", line)


def make(record: dict[str, Any], where: str) -> Document | None:
    """A document, or none of a record that says so, or an error."""
    if record.get("skip"):
        return None
    if "text" not in record:
        raise DataError("there is no text", remedy="write one")
    return Document(record.get("id", where), record["text"])


def test_records_are_read_on_after_errors(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'{"id": "a", "text": "A"}\n{broken\n\n{"id": "b"}\n{"skip": true}\n{"text": "\xe9"}\n[]\n{"text": "B"}'
    )
    read = list(read_records(path, make))
    assert [where for where, _ in read] == [f"{path}:{number}" for number in (1, 2, 4, 6, 7, 8)]
    assert [item for _, item in read if isinstance(item, Document)] == [Document("a", "A"), Document(f"{path}:8", "B")]
    errors = [str(item) for _, item in read if isinstance(item, DataError)]
    assert [error.removeprefix(f"{path}:").partition(" (")[0] for error in errors] == [
        "2: not JSON", "4: there is no text. Write one.", "6: not UTF-8", "7: the line is a JSON list, not an object.",
    ]  # fmt: skip


def test_records_are_read_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "A"}\n{"text": "B"}\n', "utf-8")
    made: list[str] = []

    def noted(record: dict[str, Any], where: str) -> Document | None:
        made.append(where)
        return make(record, where)

    next(read_records(path, noted))
    assert made == [f"{path}:1"]


def test_an_attempt_gives_the_error_with_its_place_and_lets_others_pass() -> None:
    def fail(error: Exception) -> Document | None:
        raise error

    document = Document("a", "A")
    assert attempt("here", lambda: document) is document
    assert attempt("here", lambda: None) is None
    error = attempt("here", lambda: fail(ConfigError("it is bad", where="line 3", remedy="mend it")))
    assert isinstance(error, ConfigError)
    assert str(error) == "here: line 3: it is bad. Mend it."
    with pytest.raises(KeyError):
        attempt("here", lambda: fail(KeyError("a bug")))


def test_roles_that_a_corpus_does_not_declare_are_told() -> None:
    document = Document("a", "Rebels fled.", role_spans=(Span(0, 6, "perp", "Rebels"),))
    config = CorpusConfig(name="mine", format="jsonl", path="x", roles=["attacker"])
    error = undeclared(document, config)
    assert error is not None
    assert str(error) == (
        "document 'a' has role 'perp', which corpus 'mine' does not declare. "
        "Correct it, map it with corpus.label_map, or add it to corpus.roles=['attacker']."
    )
    config.roles = ["attacker", "perp"]
    assert undeclared(document, config) is None

"""Errors say what is wrong, where, and what to do."""

from __future__ import annotations

import pickle

import pytest

from conflict_events.errors import (
    CheckpointError,
    ConfigError,
    ConflictEventsError,
    DataError,
    InputError,
    OutputError,
    RunnerError,
    SourceError,
)

ALL = [
    (DataError, ValueError),
    (InputError, ValueError),
    (ConfigError, ValueError),
    (CheckpointError, ValueError),
    (SourceError, OSError),
    (OutputError, OSError),
    (RunnerError, RuntimeError),
]


@pytest.mark.parametrize(("kind", "builtin"), ALL)
def test_message_holds_place_fault_and_remedy(kind: type[ConflictEventsError], builtin: type[Exception]) -> None:
    error = kind("the record has no 'id'", where="train.jsonl:12", remedy="give every document one")
    assert str(error) == "train.jsonl:12: the record has no 'id'. Give every document one."
    assert (error.what, error.where, error.remedy) == (
        "the record has no 'id'", "train.jsonl:12", "give every document one",
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "builtin"), ALL)
def test_every_error_is_caught_as_ours_and_as_its_builtin(
    kind: type[ConflictEventsError], builtin: type[Exception]
) -> None:
    for family in (ConflictEventsError, builtin):
        with pytest.raises(family, match=r"^bad\.$"):
            raise kind("bad")


def test_place_and_remedy_are_optional() -> None:
    assert str(DataError("bad")) == "bad."
    assert str(DataError("bad", where="here")) == "here: bad."
    assert str(DataError("bad", remedy="mend it")) == "bad. Mend it."


def test_a_remedy_keeps_its_case_beyond_the_first_letter() -> None:
    assert str(ConfigError("bad", remedy="use ONNX or BIO")) == "bad. Use ONNX or BIO."


@pytest.mark.parametrize(("kind", "builtin"), ALL)
def test_places_are_added_from_the_outside_and_the_kind_is_kept(
    kind: type[ConflictEventsError], builtin: type[Exception]
) -> None:
    error = kind("bad", remedy="mend it").at("document 'a'").at("train.jsonl:3")
    assert type(error) is kind
    assert str(error) == "train.jsonl:3: document 'a': bad. Mend it."


def test_adding_a_place_leaves_the_first_error_alone() -> None:
    error = DataError("bad", where="inner")
    error.at("outer")
    assert str(error) == "inner: bad."


@pytest.mark.parametrize(("kind", "builtin"), ALL)
def test_an_error_comes_back_from_another_process_unchanged(
    kind: type[ConflictEventsError], builtin: type[Exception]
) -> None:
    error = kind("bad", where="here", remedy="mend it")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == "here: bad. Mend it."
    assert (copy.what, copy.where, copy.remedy) == ("bad", "here", "mend it")

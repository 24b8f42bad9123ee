"""The endpoint's handler: as a file of its own, with the package and in an environment that lacks it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from conflict_events import EventExtractor
from conflict_events.checkpoint import Settings
from conflict_events.config import WindowConfig
from conflict_events.handler import EndpointHandler
from conflict_events.schema import Span

HANDLER = ROOT / "src" / "conflict_events" / "handler.py"
TEXT = "Rebels attacked the village near hill 7. Troops shelled it on Monday."
LONG = " ".join(f"rebels attacked village {number} with the troops ." for number in range(60))
TEXTS = [TEXT, "", "  \n ", LONG, f"\u00a0\r{TEXT}\r\n"]

BARE = """
import importlib.util, json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "conflict_events":
            raise ModuleNotFoundError(f"No module named {name!r}", name="conflict_events")

sys.meta_path.insert(0, Absent())
spec = importlib.util.spec_from_file_location("handler", sys.argv[1] + "/handler.py")
handler = importlib.util.module_from_spec(spec)
spec.loader.exec_module(handler)
assert "transformers" not in sys.modules and "torch" not in sys.modules, "imported before it is needed"
answers = {}
for name, requests in json.load(sys.stdin).items():
    endpoint = handler.EndpointHandler(f"{sys.argv[1]}/{name}")
    answers[name] = [endpoint.answers_with]
    for request in requests:
        try:
            answers[name].append(endpoint(request))
        except ValueError as error:
            answers[name].append(f"ValueError: {error}")
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def bare(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a copy of the handler answers in a process that has transformers, but not the package.

    By checkpoint: what it answers with, then an answer for each request.
    """
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(HANDLER, folder)
    for name in ("ours", "plain"):
        shutil.copytree(tiny_encoder, folder / name)
    Settings(window=WindowConfig(64, 16), name="tiny-13").save(folder / "ours")
    requests = {
        "ours": [
            {"inputs": TEXTS}, {"inputs": LONG}, {"inputs": LONG, "parameters": {"min_score": 0.107}},
            {"inputs": TEXT, "parameters": {"merge_mentions": True}}, {"inputs": 3},
        ],
        "plain": [{"inputs": LONG}],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(folder)],
        input=json.dumps(requests), capture_output=True, text=True, timeout=240, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


# With the package


@pytest.fixture
def endpoint(tiny_linked_checkpoint: Path) -> EndpointHandler:
    return EndpointHandler(str(tiny_linked_checkpoint))


def test_with_the_package_records_are_those_of_the_package(
    endpoint: EndpointHandler, tiny_linked_checkpoint: Path
) -> None:
    extractor = EventExtractor.from_pretrained(tiny_linked_checkpoint)
    expected = [extraction.to_record() for extraction in extractor.extract_many([TEXT, "", LONG])]
    assert any(record["events"] for record in expected)
    assert endpoint({"inputs": [TEXT, "", LONG]}) == expected
    assert endpoint({"inputs": TEXT, "parameters": None}) == expected[0]
    assert endpoint.answers_with.startswith("conflict-events ")


def test_parameters_are_those_of_the_package_and_hold_for_one_request(
    endpoint: EndpointHandler, tiny_linked_checkpoint: Path
) -> None:
    whole = endpoint({"inputs": LONG})
    assert isinstance(whole, dict)
    least = sorted(span["score"] for span in whole["spans"])[len(whole["spans"]) // 2]
    parameters = {"min_score": least, "merge_mentions": True}
    strict = EventExtractor.from_pretrained(tiny_linked_checkpoint, **parameters)
    found = endpoint({"inputs": LONG, "parameters": parameters})
    assert found == strict.extract(LONG).to_record()
    assert found != whole
    assert {"incidents", "fillers"} <= found.keys()
    assert endpoint({"inputs": LONG}) == whole


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (["text"], 'no "inputs"'),
        ({"text": "x"}, 'no "inputs".*send {"inputs"'),
        ({"inputs": None}, "not NoneType"),
        ({"inputs": {"text": "x"}}, "not dict"),
        ({"inputs": ["x", 3]}, "list of texts"),
        ({"inputs": "x", "parameters": "fast"}, "not 'fast'"),
        ({"inputs": "x", "parameters": {"top_k": 3}}, "min_score and merge_mentions, not {'top_k': 3}"),
        ({"inputs": "x", "parameters": {"min_score": 1.5}}, "from 0 to 1, not 1.5"),
        ({"inputs": "x", "parameters": {"min_score": "high"}}, "from 0 to 1, not 'high'"),
        ({"inputs": "x", "parameters": {"min_score": True}}, "from 0 to 1, not True"),
        ({"inputs": "x", "parameters": {"merge_mentions": "yes"}}, "true or false, not 'yes'"),
        ({"inputs": "half a pair \ud800"}, "surrogate"),
    ],
    ids=repr,
)
def test_a_bad_request_is_a_value_error(endpoint: EndpointHandler, request_: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        endpoint(request_)


def test_no_texts_give_no_records(endpoint: EndpointHandler) -> None:
    assert endpoint({"inputs": []}) == []


def test_a_package_that_cannot_be_imported_is_an_error_not_a_reason_for_less(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "conflict_events.extractor")
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.delitem(sys.modules, "conflict_events.windows")
    with pytest.raises(ImportError, match="tokenizers"):
        EndpointHandler(str(tiny_checkpoint))


# Without it


def test_without_the_package_there_are_spans_and_triggers_at_their_places(bare: dict[str, list[Any]]) -> None:
    library, found, *_ = bare["ours"]
    assert library.startswith("transformers ")
    assert "conflict-events is not installed" in library
    for text, record in zip(TEXTS, found, strict=True):
        assert record.keys() == {"id", "spans", "meta", "model"}
        assert record["model"] == "tiny-13"
        for span in record["spans"]:  # Span refuses what is empty, no name, or does not fit its text
            assert Span(**span) == Span.of(text, span["role"], span["start"], span["end"], span["score"])
    assert [bool(record["spans"]) for record in found] == [True, False, False, True, True]
    assert "trigger" in {span["role"] for record in found for span in record["spans"]}
    plain, shifted = found[0]["spans"], found[4]["spans"]
    assert [(s["role"], s["start"] + 2, s["text"]) for s in plain] == [
        (s["role"], s["start"], s["text"]) for s in shifted
    ]


@pytest.mark.parametrize(("checkpoint", "number"), [("ours", 2), ("plain", 1)], ids=["ours", "by others"])
def test_without_the_package_all_of_a_long_text_is_read(
    bare: dict[str, list[Any]], checkpoint: str, number: int
) -> None:
    record = bare[checkpoint][number]
    at = [span["start"] for span in record["spans"]]
    assert at == sorted(set(at))
    # Windows of 64 tokens on 60 sentences of 7 tokens and more: none is left out.
    assert max(later - earlier for earlier, later in pairwise([0, *at, len(LONG)])) < 60


def test_without_the_package_one_text_is_read_like_one_of_many(bare: dict[str, list[Any]]) -> None:
    _, many, one, *_ = bare["ours"]
    assert one == many[3]


def test_without_the_package_unsure_spans_can_be_left_out(bare: dict[str, list[Any]]) -> None:
    _, _, whole, sure, *_ = bare["ours"]
    assert sure["spans"] == [span for span in whole["spans"] if span["score"] >= 0.107]
    assert 0 < len(sure["spans"]) < len(whole["spans"])


def test_without_the_package_bad_requests_are_value_errors_too(bare: dict[str, list[Any]]) -> None:
    *_, merged, bad = bare["ours"]
    assert merged == "ValueError: merge_mentions needs the package conflict-events: name it in requirements.txt"
    assert bad == 'ValueError: "inputs" must be a text or a list of texts, not int'

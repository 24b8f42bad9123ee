"""Differences of two systems and what changed; runs on other documents are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import violent_documents
from scored import FULL, ROLES, document, event, gold_of, run_of, span

from conflict_events.config import CorpusConfig, EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError, ConflictEventsError, DataError, InputError
from conflict_events.evaluation.changes import changes
from conflict_events.evaluation.compare import System, compare, differences, is_sure
from conflict_events.evaluation.counts import run_counts
from conflict_events.evaluation.predictions import write_predictions
from conflict_events.evaluation.results import Gold, Run
from conflict_events.evaluation.scoring import predicted_run, scored
from conflict_events.metrics.bootstrap import difference

GOLD = gold_of(*(document(str(n), FULL) for n in range(6)))
HALF = event("bombed", ("attacker", "rebels"), ("target", "troops"), kind="shelling")
ALL_RIGHT = run_of(GOLD, *([FULL] for _ in range(6)), name="right")
HALF_RIGHT = run_of(GOLD, *([HALF] for _ in range(6)), name="half")
NOTHING = run_of(GOLD, *([] for _ in range(6)), name="nothing")


# Differences


def test_a_difference_is_the_first_minus_the_second_with_interval_and_p() -> None:
    found = differences(System.of([ALL_RIGHT]), System.of([HALF_RIGHT]))
    # Of four role spans one is found, and one is spurious: P 1/2, R 1/4, F1 1/3, in every document.
    assert found["scores.roles"] == pytest.approx(
        {"a": 1.0, "b": 1 / 3, "difference": 2 / 3, "low": 2 / 3, "high": 2 / 3, "p": 0.0}
    )
    assert found["events.exact.type_accuracy"] == pytest.approx(
        {"a": 1.0, "b": 0.0, "difference": 1.0, "low": 1.0, "high": 1.0, "p": 0.0}
    )
    assert found["scores.per_role.trigger"]["difference"] == 0.0
    assert found["scores.per_role.trigger"]["p"] == 1.0
    assert {path for path in found if path.startswith("scores.")} == {
        "scores.roles", "scores.overall", *(f"scores.per_role.{role}" for role in ROLES),
    }  # fmt: skip
    assert {"events.exact.linked", "events.exact.argument_classification"} < found.keys()
    assert not any("overlap" in path for path in found)


def test_the_other_way_round_it_has_the_other_sign() -> None:
    systems = System.of([ALL_RIGHT]), System.of([HALF_RIGHT])
    one, other = differences(*systems), differences(*reversed(systems))
    for path, found in one.items():
        assert (other[path]["difference"], other[path]["low"]) == (-found["difference"], -found["high"])
        assert (other[path]["a"], other[path]["b"], other[path]["p"]) == (found["b"], found["a"], found["p"])


def test_of_seeds_means_are_compared() -> None:
    found = differences(System.of([ALL_RIGHT, NOTHING]), System.of([HALF_RIGHT]))["scores.roles"]
    assert (found["a"], found["difference"]) == (0.5, pytest.approx(0.5 - 1 / 3))
    path = "scores.overall"
    pair = difference(
        [run_counts(run)[path] for run in (ALL_RIGHT, NOTHING)],
        [run_counts(run)[path] for run in (HALF_RIGHT, NOTHING)],
    )
    ours = differences(System.of([ALL_RIGHT, NOTHING]), System.of([HALF_RIGHT, NOTHING]))[path]
    assert (ours["difference"], ours["low"], ours["high"], ours["p"]) == (pair.value, pair.low, pair.high, pair.p)


def test_events_are_compared_where_both_find_them() -> None:
    spans_only = run_of(GOLD, *([] for _ in range(6)), events=False)
    assert all(path.startswith("scores.") for path in differences(System.of([ALL_RIGHT]), System.of([spans_only])))


def test_systems_with_other_roles_are_refused() -> None:
    fewer = Run("fewer", ALL_RIGHT.results, True, ("attacker",))
    with pytest.raises(ConfigError, match=r"'right' scores attacker, target.*'fewer' attacker. Compare systems"):
        differences(System.of([ALL_RIGHT]), System.of([fewer]))


@pytest.mark.parametrize(
    ("low", "high", "sure"),
    [(0.1, 0.2, True), (-0.2, -0.1, True), (0.0, 0.2, False), (-0.1, 0.1, False), (-0.1, 0.0, False)],
)
def test_a_difference_is_sure_if_its_interval_leaves_out_nil(low: float, high: float, sure: bool) -> None:
    assert is_sure({"low": low, "high": high}) == sure


# What changed


def test_the_documents_that_changed_most_come_first() -> None:
    gold = gold_of(*(document(name, FULL) for name in "abcd"))
    before = run_of(gold, [FULL], [FULL], [HALF], [])
    after = run_of(gold, [FULL], [], [FULL], [event("fled")])
    found = changes([before], [after])
    # Wrong in c: three roles missed and one spurious, the type twice, three links missed and one spurious: 10.
    # In b and d: 4 roles, trigger, event, 4 links missed: 10; in d, then, a trigger and an event are spurious, too: 12.
    assert [(d["id"], d["errors"]) for d in found["documents"]] == [
        ("b", {"a": 0, "b": 10}),
        ("c", {"a": 10, "b": 0}),
        ("d", {"a": 10, "b": 12}),
    ]
    assert found["count"] == 3


def test_a_document_shows_what_each_side_has() -> None:
    gold = gold_of(document("a", event("bombed", ("attacker", "rebels"))))
    one = run_of(gold, [event("bombed", ("attacker", "rebels"))])
    other = run_of(gold, [event("bombed", ("target", "village"), kind="shelling")])
    (found,) = changes([one], [other])["documents"]
    trigger = {"start": 7, "end": 13, "text": "bombed"}
    assert found["spans"] == [
        {"role": "attacker", "start": 0, "end": 6, "text": "rebels", "annotated": 1, "a": 1.0, "b": 0.0},
        {"role": "trigger", **trigger, "annotated": 1, "a": 1.0, "b": 1.0},
        {"role": "target", "start": 18, "end": 25, "text": "village", "annotated": 0, "a": 0.0, "b": 1.0},
    ]
    assert [(e["type"], e["annotated"], e["a"], e["b"]) for e in found["events"]] == [
        ("bombing", 1, 1.0, 0.0),
        ("shelling", 0, 0.0, 1.0),
    ]
    assert [(link["text"], link["trigger"], link["a"], link["b"]) for link in found["links"]] == [
        ("rebels", trigger, 1.0, 0.0),
        ("village", trigger, 0.0, 1.0),
    ]


def test_of_seeds_the_share_that_has_it_is_shown() -> None:
    found = changes([ALL_RIGHT, NOTHING], [NOTHING])
    assert found["count"] == 6
    assert {item["a"] for item in found["documents"][0]["spans"]} == {0.5}
    assert found["documents"][0]["errors"] == {"a": 5.0, "b": 10}


def test_the_same_predictions_change_nothing() -> None:
    assert changes([ALL_RIGHT], [ALL_RIGHT]) == {"count": 0, "documents": []}


def test_at_most_twenty_documents_are_listed() -> None:
    gold = gold_of(*(document(str(n), FULL) for n in range(25)))
    found = changes([run_of(gold, *([FULL] for _ in range(25)))], [run_of(gold, *([] for _ in range(25)))])
    assert (found["count"], len(found["documents"])) == (25, 20)


# From folders


CORPUS = Corpus(
    CorpusConfig("tiny", "jsonl", "x"), {"dev": violent_documents(4, "dev"), "test": violent_documents(4, "test")}
)


def run_folder(folder: Path, missed: int, split: str = "dev", limit: int | None = None) -> str:
    """An evaluation of a system that misses what is in the first documents."""
    gold = Gold.of(CORPUS, split, limit)
    found = [([], []) if n < missed else (d.spans, d.events) for n, d in enumerate(gold.documents)]
    run = predicted_run(found, gold, folder, folder.name, True, gold.roles)
    scored([run], gold, folder)
    return str(folder)


def settings(folder: Path, given: list[Any], **options: Any) -> EvaluateConfig:
    return EvaluateConfig(
        corpus=CORPUS.config,
        compare=given,
        split=options.pop("split", "dev"),
        output_dir=str(folder / "out"),
        **options,
    )


def test_two_folders_are_compared_and_the_result_is_written(tmp_path: Path) -> None:
    one, other = run_folder(tmp_path / "one", 0), run_folder(tmp_path / "other", 1)
    record = compare(settings(tmp_path, [one, other]), CORPUS)
    assert json.loads((tmp_path / "out" / "compare.json").read_text("utf-8")) == record
    assert (record["a"], record["b"]) == ({"model": "one", "seeds": 1}, {"model": "other", "seeds": 1})
    assert (record["corpus"], record["split"], record["changes"]["documents"][0]["id"]) == ("tiny", "dev", "dev-0")
    # Of four documents of equal size one is missed: recall 3/4, F1 6/7.
    assert record["differences"]["scores.roles"]["difference"] == pytest.approx(1 / 7)


def test_groups_of_seeds(tmp_path: Path) -> None:
    folders = [run_folder(tmp_path / str(n), n) for n in range(3)]
    record = compare(settings(tmp_path, [folders[:2], folders[2]]), CORPUS)
    assert record["a"] == {"model": "0, 1", "seeds": 2}
    assert record["differences"]["scores.roles"]["a"] == pytest.approx((1 + 6 / 7) / 2)


@pytest.mark.parametrize("given", [[], ["a"], ["a", "b", "c"], [["a"], []], [[["a"]], "b"], [1, 2], ["a", [3]]])
def test_what_names_no_two_systems_is_refused(tmp_path: Path, given: list[Any]) -> None:
    with pytest.raises(ConfigError, match=r"does not name two systems.*two lists of folders"):
        compare(settings(tmp_path, given), CORPUS)


def test_runs_on_another_split_or_fewer_documents_are_refused(tmp_path: Path) -> None:
    one, other = run_folder(tmp_path / "one", 0), run_folder(tmp_path / "other", 0, "test")
    with pytest.raises(ConfigError) as caught:
        compare(settings(tmp_path, [one, other]), CORPUS)
    told = str(caught.value)
    assert told.startswith(f"{other}: the run was scored on tiny test (4 documents, ")
    assert "which is not tiny dev (4 documents, " in told
    assert "Give corpus=tiny split=test" in told
    with pytest.raises(ConfigError, match="3 documents"):
        compare(settings(tmp_path, [run_folder(tmp_path / "few", 0, limit=3), one]), CORPUS)


@pytest.mark.parametrize(
    ("broken", "kind", "words"),
    [
        ({"metrics.json": None}, InputError, "metrics.json: there is no such file. Give the folder of an evaluation"),
        ({"predictions.jsonl": None}, InputError, "predictions.jsonl: there is no such file of predictions"),
        ({"metrics.json": "{"}, DataError, "metrics.json: not JSON"),
        ({"metrics.json": '{"corpus": "x"}'}, DataError, "the metrics have format None, not 2. Evaluate again"),
        ({"predictions.jsonl": ""}, DataError, "4 of 4 documents of split 'dev' have no prediction"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, broken: dict[str, str | None], kind: type[ConflictEventsError], words: str
) -> None:
    one, other = run_folder(tmp_path / "one", 0), run_folder(tmp_path / "other", 0)
    for name, content in broken.items():
        (tmp_path / "other" / name).unlink()
        if content is not None:
            (tmp_path / "other" / name).write_text(content, "utf-8")
    with pytest.raises(kind) as caught:
        compare(settings(tmp_path, [one, other]), CORPUS)
    assert words in str(caught.value)


def test_a_run_keeps_roles_that_the_corpus_does_not_have_and_spans_that_no_window_held(tmp_path: Path) -> None:
    from conflict_events.evaluation.records import load_run

    gold = Gold.of(CORPUS, "dev")
    folder = tmp_path / "more"
    spans = [[span("crowd", "hill", text=d.text)] for d in gold.documents]
    run = predicted_run(zip(spans, [[]] * 4, strict=True), gold, folder, "more", False, ["crowd", "target", "attacker"])
    metrics = scored([run], gold, folder)
    assert run.roles == ("attacker", "target")
    metrics["cut"] = [{"id": "dev-1", "role": "target", "start": 0, "end": 6}]
    (folder / "metrics.json").write_text(json.dumps(metrics), "utf-8")
    loaded = load_run(folder, gold)
    assert (loaded.roles, loaded.finds_events) == (run.roles, False)
    assert [[(s.role, s.text) for s in result.cut] for result in loaded.results] == [[], [("target", "troops")], [], []]
    write_predictions(folder / "predictions.jsonl", [], [], "more", False)
    with pytest.raises(DataError, match="4 of 4"):
        load_run(folder, gold)

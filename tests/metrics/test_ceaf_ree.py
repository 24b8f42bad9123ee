"""CEAF-REE: hand-worked cases, and the published predictions of GRIT with their published scores."""

from __future__ import annotations

import json

import pytest
from conftest import SHARED_DATA, needs_shared_data

from conflict_events.metrics.ceaf_ree import ceaf_ree, normalise
from conflict_events.metrics.score import Score

ROLES = ["PerpInd", "PerpOrg", "Target", "Victim", "Weapon"]


def score(gold: list[list[str]], predicted: list[list[str]]) -> Score:
    return ceaf_ree([{"Victim": gold}], [{"Victim": predicted}], ["Victim"]).micro


def test_any_mention_of_an_entity_will_do() -> None:
    gold = [["the mayor", "juan perez"], ["bodyguard"]]
    assert score(gold, [["juan perez"], ["bodyguard"]]) == Score(1.0, 1.0, 1.0, 2)


def test_two_predictions_of_one_entity_count_once() -> None:
    # one of two predicted entities is aligned, one of one annotated
    assert score([["the mayor", "juan perez"]], [["mayor"], ["juan perez"]]) == Score(0.5, 1.0, pytest.approx(2 / 3), 1)


def test_every_mention_of_a_predicted_entity_must_be_right() -> None:
    gold = [["mayor", "juan perez"], ["bodyguard"]]
    assert score(gold, [["mayor", "juan perez"]]).precision == 1.0
    assert score(gold, [["mayor", "bodyguard"]]).precision == 0.0
    assert score(gold, [["mayor", "driver"]]).precision == 0.0


def test_the_best_alignment_counts_not_the_first() -> None:
    # "guard" fits both annotated entities, "soldier" the first only: both can be aligned
    assert score([["guard", "soldier"], ["guard"]], [["guard"], ["soldier"]]) == Score(1.0, 1.0, 1.0, 2)


def test_case_articles_and_punctuation_do_not_matter() -> None:
    assert normalise('The  "Shining Path", a group') == "shining path group"
    assert score([["the U.S. embassy"]], [["US Embassy"]]).f1 == 1.0


def test_nothing_to_find_and_nothing_found() -> None:
    assert score([], []) == Score(0.0, 0.0, 0.0, 0)
    assert score([], [["mayor"]]) == Score(0.0, 0.0, 0.0, 0)
    assert score([["mayor"]], []) == Score(0.0, 0.0, 0.0, 1)


def test_documents_and_roles_are_summed_before_dividing() -> None:
    gold = [{"Victim": [["a b"], ["c d"]], "Weapon": [["bomb"]]}, {"Victim": [["e f"]]}]
    found = [{"Victim": [["a b"]], "Weapon": [["gun"]]}, {"Victim": [["e f"], ["x y"]]}]
    scores = ceaf_ree(gold, found, ["Victim", "Weapon"])
    assert scores.per_role["Victim"] == Score(pytest.approx(2 / 3), pytest.approx(2 / 3), pytest.approx(2 / 3), 3)
    assert scores.per_role["Weapon"].f1 == 0.0
    assert (scores.micro.precision, scores.micro.recall) == (pytest.approx(2 / 4), pytest.approx(2 / 4))
    assert scores.totals.tolist() == [[1, 2, 1, 3], [1, 2, 1, 1]]


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="1 annotated documents, but 0"):
        ceaf_ree([{}], [], ROLES)


@needs_shared_data
def test_the_published_predictions_have_their_published_scores() -> None:
    """GRIT (Du, Rush and Cardie 2021), table 3: P 64.19, R 47.36, F1 54.50."""
    published = json.loads((SHARED_DATA / "muc4" / "grit_predictions.json").read_text("utf-8"))
    lines = (SHARED_DATA / "muc4" / "splits" / "test.json").read_text("utf-8").splitlines()
    keys = {record["docid"]: record["extracts"] for record in map(json.loads, lines)}
    gold = [
        {
            role: [[mention for mention, _ in entity] for entity in entities]
            for role, entities in keys[f"TST{number[0]}-MUC4-{number[1:]}"].items()
        }
        for number in published
    ]
    scores = ceaf_ree(gold, [document["pred_extracts"] for document in published.values()], ROLES)
    micro = scores.micro
    assert [round(100 * value, 2) for value in (micro.precision, micro.recall, micro.f1)] == [64.19, 47.36, 54.50]
    published_f1 = {"PerpInd": 49.6, "PerpOrg": 51.9, "Target": 49.0, "Victim": 67.8, "Weapon": 59.1}
    for role, expected in published_f1.items():
        assert 100 * scores.per_role[role].f1 == pytest.approx(expected, abs=0.06)

"""Recall on spans that the train split has, and on those that it has not."""

from __future__ import annotations

import numpy as np
import pytest

from conflict_events.metrics.bootstrap import interval
from conflict_events.metrics.score import share as recall
from conflict_events.metrics.unseen import seen_recall, surface_form, surface_forms
from conflict_events.schema import Document, Event, EventType, Span

ROLES = ("attacker", "target", "trigger")


def span(text: str, role: str, words: str) -> Span:
    start = text.index(words)
    return Span.of(text, role, start, start + len(words))


TRAIN_TEXT = "The Red\nBrigade attacked Arna; Oruba was calm."
TRAIN = [
    Document(
        "t", TRAIN_TEXT,
        role_spans=(span(TRAIN_TEXT, "target", "Oruba"),),
        events=(
            Event(
                EventType.ARMED_ATTACK,
                span(TRAIN_TEXT, "trigger", "attacked"),
                (span(TRAIN_TEXT, "attacker", "The Red\nBrigade"), span(TRAIN_TEXT, "target", "Arna")),
            ),
        ),
    )
]  # fmt: skip
TEXT = "The  red brigade ATTACKED Oruba and Straße; Arna shelled Visk."
BRIGADE, ATTACKED, ORUBA = (
    span(TEXT, "attacker", "The  red brigade"),
    span(TEXT, "trigger", "ATTACKED"),
    span(TEXT, "target", "Oruba"),
)
# Arna is known as a target only.
ARNA, SHELLED, VISK = span(TEXT, "attacker", "Arna"), span(TEXT, "trigger", "shelled"), span(TEXT, "target", "Visk")
GOLD = [BRIGADE, ATTACKED, ORUBA, ARNA, SHELLED, VISK]


def test_case_and_white_space_do_not_matter_but_the_role_does() -> None:
    assert surface_form(BRIGADE) == ("attacker", "the red brigade")
    assert surface_form(span(TEXT, "target", "Straße")) == ("target", "strasse")
    assert surface_forms(TRAIN) == {
        ("attacker", "the red brigade"), ("trigger", "attacked"), ("target", "arna"), ("target", "oruba"),
    }  # fmt: skip


def test_a_case_worked_by_hand() -> None:
    # Found: the seen brigade and attack, the unseen Visk. Missed: the seen Oruba, the unseen Arna and shelling.
    predicted = [BRIGADE, ATTACKED, VISK, span(TEXT, "target", "Oruba and"), span(TEXT, "target", "Arna")]
    assert seen_recall(TRAIN, [GOLD], [predicted], ROLES).to_record() == {
        "roles": {"seen": {"recall": 1 / 2, "support": 2}, "unseen": {"recall": 1 / 2, "support": 2}},
        "per_role": {
            "attacker": {"seen": {"recall": 1.0, "support": 1}, "unseen": {"recall": 0.0, "support": 1}},
            "target": {"seen": {"recall": 0.0, "support": 1}, "unseen": {"recall": 1.0, "support": 1}},
            "trigger": {"seen": {"recall": 1.0, "support": 1}, "unseen": {"recall": 0.0, "support": 1}},
        },
    }


def test_counts_are_those_of_each_document_and_give_intervals() -> None:
    scores = seen_recall(TRAIN, [GOLD, [], GOLD], [[BRIGADE], [BRIGADE], [ORUBA, BRIGADE]], ROLES)
    assert scores.seen["attacker"].tolist() == [[1, 1], [0, 0], [1, 1]]
    assert scores.over_roles("seen").tolist() == [[1, 2], [0, 0], [2, 2]]
    assert scores.over_roles("unseen").tolist() == [[0, 2], [0, 0], [0, 2]]
    found = interval([scores.over_roles("seen")], recall)
    # Draws of three documents: without the first and the third nothing is annotated, which counts as 0.
    assert (found.value, found.low, found.high) == (3 / 4, 0.0, 1.0)


def test_recall_of_arrays() -> None:
    assert recall(np.array([[1.0, 4.0], [0.0, 0.0], [2.0, 2.0]])).tolist() == [0.25, 0.0, 1.0]
    assert float(recall(np.array([3.0, 4.0]))) == 0.75


def test_repeats_count_once() -> None:
    scores = seen_recall(TRAIN, [[ORUBA, ORUBA]], [[ORUBA, ORUBA]], ROLES)
    assert scores.over_roles("seen").tolist() == [[1, 1]]


def test_without_a_train_document_everything_is_unseen() -> None:
    record = seen_recall([], [GOLD], [GOLD], ROLES).to_record()["roles"]
    assert record == {"seen": {"recall": 0.0, "support": 0}, "unseen": {"recall": 1.0, "support": 4}}


def test_nothing_annotated_nothing_predicted_and_roles_that_nobody_has() -> None:
    nothing = {"recall": 0.0, "support": 0}
    for documents in ([], [[]]):
        record = seen_recall(TRAIN, documents, documents, ("target", "weapon")).to_record()
        both = {"seen": nothing, "unseen": nothing}
        assert record == {"roles": both, "per_role": {"target": both, "weapon": both}}
    assert seen_recall(TRAIN, [GOLD], [[]], ROLES).to_record()["roles"]["seen"] == {"recall": 0.0, "support": 2}
    assert seen_recall(TRAIN, [GOLD], [GOLD], ["trigger"]).to_record()["roles"] == {"seen": nothing, "unseen": nothing}


def test_roles_outside_the_inventory_are_left_out() -> None:
    record = seen_recall(TRAIN, [GOLD], [GOLD], ["attacker"]).to_record()
    assert record["roles"] == record["per_role"]["attacker"]
    assert list(record["per_role"]) == ["attacker"]


def test_sides_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^1 annotated documents, but 0 predicted ones$"):
        seen_recall(TRAIN, [GOLD], [], ROLES)

"""Scores of parts: what falls where, what is right there, and that parts add up to the whole."""

from __future__ import annotations

from typing import Any

import pytest
from scored import FULL, document, event, gold_of, run_of, span

from conflict_events.evaluation.counts import run_counts
from conflict_events.evaluation.slices import slices
from conflict_events.schema import Layer

LONG = "the village near hill 3"  # five words
GOLD = gold_of(
    document("a", FULL, region="north", number=1.5),
    document("b", region="south", number=1),
    document("c", region="south"),
)
RUN = run_of(GOLD, [event("bombed", ("attacker", "rebels"), ("target", LONG), kind="shelling")], [], [event("fled")])


def told(part: dict[str, Any], kind: str) -> tuple[float, float, int]:
    return part[kind]["precision"], part[kind]["recall"], part[kind]["support"]


def test_spans_fall_by_their_own_length() -> None:
    lengths = slices([RUN])["span_length"]
    assert list(lengths) == ["1", "2", "5-8"]
    # Of one word are rebels, village and mortars annotated and rebels predicted; bombed, and fled in c.
    assert told(lengths["1"], "roles") == (1.0, pytest.approx(1 / 3), 3)
    assert told(lengths["1"], "trigger") == (0.5, 1.0, 1)
    assert told(lengths["2"], "roles") == (0.0, 0.0, 1)  # hill 3, missed
    assert told(lengths["5-8"], "roles") == (0.0, 0.0, 0)  # predicted only
    assert told(lengths["1"], "linked") == (1.0, pytest.approx(1 / 3), 3)
    assert [part["documents"] for part in lengths.values()] == [2, 1, 1]


def test_a_span_of_an_event_of_the_wrong_type_is_found_all_the_same() -> None:
    types = slices([RUN])["event_type"]
    assert list(types) == ["shelling", "bombing"]
    assert told(types["bombing"], "trigger") == (0.0, 1.0, 1)  # annotated: found; predicted: fled, spurious
    assert told(types["shelling"], "trigger") == (1.0, 0.0, 0)  # predicted in a shelling, and annotated somewhere
    assert told(types["bombing"], "roles") == (0.0, 0.25, 4)
    assert told(types["shelling"], "roles") == (0.5, 0.0, 0)
    assert told(types["shelling"], "linked") == (0.5, 0.0, 0)


def test_documents_fall_by_their_length_and_meta_even_without_spans() -> None:
    found = slices([RUN])
    assert {value: part["documents"] for value, part in found["region"].items()} == {"north": 1, "south": 2}
    assert {value: part["documents"] for value, part in found["document_length"].items()} == {"0-99": 3}
    assert told(found["region"]["south"], "trigger") == (0.0, 0.0, 0)
    assert "number" not in found  # a fraction sorts nothing

    long = gold_of(
        document("a", text="word " * 99), document("b", text="word " * 100), document("c", text="word " * 500)
    )
    assert list(slices([run_of(long, [], [], [])])["document_length"]) == ["0-99", "100-249", "500+"]


@pytest.mark.parametrize(("values", "there"), [(1, False), (2, True), (12, True), (13, False)])
def test_a_key_of_the_meta_sorts_documents_if_it_has_few_values(values: int, there: bool) -> None:
    gold = gold_of(*(document(str(n), desk=n % values) for n in range(26)))
    assert ("desk" in slices([run_of(gold, *([] for _ in gold.documents))])) == there


def test_a_key_called_like_a_slice_does_not_replace_it() -> None:
    gold = gold_of(document("a", span_length="x"), document("b", span_length="y"))
    assert slices([run_of(gold, [], [])])["span_length"] == {}


def test_seen_and_unseen_wordings() -> None:
    seen = slices([RUN], lambda item: item.text in ("rebels", "hill 3", "bombed"))["seen"]
    assert told(seen["seen"], "roles") == (1.0, 0.5, 2)
    assert told(seen["unseen"], "roles") == (0.0, 0.0, 2)
    assert told(seen["unseen"], "trigger") == (0.0, 0.0, 0)  # fled
    assert "seen" not in slices([RUN])


def test_without_events_there_are_no_links_and_no_types() -> None:
    run = run_of(GOLD, [], [], [], spans=[[span("attacker", "rebels")]], events=False)
    found = slices([run])
    assert "event_type" not in found
    assert all(part["linked"] is None for values in found.values() for part in values.values())
    assert told(found["region"]["north"], "roles") == (1.0, 0.25, 4)


def test_links_of_documents_without_annotated_events_are_not_scored() -> None:
    gold = gold_of(document("a", FULL), document("b", layers=[Layer.ROLES]))
    found = slices([run_of(gold, [FULL], [FULL])])["document_length"]["0-99"]
    assert told(found, "linked") == (1.0, 1.0, 4)
    assert told(found, "roles") == (0.5, 1.0, 4)


def test_of_several_runs_scores_are_means_and_values_those_of_any() -> None:
    nothing = run_of(GOLD, [], [], [])
    lengths = slices([nothing, RUN])["span_length"]
    assert list(lengths) == ["1", "2", "5-8"]
    assert told(lengths["1"], "roles") == (0.5, pytest.approx(1 / 6), 3)
    assert lengths["1"]["documents"] == 2


@pytest.mark.parametrize("name", ["span_length", "document_length", "region", "seen"])
def test_the_parts_of_a_slice_add_up(name: str) -> None:
    parts = slices([RUN], lambda item: item.start % 2 == 0)[name].values()
    counts = run_counts(RUN)
    for kind, path in (
        ("roles", "scores.roles"), ("trigger", "scores.per_role.trigger"), ("linked", "events.exact.linked"),
    ):  # fmt: skip
        right, _, _, annotated = counts[path].sum(axis=0)
        assert sum(part[kind]["support"] for part in parts) == annotated
        assert sum(part[kind]["recall"] * part[kind]["support"] for part in parts) == pytest.approx(right)

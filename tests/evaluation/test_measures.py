"""``metrics.json``: scores by hand, what is defined where nothing is there, means over seeds, sums."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import FULL, ROLES, TEXT, document, event, gold_of, run_of, span

from conflict_events.errors import ConfigError
from conflict_events.evaluation.counts import run_counts, strict_counts
from conflict_events.evaluation.measures import averaged, errors_of, measures
from conflict_events.evaluation.results import Result, Run
from conflict_events.metrics.bootstrap import interval
from conflict_events.metrics.score import Score
from conflict_events.metrics.strict import strict_scores
from conflict_events.schema import Document, Layer, Span

ATTACKED = event("bombed", ("attacker", "rebels"), ("target", "the village"), score=0.9)  # the boundary is wrong
FLIGHT = event("fled", ("target", "troops"), kind="other_violence", score=0.6)
GOLD = gold_of(document("a", FULL, source="wire"), document("b", source="blog"), train=[document("t", FULL)])
RUN = run_of(GOLD, [ATTACKED], [FLIGHT])


def score(record: dict[str, Any]) -> tuple[float, float, float, int]:
    return record["precision"], record["recall"], record["f1"], record["support"]


@pytest.fixture(scope="module")
def metrics() -> dict[str, Any]:
    return measures([RUN], GOLD, "source")


# One run, by hand


def test_it_says_what_was_scored(metrics: dict[str, Any]) -> None:
    said = ("format", "corpus", "split", "documents", "gold_sha256", "model", "seeds")
    assert {key: metrics[key] for key in said} == {
        "format": 2, "corpus": "made", "split": "dev", "documents": 2, "gold_sha256": GOLD.sha256, "model": "made",
        "seeds": 1,
    }  # fmt: skip
    assert json.loads(json.dumps(metrics)) == metrics


def test_strict_scores_have_intervals_around_them(metrics: dict[str, Any]) -> None:
    scores = metrics["scores"]
    # Of the role spans rebels, the village, troops one is right; annotated are rebels, village, hill 3, mortars.
    assert score(scores["roles"]) == (pytest.approx(1 / 3), 0.25, pytest.approx(2 / 7), 4)
    assert score(scores["overall"]) == (pytest.approx(2 / 5), pytest.approx(2 / 5), pytest.approx(2 / 5), 5)
    assert score(scores["per_role"]["trigger"]) == (0.5, 1.0, pytest.approx(2 / 3), 1)
    # Two documents: of the resamples a quarter is a twice (P 1/2, R 1/4), a quarter b twice (0).
    assert (scores["roles"]["low"], scores["roles"]["high"]) == (0.0, pytest.approx(1 / 3))


def test_event_scores_have_intervals_too(metrics: dict[str, Any]) -> None:
    exact = metrics["events"]["exact"]
    assert score(exact["linked"]) == (pytest.approx(1 / 3), 0.25, pytest.approx(2 / 7), 4)
    assert exact["type_accuracy"] == 1.0
    assert {"low", "high"} < exact["linked"].keys()
    assert score(metrics["events"]["overlap"]["linked"])[:2] == (pytest.approx(2 / 3), 0.5)


def test_the_other_ways_to_match_are_there(metrics: dict[str, Any]) -> None:
    assert metrics["matching"].keys() == {"exact", "partial", "type", "head", "overlap"}
    assert metrics["matching"]["head"]["roles"]["recall"] == 0.5  # "the village" has the head "village"


def test_wordings_of_the_train_split_are_seen(metrics: dict[str, Any]) -> None:
    assert metrics["unseen"]["roles"] == {
        "seen": {"recall": 0.25, "support": 4},
        "unseen": {"recall": 0.0, "support": 0},
    }
    assert measures([run_of(gold_of(document("a")), [])], gold_of(document("a")))["unseen"] is None


def test_confusion_and_errors_count_every_span(metrics: dict[str, Any]) -> None:
    confusion = metrics["confusion"]
    assert confusion["labels"] == [*ROLES, "none"]
    assert np.array(confusion["counts"]).sum() == 7  # 5 annotated spans, of which 3 have a partner, and 2 spurious ones
    assert {kind: held["total"] for kind, held in metrics["errors"].items() if held["total"]} == {
        "boundary": 1, "missed": 2, "spurious": 2,
    }  # fmt: skip
    assert metrics["errors"]["missed"]["per_role"] == {
        "attacker": 0, "target": 0, "location": 1, "weapon": 1, "trigger": 0,
    }  # fmt: skip
    assert metrics["errors"]["spurious"]["per_role"]["trigger"] == 1


def test_scores_by_a_key_are_those_of_its_documents(metrics: dict[str, Any]) -> None:
    assert list(metrics["by"]) == ["blog", "wire"]
    assert score(metrics["by"]["wire"]["scores"]["roles"])[:2] == (0.5, 0.25)
    assert metrics["by"]["blog"]["events"]["exact"]["linked"]["support"] == 0
    with pytest.raises(ConfigError, match=r"'a' has no 'country' in its meta. Group by one of: source"):
        measures([RUN], GOLD, "country")


def test_a_span_that_no_window_held_is_told_and_counted_apart() -> None:
    (result, *rest) = RUN.results
    hidden = span("location", "hill 3")
    cut = Result(result.document, result.spans, result.events, frozenset({hidden}))
    metrics = measures([Run("made", [cut, *rest], True, ROLES)], GOLD)
    assert metrics["errors"]["cut_by_window"]["total"] == 1
    assert metrics["errors"]["missed"]["total"] == 1
    assert metrics["cut"] == [{"id": "a", "role": "location", "start": hidden.start, "end": hidden.end}]


# Where nothing is there


def test_nothing_annotated_gives_zeros_without_support() -> None:
    gold = gold_of(document("a"), document("b"))
    metrics = measures([run_of(gold, [ATTACKED], [])], gold)
    zero = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "low": 0.0, "high": 0.0}
    assert metrics["scores"]["roles"] == metrics["scores"]["overall"] == zero
    assert metrics["events"]["exact"]["linked"] == zero
    assert metrics["errors"]["spurious"]["total"] == 3


def test_nothing_predicted_gives_zeros_with_support() -> None:
    metrics = measures([run_of(GOLD, [], [])], GOLD)
    assert score(metrics["scores"]["roles"]) == (0.0, 0.0, 0.0, 4)
    assert metrics["events"]["exact"]["linked"]["support"] == 4
    assert metrics["events"]["exact"]["type_accuracy"] == 0.0
    assert metrics["calibration"] == {}
    assert metrics["errors"]["missed"]["total"] == 5


def test_nothing_at_all_is_defined_too() -> None:
    gold = gold_of(document("a"))
    metrics = measures([run_of(gold, [])], gold)
    assert score(metrics["scores"]["overall"]) == (0.0, 0.0, 0.0, 0)
    assert not any(held["total"] for held in metrics["errors"].values())


def test_a_role_that_the_gold_does_not_have_is_scored_as_predicted() -> None:
    gold = gold_of(document("a", event("bombed", ("attacker", "rebels"))))
    run = run_of(gold, [event("bombed", ("attacker", "rebels"), ("weapon", "mortars"))])
    scores = measures([run], gold)["scores"]
    assert score(scores["per_role"]["weapon"]) == (0.0, 0.0, 0.0, 0)
    assert score(scores["per_role"]["location"]) == (0.0, 0.0, 0.0, 0)
    assert score(scores["roles"])[:2] == (0.5, 1.0)  # the spurious weapon counts


def test_without_events_on_either_side_there_are_no_event_scores() -> None:
    spans_only = gold_of(document("a", spans=[span("attacker", "rebels")], layers=[Layer.ROLES]))
    assert measures([run_of(spans_only, [ATTACKED])], spans_only)["events"] is None
    metrics = measures([run_of(GOLD, [], [], spans=[[span("attacker", "rebels")]], events=False)], GOLD)
    assert metrics["events"] is None
    assert metrics["scores"]["per_role"]["attacker"]["f1"] == 1.0
    assert metrics["errors"]["wrong_event"]["total"] == metrics["errors"]["wrong_type"]["total"] == 0


def test_event_scores_are_of_the_documents_whose_events_are_annotated() -> None:
    gold = gold_of(document("a", FULL), document("b", spans=[span("target", "troops")], layers=[Layer.ROLES]))
    metrics = measures([run_of(gold, [FULL], [FLIGHT])], gold)
    assert metrics["events"]["exact"]["linked"]["precision"] == 1.0  # the event of b is not held against it
    assert metrics["scores"]["roles"]["support"] == 5


# Several seeds


def test_seeds_give_means_and_the_interval_of_the_mean() -> None:
    other = run_of(GOLD, [FULL], [], name="other")
    metrics = measures([RUN, other], GOLD)
    roles = metrics["scores"]["roles"]
    assert (metrics["seeds"], metrics["model"]) == (2, "made, other")
    assert score(roles) == (pytest.approx((1 / 3 + 1) / 2), 0.625, pytest.approx((2 / 7 + 1) / 2), 4)
    assert roles["f1_by_seed"] == [pytest.approx(2 / 7), 1.0]
    held = interval([run_counts(run)["scores.roles"] for run in (RUN, other)])
    assert (roles["low"], roles["high"]) == (held.low, held.high)
    assert metrics["errors"]["missed"]["total"] == 1.0  # 2 and 0
    assert metrics["unseen"]["roles"]["seen"]["recall"] == 0.625
    assert metrics["slices"]["source"]["wire"]["roles"]["recall"] == 0.625


def test_the_same_run_twice_is_that_run(metrics: dict[str, Any]) -> None:
    twice = measures([RUN, RUN], GOLD, "source")
    assert twice["seeds"] == 2
    for key in ("matching", "unseen", "confusion", "errors", "slices"):
        assert twice[key] == metrics[key]
    assert twice["scores"]["roles"].pop("f1_by_seed") == [metrics["scores"]["roles"]["f1"]] * 2
    assert twice["scores"]["roles"] == pytest.approx(metrics["scores"]["roles"])


def test_runs_of_different_kinds_have_no_mean() -> None:
    other = run_of(GOLD, [], [], events=False, name="spans")
    with pytest.raises(ConfigError, match=r"'made' and 'spans' are of different kinds.*seeds of one system"):
        measures([RUN, other], GOLD)


def test_an_average_goes_through_records_and_lists() -> None:
    one, other = {"n": 1, "same": "x", "rows": [[1, 2]], "f": 0.5}, {"n": 4, "same": "x", "rows": [[1, 4]], "f": 0.5}
    assert averaged([one, other]) == {"n": 2.5, "same": "x", "rows": [[1, 3.0]], "f": 0.5}


# Counts by document are those of seqeval


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    places = draw(st.lists(st.tuples(st.sampled_from(ROLES), st.integers(0, 9), st.integers(1, 4)), max_size=6))
    return tuple(Span.of(TEXT, role, start, start + length) for role, start, length in places)


@settings(deadline=None)
@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=4))
def test_counts_give_the_strict_scores_of_seqeval(sides: list[tuple[tuple[Span, ...], tuple[Span, ...]]]) -> None:
    results = [
        Result.of(Document(str(n), TEXT, frozenset({Layer.ROLES}), gold), found, ())
        for n, (gold, found) in enumerate(sides)
    ]
    counts = strict_counts(results, ROLES)
    strict = strict_scores([gold for gold, _ in sides], [found for _, found in sides], ROLES)
    expected = {"scores.roles": strict.roles, "scores.overall": strict.overall}
    expected |= {f"scores.per_role.{role}": found for role, found in strict.per_role.items()}
    assert counts.keys() == expected.keys()
    for path, found in expected.items():
        ours = Score.of(counts[path])
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx((found.precision, found.recall, found.f1))
        assert ours.support == found.support


@settings(deadline=None)
@given(st.lists(st.tuples(spans(), spans()), min_size=1, max_size=3))
def test_errors_and_right_spans_add_up(sides: list[tuple[tuple[Span, ...], tuple[Span, ...]]]) -> None:
    results = [
        Result.of(Document(str(n), TEXT, frozenset({Layer.ROLES}), gold), found, ())
        for n, (gold, found) in enumerate(sides)
    ]
    run = Run("made", results, False, ROLES)
    right, predicted, _, annotated = strict_counts(results, ROLES)["scores.overall"].sum(axis=0)
    errors = errors_of(run)
    assert right + sum(error.gold is not None for error in errors) == annotated
    assert right + sum(error.predicted is not None for error in errors) == predicted


# Entities


def mayor(*wordings: str) -> dict[str, Any]:
    return {"role": "target", "mentions": [[TEXT.index(w), TEXT.index(w) + len(w)] for w in wordings]}


def test_entities_are_scored_where_they_are_annotated() -> None:
    # "the village" and "village" are one entity; of the found targets one is of it, "troops" of none; "mortars" is met.
    weapon = mayor("mortars") | {"role": "weapon"}
    gold = gold_of(
        document("a", layers=[Layer.ROLES], entities=[mayor("the village", "village"), weapon]),
        document("b", layers=[Layer.ROLES], entities=[]),
    )
    found = [span("target", "village"), span("target", "troops"), span("weapon", "mortars")]
    run = run_of(gold, [], [], spans=[found, ()], events=False)
    entities = measures([run], gold)["entities"]
    assert score(entities["per_role"]["target"]) == (0.5, 1.0, pytest.approx(2 / 3), 1)
    assert score(entities["micro"]) == (pytest.approx(2 / 3), 1.0, pytest.approx(0.8), 2)
    assert (entities["micro"]["low"], entities["micro"]["high"]) == (0.0, pytest.approx(0.8))
    assert "trigger" not in entities["per_role"]
    assert run_counts(run)["entities.micro"].tolist() == [[2, 3, 2, 2], [0, 0, 0, 0]]


def test_a_wording_that_is_found_twice_is_one_entity() -> None:
    text = "village , The village , troops"
    places = [Span.of(text, "target", 0, 7), Span.of(text, "target", 10, 21)]
    annotated = {"role": "target", "mentions": [[0, 7]]}
    gold = gold_of(document("a", layers=[Layer.ROLES], text=text, entities=[annotated]))
    run = run_of(gold, [], spans=[places], events=False)
    assert score(measures([run], gold)["entities"]["micro"]) == (1.0, 1.0, 1.0, 1)


def test_entities_are_null_where_a_document_has_none_annotated() -> None:
    gold = gold_of(document("a", entities=[]), document("b"))
    assert measures([run_of(gold, [], [])], gold)["entities"] is None

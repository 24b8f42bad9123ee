"""The evaluation report: scores, figures and the error browser, that no text can break out of it, and no requests."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, violent_documents
from test_corpus_report import HOSTILE, Node, parsed, walk

from conflict_events.metrics.errors import Error, ErrorKind, find_errors
from conflict_events.reports import error_browser
from conflict_events.reports.error_browser import MEANING, group_errors, visible
from conflict_events.reports.evaluation import write_evaluation_report
from conflict_events.schema import Document, Event, EventType, Layer, Span

ROLES = ["attacker", "target", "location", "weapon", "trigger"]
TEXT = "Yesterday was calm. Northern rebels shelled the old market and bombed a bridge. Nobody spoke."


def score(f1: float, support: int = 10, **interval: float) -> dict[str, Any]:
    return {"precision": f1 - 0.1, "recall": f1 + 0.05, "f1": f1, "support": support} | interval


def metrics() -> dict[str, Any]:
    """A record with every part."""
    per_role = {"attacker": score(0.8, low=0.75, high=0.85), "target": score(0.6), "trigger": score(0.9, 1234)}
    scores = {"roles": score(0.701, low=0.65, high=0.75), "overall": score(0.75), "per_role": per_role}
    event_scores = {
        "trigger_classification": score(0.66), "linked": score(0.5, low=0.4, high=0.6), "type_accuracy": 0.91,
    }  # fmt: skip
    known = {"seen": {"recall": 0.9, "support": 30}, "unseen": {"recall": 0.5, "support": 12}}
    part = {"documents": 3, "roles": score(0.7), "trigger": score(0.8), "linked": None}
    nothing = score(0.1, 0)
    return {
        "format": 2, "corpus": "mine", "split": "dev", "documents": 1234, "gold_sha256": "0", "model": "some/model@1",
        "scores": scores, "matching": dict.fromkeys(("exact", "partial", "type", "head", "overlap"), scores),
        "unseen": {"roles": known, "per_role": {"attacker": known}},
        "events": dict.fromkeys(("exact", "head", "overlap"), event_scores),
        "calibration": {"spans": {
            "count": 4, "ece": 0.1,
            "bins": [{"low": 0.6, "high": 0.7, "count": 4, "confidence": 0.65, "accuracy": 0.75}],
            "curve": [
                {"threshold": 0.55, "precision": 0.75, "recall": 0.6},
                {"threshold": 0.82, "precision": 1.0, "recall": 0.2},
            ],
        }},
        "confusion": {"labels": ["attacker", "none"], "counts": [[3, 1], [2, 0]]},
        "slices": {"span_length": {"1": part, "": part | {"roles": None, "trigger": nothing}}},
        "errors": {
            "missed": {"total": 3, "per_role": {"attacker": 2, "target": 1}},
            "boundary": {"total": 12, "per_role": {"attacker": 12}},
            "spurious": {"total": 0, "per_role": {}},
        },
    }  # fmt: skip


def bare() -> dict[str, Any]:
    """A record of nothing but scores, of no role: there is no figure to draw."""
    none = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    return {
        "corpus": "mine", "split": "dev", "documents": 0, "model": "m",
        "scores": {"roles": none, "overall": none, "per_role": {}},
    }  # fmt: skip


def span(role: str, words: str, confidence: float | None = None, text: str = TEXT) -> Span:
    return Span.of(text, role, text.index(words), text.index(words) + len(words), confidence)


def document(*events: Event, spans: tuple[Span, ...] = (), **meta: object) -> Document:
    return Document("doc", TEXT, frozenset(Layer), spans, events, meta)


def page_of(folder: Path, errors: list[Error], held: Document, record: dict[str, Any] | None = None) -> Node:
    """The page of errors in one document, in which nothing else was found."""
    write_evaluation_report(folder / "report.html", record or bare(), [held], [[]], [[]], errors)
    return parsed(folder / "report.html")


def cards(page: Node) -> list[Node]:
    return page.all("div", "error")


def marks(card: Node) -> list[tuple[str, str, str, str]]:
    """The marked stretches of an error: element, class, label, text; inner elements after the outer."""
    (text, _) = card.all("p")
    return [
        (node.tag, node.attributes["class"],
         node.attributes.get("data-annotated") or node.attributes.get("data-found") or "", node.text)
        for node in walk(text) if node.tag in ("u", "mark")
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A page with every part and one error."""
    gold = span("attacker", "Northern rebels")
    error = Error(0, ErrorKind.BOUNDARY, gold, span("attacker", "rebels", 0.876))
    return page_of(tmp_path_factory.mktemp("whole"), [error, error], document(spans=(gold,)), metrics())


# Scores


def test_the_headline_figures_stand_first_with_their_intervals(whole: Node) -> None:
    assert [node.text for tag in ("title", "h1") for node in whole.all(tag)] == ["Evaluation: mine dev"] * 2
    assert [node.text for node in whole.all("div", "cards")[0].all("div")] == [
        "70.1role F165.0–75.0", "90.0trigger F1", "50.0linked argument F140.0–60.0", "1,234documents", "2errors",
    ]  # fmt: skip
    assert "some/model@1" in whole.all("code")[0].text


def test_strict_scores_have_a_row_for_each_role(whole: Node) -> None:
    assert whole.below("Spans, strict").rows() == [
        ["", "precision", "recall", "F1", "95 % interval", "annotated"],
        ["attacker", "70.0", "85.0", "80.0", "75.0–85.0", "10"],
        ["target", "50.0", "65.0", "60.0", "", "10"],
        ["trigger", "80.0", "95.0", "90.0", "", "1,234"],
        ["all roles", "60.1", "75.1", "70.1", "65.0–75.0", "10"],
        ["with triggers", "65.0", "80.0", "75.0", "", "10"],
    ]


def test_lenient_scores_stand_below_the_strict_one_and_are_explained(whole: Node) -> None:
    section = whole.below("How a match is counted")
    row = ["70.1", "75.0", "80.0", "60.0", "90.0"]
    names = ["strict", "exact", "partial", "type", "head", "overlap"]
    assert section.rows()[1:] == [[name, *row] for name in names]
    assert [node.text for node in section.all("p")[0].all("b")] == names


def test_unseen_events_and_slices_have_their_tables(whole: Node) -> None:
    assert whole.below("Unseen wordings").rows()[1:] == [
        ["attacker", "90.0", "30", "50.0", "12"], ["all roles", "90.0", "30", "50.0", "12"],
    ]  # fmt: skip
    assert whole.below("Events").rows() == [
        ["exact spans", "precision", "recall", "F1", "95 % interval", "annotated"],
        ["trigger classification", "56.0", "71.0", "66.0", "", "10"],
        ["linked", "40.0", "55.0", "50.0", "40.0–60.0", "10"],
        ["F1", "exact", "head", "overlap"],
        ["trigger classification", *["66.0"] * 3], ["linked", *["50.0"] * 3], ["type accuracy", *["91.0"] * 3],
    ]  # fmt: skip
    assert whole.below("Where it works").rows()[1:] == [
        ["1", "3", "10", "70.0", "", "80.0", "–"], ["(not given)", "3", "–", "–", "", "–", "–"],
    ]  # fmt: skip


def test_thresholds_are_there_to_choose_from(whole: Node) -> None:
    # Two points: all is left up to 0.55, the second up to 0.82, nothing beyond.
    low, high = ["75.0", "60.0"], ["100.0", "20.0"]
    assert whole.below("Confidence").rows()[1:] == [
        ["all", *low], ["≥ 0.30", *low], ["≥ 0.50", *low], ["≥ 0.60", *high], ["≥ 0.70", *high], ["≥ 0.80", *high],
    ]  # fmt: skip


def test_kinds_of_errors_are_ranked_and_those_that_do_not_occur_left_out(whole: Node) -> None:
    rows = whole.below("Errors").rows()
    assert rows[1:] == [["boundary", "12", "", "12", "0", "0"], ["missed", "3", "", "2", "1", "0"]]
    widths = [node.attributes["style"] for node in whole.below("Errors").all("span") if "style" in node.attributes]
    assert widths == ["width: 100.0%", "width: 25.0%"]


def test_every_figure_stands_in_the_page_and_says_what_it_means(whole: Node) -> None:
    figures = whole.all("figure")
    assert [node.all("svg")[0].attributes["class"] for node in figures] == [
        "plot roles", "plot events", "plot reliability", "plot precision_recall", "plot confusion",
    ]  # fmt: skip
    assert all(len(node.all("figcaption")[0].text) > 40 for node in figures)


def test_a_learning_curve_is_shown_if_given(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text("series,documents,f1\nmine,10,0.5\nmine,20,0.6\n", "utf-8")
    write_evaluation_report(tmp_path / "r.html", metrics(), [], [], [], [], tmp_path / "curve.csv")
    section = parsed(tmp_path / "r.html").below("Learning curve")
    assert "mine" in section.all("svg")[0].text


def test_groups_of_documents_have_a_table(tmp_path: Path) -> None:
    record = metrics()
    record["by"] = {"north": {"scores": record["scores"], "events": None}, "south": {"scores": record["scores"]}}
    row = ["10", "70.1", "80.0", "60.0", "90.0", "–"]
    assert page_of(tmp_path, [], document(), record).below("By group").rows()[1:] == [["north", *row], ["south", *row]]


def test_means_over_seeds_are_said_to_be_such(tmp_path: Path) -> None:
    record = metrics() | {"seeds": 3}
    record["errors"]["missed"] = {"total": 3.3333, "per_role": {"attacker": 2.0, "target": 1.3333}}
    page = page_of(tmp_path, [], document(), record)
    assert "means of 3 runs" in page.all("p")[0].text
    assert page.below("Errors").rows()[2] == ["missed", "3.3", "", "2", "1.3", "0"]


def test_links_within_the_page_lead_somewhere(whole: Node) -> None:
    targets = [node.attributes["href"] for node in walk(whole) if node.tag == "a"]
    assert len(targets) == 7
    assert {target[1:] for target in targets} <= {node.attributes.get("id") for node in whole.all("h2")}


# Little and nothing


def test_scores_alone_make_a_page(tmp_path: Path) -> None:
    write_evaluation_report(tmp_path / "r.html", bare(), [], [], [], [])
    page = parsed(tmp_path / "r.html")
    assert [node.text for node in page.all("h2")] == ["Spans, strict", "Errors"]
    assert page.below("Errors").all("p")[-1].text == "No errors to show."
    assert page.all("script") == []
    assert page.all("figure") == []


@pytest.mark.parametrize(
    ("part", "heading"),
    [
        ("matching", "How a match is counted"), ("unseen", "Unseen wordings"), ("events", "Events"),
        ("slices", "Where it works, and where it does not"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("empty", [False, True])
def test_without_a_part_its_section_is_left_out(tmp_path: Path, part: str, heading: str, empty: bool) -> None:
    record = metrics() | {"calibration": {"spans": {"count": 0, "ece": 0.0, "bins": [], "curve": []}}}
    del record["confusion"]
    if empty:
        record[part] = None
    else:
        del record[part]
    page = page_of(tmp_path, [], document(), record)
    headings = [
        "Spans, strict", "How a match is counted", "Unseen wordings", "Events",
        "Where it works, and where it does not", "Errors",
    ]  # fmt: skip
    assert [node.text for node in page.all("h2")] == [name for name in headings if name != heading]


def test_without_counts_of_errors_the_browser_is_there_all_the_same(tmp_path: Path) -> None:
    error = Error(0, ErrorKind.MISSED, span("weapon", "bridge"), None)
    page = page_of(tmp_path, [error], document())
    assert page.below("Errors").rows() == []
    assert len(cards(page)) == 1


def test_a_corpus_without_triggers_has_no_row_for_them(tmp_path: Path) -> None:
    record = metrics()
    del record["scores"]["per_role"]["trigger"]
    page = page_of(tmp_path, [], document(), record)
    assert [row[0] for row in page.below("Spans, strict").rows()] == ["", "attacker", "target", "all roles"]
    assert "trigger F1" not in page.all("div", "cards")[0].text


def test_predictions_for_other_documents_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 documents, but 2 and 1 predictions"):
        write_evaluation_report(tmp_path / "r.html", metrics(), [document()], [[], []], [[]], [])


# The error browser


def test_an_error_stands_in_its_sentence_with_both_spans_marked(whole: Node) -> None:
    card = cards(whole)[0]
    text, line = card.all("p")
    assert text.text == "Northern rebels shelled the old market and bombed a bridge. "
    assert marks(card) == [
        ("u", "annotated", "attacker", "Northern "), ("mark", "found attacker", "attacker", "rebels"),
        ("u", "annotated", "", "rebels"),
    ]  # fmt: skip
    assert line.text == "annotated attacker “Northern rebels”, found attacker “rebels” · confidence 0.88 · doc"
    assert card.attributes["data-roles"] == "attacker"


def test_a_missed_and_a_spurious_span_have_one_side(tmp_path: Path) -> None:
    gold, guess = span("weapon", "bridge"), span("target", "old market", 0.5)
    errors = [Error(0, ErrorKind.MISSED, gold, None), Error(0, ErrorKind.SPURIOUS, None, guess)]
    missed, spurious = cards(page_of(tmp_path, errors, document(spans=(gold,))))
    assert marks(missed) == [("u", "annotated", "weapon", "bridge")]
    assert missed.all("p")[1].text == "annotated weapon “bridge” · doc"
    assert marks(spurious) == [("mark", "found target", "target", "old market"), ("u", "around", "", "bridge")]
    assert spurious.all("p")[1].text == "found target “old market” · confidence 0.50 · doc"


def test_other_spans_nearby_are_named(tmp_path: Path) -> None:
    bombed = span("trigger", "bombed")
    event = Event(EventType.BOMBING, bombed, (span("target", "bridge"),))
    guesses = [span("weapon", "old market", 0.5), bombed]
    error = Error(0, ErrorKind.SPURIOUS, None, guesses[0])
    found = [Event(EventType.SHELLING, bombed)]
    write_evaluation_report(tmp_path / "r.html", bare(), [document(event)], [guesses], [found], [error])
    around = [node for node in walk(cards(parsed(tmp_path / "r.html"))[0]) if node.attributes.get("class") == "around"]
    assert [(node.text, node.attributes["title"]) for node in around] == [
        ("bombed", "annotated trigger of bombing, found trigger of shelling"), ("bridge", "annotated target"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ((EventType.BOMBING, EventType.SHELLING), "annotated as bombing, found as shelling"),
        ((EventType.BOMBING, None), "annotated as bombing, found as no further event"),
        ((None, EventType.SHELLING), "annotated as no further event, found as shelling"),
    ],
)
def test_a_wrong_type_is_told(tmp_path: Path, types: tuple[EventType | None, EventType | None], words: str) -> None:
    trigger = span("trigger", "bombed")
    error = Error(0, ErrorKind.WRONG_TYPE, trigger, span("trigger", "bombed", 0.9), *types)
    (card,) = cards(page_of(tmp_path, [error], document(Event(EventType.BOMBING, trigger))))
    assert card.all("p")[1].text == f"trigger “bombed”: {words} · confidence 0.90 · doc"


def test_a_wrong_event_shows_both_triggers(tmp_path: Path) -> None:
    gold, guess = span("attacker", "Northern rebels"), span("attacker", "Northern rebels", 0.9)
    triggers = span("trigger", "bombed"), span("trigger", "shelled", 0.8)
    error = Error(0, ErrorKind.WRONG_EVENT, gold, guess, None, None, *triggers)
    lost = Error(0, ErrorKind.WRONG_EVENT, gold, guess, None, None, triggers[0], None)
    event = Event(EventType.BOMBING, triggers[0], (gold,))
    other, card = cards(page_of(tmp_path, [error, lost], document(event)))
    assert [(name, label, words) for name, _, label, words in marks(card)] == [
        ("mark", "attacker", "Northern rebels"), ("u", "attacker", "Northern rebels"), ("mark", "trigger", "shelled"),
        ("u", "trigger", "bombed"),
    ]  # fmt: skip
    assert card.all("p")[1].text.startswith(
        "attacker “Northern rebels”: annotated with trigger “bombed”, found with trigger “shelled” · "
    )
    assert "found with no further event" in other.all("p")[1].text


@pytest.mark.parametrize(("between", "shown"), [(10, True), (60, False)])
def test_a_trigger_in_another_sentence_is_shown_if_it_is_near(tmp_path: Path, between: int, shown: bool) -> None:
    """A sentence in between has 13 characters with its space: 130 and 780 of them; up to 500 a trigger is near."""
    text = "They bombed it. " + "It was dark. " * between + "Then the rebels left."
    gold, trigger = span("attacker", "the rebels", text=text), span("trigger", "bombed", text=text)
    error = Error(0, ErrorKind.WRONG_EVENT, gold, gold, None, None, trigger, None)
    write_evaluation_report(tmp_path / "r.html", bare(), [Document("d", text)], [[]], [[]], [error])
    (card,) = cards(parsed(tmp_path / "r.html"))
    assert ("annotated", "trigger", "bombed") in [mark[1:] for mark in marks(card)] or not shown
    assert card.all("p")[0].text == (text if shown else "Then the rebels left.")
    assert "annotated with trigger “bombed”" in card.all("p")[1].text


def test_of_a_long_sentence_what_stands_around_the_span_is_shown(tmp_path: Path) -> None:
    text = "far " * 100 + "rebels " + "away " * 100
    gold = span("attacker", "rebels", text=text)
    held = Document("long", text, role_spans=(gold,))
    write_evaluation_report(tmp_path / "r.html", bare(), [held], [[]], [[]], [Error(0, ErrorKind.MISSED, gold, None)])
    shown = cards(parsed(tmp_path / "r.html"))[0].all("p")[0].text
    assert shown.startswith("… far far")
    assert shown.endswith("away away …")
    assert "far rebels away" in shown
    assert len(shown) <= 240 + len("rebels") + 240 + 4


def test_spans_of_two_sentences_show_both(tmp_path: Path) -> None:
    error = Error(0, ErrorKind.BOUNDARY, span("target", "a bridge"), span("target", "bridge. Nobody", 0.3))
    (card,) = cards(page_of(tmp_path, [error], document()))
    assert card.all("p")[0].text == TEXT[TEXT.index("Northern") :]


def test_groups_are_ranked_and_the_same_mistake_stands_first() -> None:
    text = "police saw rebels and police saw troops and police left"
    at = [match.start() for match in re.finditer("police", text)]
    held = [Document(name, text) for name in "ab"]
    police = [Span.of(text, "target", start, start + 6, 0.5) for start in at]
    errors = [
        Error(0, ErrorKind.MISSED, span("attacker", "rebels", text=text), None),
        Error(0, ErrorKind.SPURIOUS, None, span("attacker", "troops", 0.5, text=text)),
        *(Error(n, ErrorKind.SPURIOUS, None, one) for n, one in ((0, police[0]), (1, police[1]), (1, police[2]))),
    ]
    groups = group_errors(held, [[], []], [[], []], errors, [])
    assert [(group.kind, len(group.errors)) for group in groups] == [("spurious", 4), ("missed", 1)]
    assert [error.what for error in groups[0].errors] == ["found target “police”"] * 3 + ["found attacker “troops”"]
    assert [error.id for error in groups[0].errors] == ["a", "b", "b", "a"]
    assert groups[0].repeated == (("found target “police”", 3),)
    assert groups[1].repeated == ()
    assert "".join(piece.text for piece in groups[0].errors[1].pieces) == text


def test_a_kind_with_very_many_errors_shows_the_first_and_counts_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [Error(0, ErrorKind.MISSED, span("target", words), None) for words in ("rebels", "market", "bridge")]
    page = page_of(tmp_path, errors, document())
    assert (len(cards(page)), "are shown." in page.text) == (3, False)
    monkeypatch.setattr(error_browser, "_MOST", 2)
    page = page_of(tmp_path, errors, document())
    assert len(cards(page)) == 2
    assert "The first 2 of 3 are shown." in page.text
    assert "2 of 2 errors shown here, 3 in all" in page.text


def test_every_kind_is_explained() -> None:
    assert MEANING.keys() == set(ErrorKind)


def test_every_error_of_a_run_is_in_the_page(tmp_path: Path) -> None:
    """Shifted, swapped and dropped spans: whatever find_errors finds, once each."""
    documents = violent_documents(8, "dev")
    spans: list[list[Span]] = []
    for number, held in enumerate(documents):
        kept = [s for n, s in enumerate(held.spans) if (n + number) % 4]
        spans.append([Span.of(held.text, s.role, s.start, s.end - (number % 2), 0.5) for s in kept])
    events = [[Event(EventType.BOMBING, s) for s in found if s.role == "trigger"] for found in spans]
    errors = find_errors(documents, spans, events, ROLES)
    write_evaluation_report(tmp_path / "r.html", bare(), documents, spans, events, errors)
    page = parsed(tmp_path / "r.html")
    groups = {node.attributes["data-kind"]: node for node in page.all("details", "errors")}
    assert len(groups) >= 3
    for kind, node in groups.items():
        number = sum(error.kind == kind for error in errors)
        assert len(node.all("div", "error")) == number == int(node.all("summary")[0].all("b")[0].text)
    assert len(cards(page)) == len(errors)


def test_filters_offer_what_the_errors_have(tmp_path: Path) -> None:
    documents = violent_documents(4, "dev")
    errors = [Error(n, ErrorKind.MISSED, held.spans[0], None) for n, held in enumerate(documents)]
    write_evaluation_report(tmp_path / "r.html", bare(), documents, [[]] * 4, [[]] * 4, errors)
    page = parsed(tmp_path / "r.html")
    (filters,) = page.all("div", "filters")
    assert "hidden" in filters.attributes, "until the script runs"
    offered = {
        node.attributes["name"]: [option.attributes.get("value", "") for option in node.all("option")]
        for node in filters.all("select")
    }
    # All four come from one source, which is no filter then.
    assert offered == {"kind": ["", "missed"], "roles": ["", "attacker"], "k0": ["", "north", "south"]}
    assert sorted(card.attributes["data-k0"] for card in cards(page)) == ["north", "north", "south", "south"]


def test_thousands_of_errors_make_no_giant_page(tmp_path: Path) -> None:
    gold = span("attacker", "Northern rebels")
    errors = [Error(0, ErrorKind.MISSED, gold, None)] * 2000
    page_of(tmp_path, [], document())
    without = (tmp_path / "report.html").stat().st_size
    write_evaluation_report(tmp_path / "report.html", bare(), [document(spans=(gold,))], [[]], [[]], errors)
    assert ((tmp_path / "report.html").stat().st_size - without) / 2000 < 600, "bytes for each error"


# Safe and self-contained


def hostile_page(folder: Path) -> Path:
    text = f"{HOSTILE} bombed {HOSTILE}"
    gold, guess = span("target", HOSTILE, text=text), Span.of(text, "weapon", 3, 40, 0.5)
    held = [Document(f"{HOSTILE}{n}", text, role_spans=(gold,), meta={HOSTILE: f"{HOSTILE}{n}"}) for n in range(2)]
    record = metrics() | {"corpus": HOSTILE, "split": HOSTILE, "model": HOSTILE}
    record["slices"] = {HOSTILE: {HOSTILE: record["slices"]["span_length"]["1"]}}
    record["by"] = {HOSTILE: {"scores": record["scores"]}}
    errors = [Error(n, ErrorKind.ROLE_AND_BOUNDARY, gold, guess) for n in range(2)]
    write_evaluation_report(folder / "hostile.html", record, held, [[guess]] * 2, [[]] * 2, errors)
    return folder / "hostile.html"


def test_hostile_names_texts_and_values_are_text_and_nothing_else(tmp_path: Path, whole: Node) -> None:
    path = hostile_page(tmp_path)
    page, raw = parsed(path), path.read_text("utf-8")
    assert page.all("h1")[0].text == f"Evaluation: {HOSTILE} {HOSTILE}"
    assert raw.count("<script>") == 1
    assert "<img" not in raw
    text = f"{HOSTILE} bombed {HOSTILE}"
    assert cards(page)[0].all("p")[0].text in text
    assert cards(page)[0].attributes["data-k0"] == f"{HOSTILE}0"
    assert HOSTILE in [node.text for node in page.below("By group").all("td")]
    assert {node.tag for node in walk(page)} == {node.tag for node in walk(whole)}


def test_unseen_characters_are_shown_and_turn_nothing_around(tmp_path: Path) -> None:
    text = "The \u202erebels\x00 and \x1b[31m\u200f troops\r\nfled\tnorth."
    held = Document("a\u2066", text, meta={})
    gold = span("attacker", "\u202erebels\x00", text=text)
    write_evaluation_report(tmp_path / "r.html", bare(), [held], [[]], [[]], [Error(0, ErrorKind.MISSED, gold, None)])
    raw = (tmp_path / "r.html").read_text("utf-8")
    assert not re.search("[\0-\x08\x0e-\x1f\u200f\u202a-\u202e\u2066-\u2069]", raw)
    assert marks(cards(parsed(tmp_path / "r.html"))[0])[0][3] == "[U+202E]rebels[U+0000]"
    assert "[U+001B][31m[U+200F] troops" in raw
    assert "a[U+2066]" in raw
    assert visible("\ud800") == "[U+D800]"
    assert visible("a\tb\nc\r\nd é العربية 🚀") == "a\tb\nc\r\nd é العربية 🚀"


@pytest.mark.parametrize("hostile", [False, True])
def test_no_request_leaves_the_page(tmp_path: Path, whole: Node, hostile: bool) -> None:
    page = parsed(hostile_page(tmp_path)) if hostile else whole
    nodes = walk(page)
    assert {node.tag for node in nodes}.isdisjoint({"img", "link", "iframe", "object", "form", "base", "image"})
    for node in nodes:
        assert not node.attributes.keys() & {"src", "srcset", "action", "background", "xlink:href"}
        assert node.attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in node.attributes)
        for name, value in node.attributes.items():
            if not name.startswith("data-") and name not in ("title", "value"):
                assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)", value))
    (style,) = page.all("style")
    assert not re.search(r"url\(|@import|https?:|//", style.text)


def test_the_only_script_is_the_one_that_the_policy_names(whole: Node) -> None:
    (script,) = whole.all("script")
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    policies = [node.attributes["content"] for node in walk(whole) if "http-equiv" in node.attributes]
    assert policies == [f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"]
    assert not re.search(r"fetch|XMLHttp|import|innerHTML|eval|https?:|location", script.text)


def test_the_page_is_made_for_phone_paper_and_night(whole: Node) -> None:
    (style,) = whole.all("style")
    for wanted in ("@media screen and (prefers-color-scheme: dark)", "@media (max-width: 40rem)", "@media print"):
        assert wanted in style.text
    assert [node.attributes["content"] for node in walk(whole) if node.attributes.get("name") == "viewport"] == [
        "width=device-width, initial-scale=1"
    ]


def test_the_same_evaluation_gives_the_same_page(tmp_path: Path) -> None:
    program = (
        "import json, sys\nfrom pathlib import Path\n"
        "from conflict_events.metrics.errors import find_errors\n"
        "from conflict_events.reports.evaluation import write_evaluation_report\n"
        "from conflict_events.schema import Document\n"
        "metrics, records = json.loads(Path(sys.argv[1]).read_text())\n"
        "documents = [Document.from_record(record) for record in records]\n"
        "spans = [document.spans[1:] for document in documents]\n"
        "errors = find_errors(documents, spans, [[]] * 3, ['attacker', 'target', 'location', 'trigger'])\n"
        "write_evaluation_report(Path(sys.argv[2]), metrics, documents, spans, [[]] * 3, errors)\n"
        "assert not {'torch', 'transformers', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    given = tmp_path / "given.json"
    given.write_text(json.dumps([metrics(), [held.to_record() for held in violent_documents(3, "dev")]]), "utf-8")
    pages = [tmp_path / f"{seed}.html" for seed in (1, 2)]
    for seed, page in enumerate(pages):
        done = subprocess.run(
            [sys.executable, "-c", program, str(given), str(page)],
            env={"PYTHONHASHSEED": str(seed), "HOME": str(tmp_path)}, cwd=ROOT, capture_output=True, text=True,
            timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert pages[0].read_bytes() == pages[1].read_bytes()
    # In each of the three documents the attacker is missed, and target and location are linked to no event.
    assert len(cards(parsed(pages[0]))) == 9


def test_the_record_is_only_read(tmp_path: Path) -> None:
    record = metrics()
    before = copy.deepcopy(record)
    page_of(tmp_path, [], document(), record)
    assert record == before

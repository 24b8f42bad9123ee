"""The comparison page: figures, the texts as each system read them, and nothing from texts that a browser would run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conflict_events.reports.comparison import write_comparison_report
from conflict_events.schema import Document

TEXT = "Rebels shelled <b>Tarmo</b> & Arna."
DIFFERENCE = {"a": 0.5, "b": 0.45, "difference": 0.05, "low": 0.01, "high": 0.1, "p": 0.02}
UNSURE = {"a": 0.5, "b": 0.5, "difference": 0.0, "low": -0.05, "high": 0.05, "p": 1.0}


def span(role: str, words: str, annotated: int, a: float, b: float) -> dict[str, Any]:
    start = TEXT.index(words)
    return {
        "role": role, "start": start, "end": start + len(words), "text": words, "annotated": annotated, "a": a, "b": b,
    }  # fmt: skip


TRIGGER = span("trigger", "shelled", 1, 1.0, 1.0)
RECORD: dict[str, Any] = {
    "corpus": "own", "split": "dev", "documents": 7,
    "a": {"model": "<one>", "seeds": 1}, "b": {"model": "two", "seeds": 3},
    "differences": {"scores.per_role.attacker": DIFFERENCE, "events.exact.type_accuracy": UNSURE},
    "changes": {"count": 4, "documents": [{
        "id": "d1", "errors": {"a": 1.0, "b": 2.5},
        "spans": [
            span("attacker", "Rebels", 1, 1.0, 0.0), TRIGGER, span("target", "<b>Tarmo</b>", 0, 0.0, 2 / 3),
            span("location", "Tarmo", 1, 1.0, 1.0),
        ],
        "events": [TRIGGER | {"type": "shelling", "a": 0.0}],
        "links": [span("target", "Arna", 1, 1.0, 0.0) | {"trigger": TRIGGER}],
    }]},
}  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> str:
    write_comparison_report(tmp_path / "new" / "compare.html", RECORD, [Document("d1", TEXT), Document("d2", "x")])
    return (tmp_path / "new" / "compare.html").read_text("utf-8")


def rows(page: str) -> list[list[str]]:
    return [
        [re.sub("<[^>]*>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", page)
    ]


def test_differences_show_with_their_interval_and_are_marked_where_they_are_sure(page: str) -> None:
    assert ["attacker", "50.0", "45.0", "+5.0", "+1.0 to +10.0", "0.020", ""] in rows(page)
    assert ["type accuracy", "50.0", "50.0", "+0.0", "-5.0 to +5.0", "1.000", ""] in rows(page)
    assert page.count('class="sure"') == 1
    # The column reaches as far as the farthest end, 10 points: 1 to 10 is 55 % to 100 % of it, 5 is 75 %.
    assert 'style="left: 55.0%; width: 45.0%"' in page
    assert 'style="left: 75.0%"' in page


def test_what_differs_is_listed_with_the_runs_that_have_it(page: str) -> None:
    assert ["Rebels", "attacker", "yes", "yes", "0 of 3"] in rows(page)
    assert ["&lt;b&gt;Tarmo&lt;/b&gt;", "target", "–", "–", "2 of 3"] in rows(page)
    assert ["event shelled", "shelling", "yes", "–", "3 of 3"] in rows(page)
    assert ["Arna → shelled", "target", "yes", "yes", "0 of 3"] in rows(page)
    assert not any(row[0] == "shelled" for row in rows(page) if row)
    assert "errors of a <b>1</b>, of b <b>2.5</b>" in page
    assert "7 documents were scored; 4 have different predictions, of which the 1" in page


def test_the_text_stands_there_as_each_side_read_it(page: str) -> None:
    one, other = re.findall(r'<div class="card" dir="auto">(.*?)</div>', page)
    assert '<u><mark class="attacker" title="attacker">Rebels</mark></u>' in one
    assert "<u>Rebels</u>" in other
    assert '<mark class="target" title="target">&lt;b&gt;</mark>' in other
    assert '<u><mark class="target" title="target, location">Tarmo</mark></u>' in other
    for side in (one, other):
        assert re.sub("<[^>]*>", "", side) == "Rebels shelled &lt;b&gt;Tarmo&lt;/b&gt; &amp; Arna."


def test_the_page_asks_nobody_for_anything(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=|url\(|<script", page)
    assert "&lt;one&gt;" in page


def test_systems_that_agree_have_a_page_too(tmp_path: Path) -> None:
    same = RECORD | {"changes": {"count": 0, "documents": []}, "differences": {}}
    write_comparison_report(tmp_path / "same.html", same, [])
    assert "Both systems predict the same." in (tmp_path / "same.html").read_text("utf-8")

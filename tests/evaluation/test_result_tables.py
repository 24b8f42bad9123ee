"""Tables of results: made from files of metrics and put between marks; the project's are as the command makes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from scored import FULL, document, event, gold_of, run_of

from conflict_events.errors import ConflictEventsError, DataError, InputError
from conflict_events.evaluation.measures import measures
from conflict_events.evaluation.tables import Tables, write_tables
from conflict_events.reports.cells import cell

RESULTS = ROOT / "docs" / "results"
GOLD = gold_of(document("a", FULL), document("b", FULL))
HALF = run_of(GOLD, [FULL], [])
WHOLE = run_of(GOLD, [FULL], [FULL])
COLUMNS = {"roles": "scores.roles", "weapon": "scores.per_role.weapon", "types": "events.exact.type_accuracy"}
ROW = {"cells": ["both", "{corpus} {split} ({documents})"], "metrics": "half.json"}
TABLE: dict[str, Any] = {"head": ["trained on", "tested on"], "columns": COLUMNS, "rows": [ROW]}
MARKED = "<!-- results:{} -->\n{}<!-- /results -->"
MADE = """| trained on | tested on | roles | weapon | types |
| --- | --- | --- | --- | --- |
| both | made dev (2) | 66.7 | 66.7 | 100.0 |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    spans_only = run_of(GOLD, [], [], events=False)
    for name, runs in {"half": [HALF], "seeds": [HALF, WHOLE], "spans": [spans_only]}.items():
        (folder / f"{name}.json").write_text(json.dumps(measures(runs, GOLD)), "utf-8")
    return folder


def define(folder: Path, pages: list[str] | None = None, **tables: Any) -> Tables:
    (folder / "tables.json").write_text(json.dumps({"pages": pages or [], "tables": tables}), "utf-8")
    return Tables.read(folder, folder.parent)


def cells(tables: Tables, name: str = "t") -> list[list[str]]:
    """The rows below the heading, without the first cells."""
    return [line.strip("| ").split(" | ")[2:] for line in tables.tables[name].splitlines()[2:]]


def test_a_table_has_a_row_for_each_file(folder: Path) -> None:
    assert define(folder, t=TABLE).tables == {"t": MADE}


def test_what_a_column_shows(folder: Path) -> None:
    rows = [ROW, ROW | {"metrics": "seeds.json"}, ROW | {"metrics": "spans.json"}]
    linked = {"linked": "events.exact.linked", "none": "scores.per_role.victim"}
    shown = {"roles": "seeds", "weapon": "interval", "linked": "f1"}
    table = TABLE | {"columns": {**COLUMNS, **linked}, "show": shown, "rows": rows}
    # Half: of two documents one is right: F1 2/3; of the resamples a quarter 0, half 2/3, a quarter 1.
    # Seeds: the mean of 2/3 and 1; of the resamples 1/2, 5/6 and 1.
    assert cells(define(folder, t=table)) == [
        ["66.7", "66.7 [0.0, 100.0]", "100.0", "66.7", "–"],
        ["83.3 (66.7, 100.0)", "83.3 [50.0, 100.0]", "100.0", "83.3", "–"],
        ["0.0", "0.0 [0.0, 0.0]", "–", "–", "–"],
    ]


def test_pages_are_filled_between_the_marks_and_only_those_that_change_are_written(folder: Path) -> None:
    page = folder.parent / "PAGE.md"
    before = f"# Title\r\n\n{MARKED.format('t', 'old')}\n\nbetween\n\n{MARKED.format('t', '')}\nend"
    page.write_bytes(before.encode())
    define(folder, ["PAGE.md"], t=TABLE)
    page.write_bytes(before.replace("old", "| old |\n").encode())
    assert write_tables(folder, folder.parent) == [page]
    filled = MARKED.format("t", MADE)
    assert page.read_bytes().decode() == f"# Title\r\n\n{filled}\n\nbetween\n\n{filled}\nend"
    assert write_tables(folder, folder.parent) == []


def test_a_page_without_marks_stays_as_it_is(folder: Path) -> None:
    text = "| a | b |\n|---|---|\n<!-- a remark -->\n"
    assert define(folder, t=TABLE).fill(text, "x") == text == Tables().fill(text, "x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MARKED.format("other", ""), "there is no table 'other'. Define it in tables.json; there are: t"),
        ("<!-- results:t -->\n| a |\n", "1 marks of results make 0 tables"),
        ("| a |\n<!-- /results -->\n", "1 marks of results make 0 tables"),
        ("x <!-- results:t -->\n<!-- /results -->", "on lines of their own"),
        ("<!-- results:t -->\n<!-- results:t -->\n<!-- /results -->\n<!-- /results -->", "4 marks of results make 1"),
    ],
)
def test_marks_that_make_no_table_are_told(folder: Path, text: str, words: str) -> None:
    with pytest.raises(DataError) as caught:
        define(folder, t=TABLE).fill(text, "PAGE.md")
    assert str(caught.value).startswith("PAGE.md: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"head": []}, "needs head, columns and rows"),
        (TABLE | {"column": {}}, "needs head, columns and rows"),
        (TABLE | {"show": {"roles": "all"}}, "show has 'roles': 'all'. Show one of f1, interval, seeds"),
        (TABLE | {"show": {"role": "f1"}}, "in one of the columns roles, weapon, types"),
        (TABLE | {"rows": [ROW | {"cells": ["one"]}]}, "does not have a cell for each of"),
        (TABLE | {"rows": [ROW | {"cells": ["one", "{name}"]}]}, "is malformed (KeyError('name'))"),
        (TABLE | {"rows": [{"cells": ["one", "two"]}]}, "is malformed (KeyError('metrics'))"),
        (TABLE | {"rows": ["half.json"]}, "is malformed"),
        (TABLE | {"rows": [ROW | {"metrics": "no.json"}]}, "no.json: there is no such file"),
        ([], "needs head, columns and rows"),
    ],
)
def test_a_malformed_definition_is_told_with_its_table(folder: Path, table: Any, words: str) -> None:
    with pytest.raises(ConflictEventsError) as caught:
        define(folder, t=table)
    assert str(caught.value).startswith(f"{folder / 'tables.json'}: table 't': ")
    assert words in str(caught.value)


def test_files_that_are_missing_or_hold_something_else_are_told(folder: Path) -> None:
    with pytest.raises(InputError, match=r"tables\.json: there are no definitions of tables"):
        Tables.read(folder)
    (folder / "tables.json").write_text("{}", "utf-8")
    with pytest.raises(DataError, match='needs a list "pages" and an object "tables"'):
        Tables.read(folder)
    define(folder, ["GONE.md"], t=TABLE)
    with pytest.raises(InputError, match=r"GONE\.md: there is no such page"):
        write_tables(folder, folder.parent)


def test_a_changed_result_changes_the_table(folder: Path) -> None:
    before = define(folder, t=TABLE).tables["t"]
    better = measures([run_of(GOLD, [FULL], [event("bombed", ("attacker", "rebels"))])], GOLD)
    (folder / "half.json").write_text(json.dumps(better), "utf-8")
    assert Tables.read(folder).tables["t"] != before


# The project's own pages


def test_the_tables_of_the_project_are_as_the_command_makes_them() -> None:
    tables = Tables.read(RESULTS, ROOT) if RESULTS.is_dir() else Tables()
    for page in {*tables.pages, ROOT / "README.md", ROOT / "MODEL_CARD.md"}:
        text = page.read_bytes().decode("utf-8")
        again = "python scripts/evaluate.py tables=docs/results"
        assert tables.fill(text, page.name) == text, f"{page.name} is out of date: {again}"


def test_a_score_of_nothing_annotated_is_a_dash() -> None:
    nothing = {"f1": 0.0, "support": 0, "low": 0.0, "high": 0.0}
    assert [cell(nothing, how) for how in ("f1", "interval", "seeds")] == ["–"] * 3
    assert cell(nothing | {"support": 3}) == "0.0"

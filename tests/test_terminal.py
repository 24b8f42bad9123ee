"""What people see: the tables, the marked text, and errors without a stack trace."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console, RenderableType

from conflict_events.errors import ConfigError
from conflict_events.extraction import Extraction
from conflict_events.schema import Event, Role, Span
from conflict_events.terminal import (
    baseline_table,
    changes_table,
    comparison_table,
    display,
    error_table,
    event_table,
    plain_errors,
    score_table,
    show_extraction,
)


def rows_of(part: RenderableType) -> list[list[str]]:
    """The cells of every line of a table."""
    return [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in rendered(part).splitlines()]


def rendered(part: RenderableType, color: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=120, force_terminal=color, color_system="standard" if color else None, highlight=False
    )
    console.print(part)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def extraction(text: str, role: str, word: str, **options: str) -> Extraction:
    start = text.index(word)
    return Extraction((), (Span.of(text, role, start, start + len(word)),), **options)


def one_event(text: str, trigger: str, attacker: str) -> Extraction:
    at, by = text.index(trigger), text.index(attacker)
    who = Span.of(text, "attacker", by, by + len(attacker))
    event = Event("shelling", Span.of(text, "trigger", at, at + len(trigger)), (who,), 0.756)  # type: ignore[arg-type]
    return Extraction((event,), (who,), id="n-7")


def score(f1: float, support: int) -> dict[str, float]:
    return {"precision": 0.5, "recall": 0.25, "f1": f1, "support": support}


def test_the_score_table_has_a_row_for_each_role_and_two_averages() -> None:
    scores = {
        "per_role": {"attacker": score(0.3333, 4), "trigger": score(1.0, 7)},
        "roles": score(0.6549, 40),
        "overall": score(0.125, 47),
    }
    table = rendered(score_table(scores, "own test: strict"))
    rows = [re.findall(r"[\w.,]+(?: [\w,]+)*", line) for line in table.splitlines()]
    assert "own test: strict" in table
    for row in (
        ["precision", "recall", "F1", "support"],
        ["attacker", "50.0", "25.0", "33.3", "4"],
        ["trigger", "50.0", "25.0", "100.0", "7"],
        ["micro, roles", "50.0", "25.0", "65.5", "40"],
        ["micro, with triggers", "50.0", "25.0", "12.5", "47"],
    ):
        assert row in rows


def test_scores_with_intervals_show_them() -> None:
    sure = score(0.5, 4) | {"low": 0.1234, "high": 0.9}
    table = score_table({"per_role": {"attacker": sure}, "roles": sure, "overall": sure}, "own")
    assert ["attacker", "50.0", "25.0", "50.0", "12.3 to 90.0", "4"] in rows_of(table)
    assert ["", "precision", "recall", "F1", "95 %", "support"] in rows_of(table)


def test_the_event_table_has_a_column_for_each_match() -> None:
    scores = {"linked": score(0.5, 3), "type_accuracy": 0.875}
    rows = rows_of(event_table({"exact": scores, "head": scores | {"linked": score(0.75, 3)}}, "events"))
    assert ["linked", "50.0", "75.0"] in rows
    assert ["type accuracy", "87.5", "87.5"] in rows


def test_errors_are_ranked_and_those_that_do_not_occur_left_out() -> None:
    def counts(attacker: float, target: float) -> dict[str, object]:
        return {"total": attacker + target, "per_role": {"attacker": attacker, "target": target}}

    errors = {"missed": counts(1, 2), "cut_by_window": counts(0, 0), "wrong_role": counts(5.5, 0)}
    rows = [row for row in rows_of(error_table(errors, "errors")) if row]
    assert [row for row in rows if row[0] in ("missed", "wrong role", "cut by window")] == [
        ["wrong role", "5.5", "5.5", "0"],
        ["missed", "3", "1", "2"],
    ]


def difference(value: float, low: float, high: float, **more: str) -> dict[str, object]:
    return {"a": 0.5, "b": 0.5 - value, "difference": value, "low": low, "high": high, "p": 0.0123, **more}


COMPARISON = {
    "corpus": "own", "split": "dev", "a": {"model": "[one]", "seeds": 1}, "b": {"model": "two", "seeds": 1},
    "differences": {
        "scores.per_role.attacker": difference(0.05, 0.012, 0.09),
        "events.exact.type_accuracy": difference(-0.01, -0.03, 0.01),
    },
    "changes": {"count": 3, "documents": [{
        "id": "d[1]", "errors": {"a": 2.0, "b": 3.5},
        "spans": [
            {"role": "attacker", "text": "rebels", "annotated": 1, "a": 1.0, "b": 0.0},
            {"role": "target", "text": "[x] hut", "annotated": 0, "a": 0.0, "b": 0.5},
            {"role": "target", "text": "troops", "annotated": 1, "a": 1.0, "b": 1.0},
        ],
    }]},
}  # fmt: skip


def test_a_comparison_shows_every_difference_and_marks_what_is_sure() -> None:
    table = comparison_table(COMPARISON)
    assert "own dev: a: [one]; b: two" in rendered(table)
    assert ["attacker", "50.0", "45.0", "+5.0", "+1.2 to +9.0", "0.012"] in rows_of(table)
    assert ["type accuracy", "50.0", "51.0", "-1.0", "-3.0 to +1.0", "0.012"] in rows_of(table)
    bold = [line for line in rendered(table, color=True).splitlines() if "attacker" in line or "accuracy" in line]
    assert ["\x1b[1m" in line for line in bold] == [True, False]


def test_changed_documents_show_what_only_one_side_has() -> None:
    table = changes_table(COMPARISON)
    assert "3 documents changed; of 1, what differs" in rendered(table)
    assert ["d[1]", "2", "3.5", "✓ attacker 'rebels'", "✗ target '[x] hut'"] in rows_of(table)
    assert "troops" not in rendered(table)
    assert "d[1]" not in rendered(changes_table(COMPARISON, most=0))


def test_baselines_stand_beside_the_model_with_its_lead() -> None:
    record = {
        "corpus": "own", "split": "dev",
        "systems": {
            "model": {"scores.roles": {"value": 0.5}, "events.exact.linked": {"value": 0.4}},
            "crf": {"scores.roles": {"value": 0.45}},
        },
        "differences": {"crf": {"scores.roles": difference(0.05, 0.01, 0.09, verdict="better")}},
    }  # fmt: skip
    rows = rows_of(baseline_table(record))
    at = rows.index(["roles", "50.0", "45.0"])
    assert rows[at + 1 : at + 3] == [["", "", "+5.0 +1.0 to +9.0"], ["", "", "model better"]]
    assert ["linked", "40.0", "–"] in rows


def test_an_extraction_shows_the_text_and_below_it_each_event_with_its_roles() -> None:
    text = "At dawn rebels shelled the village."
    shown = rendered(show_extraction(text, one_event(text, "shelled", "rebels")))
    assert text in shown
    assert "n-7" in shown
    rows = [re.split(r"\s{2,}", line.strip()) for line in shown.splitlines()]
    assert ["E1", "shelling 0.76", "shelled"] in rows
    assert ["attacker", "rebels"] in rows
    assert not any("weapon" in row for row in rows)  # a role without spans takes no line


@pytest.mark.parametrize(
    "text",
    [
        "rebels struck",
        "At\r\ndawn\r\nrebels struck",
        "caf\u00e9 \U0001f4a3 cafe\u0301 \u00a0rebels",
        "a\x07b\x0bc rebels",
    ],
    ids=["plain", "CRLF", "emoji", "control characters"],
)
def test_the_span_itself_is_highlighted(text: str) -> None:
    shown = rendered(show_extraction(text, extraction(text, "attacker", "rebels")), color=True)
    assert "\x1b[1;31mrebels\x1b[0m" in shown  # bold red


def test_each_role_has_its_own_style() -> None:
    text = "one"
    styles = {
        re.search(r"(\x1b\[[\d;]+m)one", rendered(show_extraction(text, extraction(text, role, "one")), color=True))[1]  # type: ignore[index]
        for role in Role
    }
    assert len(styles) == len(Role)


def test_a_corpus_role_without_a_style_is_shown_too() -> None:
    text = "two victims"
    assert "\x1b[1mvictims" in rendered(show_extraction(text, extraction(text, "victim", "victims")), color=True)


@pytest.mark.parametrize("odd", ["[bold]gang[/bold]", "[/red] rebels", "[link=x]"])
def test_brackets_in_texts_and_ids_are_shown_as_they_are(odd: str) -> None:
    text = f"{odd} shelled it"
    shown = rendered(show_extraction(text, one_event(text, "shelled", odd)))
    assert shown.count(odd) == 2  # in the text and among the events
    titled = rendered(show_extraction("x", Extraction((), (), id=odd)))
    assert odd in titled


def test_brackets_in_messages_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    display("3 articles; written to runs[final]/out.jsonl", "[/x]")
    assert capsys.readouterr().out == "3 articles; written to runs[final]/out.jsonl\n[/x]\n"


def test_an_error_for_the_user_ends_the_program_with_its_message_alone() -> None:
    with pytest.raises(SystemExit) as caught, plain_errors():
        raise ConfigError("x=3 is too much", where="here", remedy="take less")
    assert caught.value.code == "error: here: x=3 is too much. Take less."


def test_an_error_in_the_program_keeps_its_stack_trace() -> None:
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 / 0

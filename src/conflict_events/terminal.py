"""Scores, extractions and errors for people at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from conflict_events.errors import ConflictEventsError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Role

_STYLES: Mapping[str, str] = {
    Role.ATTACKER: "bold red",
    Role.TARGET: "bold blue",
    Role.LOCATION: "bold green",
    Role.WEAPON: "bold magenta",
    TRIGGER: "bold underline yellow",
}
# rich drops these characters, which would shift the offsets after them.
_CONTROL = dict.fromkeys((7, 8, 11, 12, 13), " ")


def score_table(scores: Mapping[str, Any], title: str) -> Table:
    """The strict seqeval table: a row a role, then micro averages.

    Args:
        scores: what :meth:`conflict_events.metrics.strict.StrictScores.to_record` gives.
        title: above the table.
    """
    table = Table(title=Text(title), title_justify="left")
    for column in ("", "precision", "recall", "F1", "support"):
        table.add_column(column, justify="left" if not column else "right")
    for name, score in scores["per_role"].items():
        table.add_row(name, *_cells(score))
    table.add_section()
    table.add_row("micro, roles", *_cells(scores["roles"]), style="bold")
    if TRIGGER in scores["per_role"]:
        table.add_row("micro, with triggers", *_cells(scores["overall"]))
    return table


def event_table(scores: Mapping[str, Any], title: str) -> Table:
    """F1 of every event score, a column for each way in which spans match, and the accuracy of types.

    Args:
        scores: by match, what :meth:`conflict_events.metrics.events.EventScores.to_record` gives.
        title: above the table.
    """
    table = Table(title=Text(title), title_justify="left")
    for column in ("F1", *scores):
        table.add_column(column, justify="left" if column == "F1" else "right")
    for name in next(iter(scores.values())):
        cells = (match[name] if name == "type_accuracy" else match[name]["f1"] for match in scores.values())
        table.add_row(name.replace("_", " "), *(f"{100 * cell:.1f}" for cell in cells))
    return table


def show_extraction(text: str, extraction: Extraction) -> RenderableType:
    """The text with its spans highlighted, and its events below."""
    marked = Text(text.translate(_CONTROL))
    for span in (*extraction.spans, *(event.trigger for event in extraction.events)):
        marked.stylize(_STYLES.get(span.role, "bold"), span.start, span.end)
    legend = Text(" ").join(Text(role, _STYLES[role]) for role in (*Role, TRIGGER))
    events = Table.grid(padding=(0, 2))
    for number, event in enumerate(extraction.events, start=1):
        score = "" if event.score is None else f" {event.score:.2f}"
        events.add_row(f"E{number}", f"{event.type.value}{score}", Text(event.trigger.text, _STYLES[TRIGGER]))
        for role in Role:
            if spans := event.by_role(role):
                events.add_row("", Text(role), Text(" | ".join(span.text for span in spans), _STYLES[role]))
    return Group(Panel(Group(marked, Text(), legend), title=Text(extraction.id or "")), events)


def display(*parts: RenderableType) -> None:
    """Print to standard output."""
    console = Console()
    for part in parts:
        plain = isinstance(part, str)  # paths and reasons: no markup in them, no line breaks
        console.print(Text(part) if isinstance(part, str) else part, soft_wrap=plain)


@contextmanager
def plain_errors() -> Iterator[None]:
    """End the program with the message of an error that is meant for the user, without a stack trace."""
    try:
        yield
    except ConflictEventsError as error:
        sys.exit(f"error: {error}")


def _cells(score: Mapping[str, Any]) -> list[str]:
    return [f"{100 * score[key]:.1f}" for key in ("precision", "recall", "f1")] + [str(score["support"])]

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
    """The strict seqeval table: a row a role, then micro averages; with the interval of F1 where there is one.

    Args:
        scores: what :meth:`conflict_events.metrics.strict.StrictScores.to_record` gives, or the same with intervals.
        title: above the table.
    """
    with_interval = "low" in scores["roles"]
    table = _table(title, "", "precision", "recall", "F1", *(["95 %"] if with_interval else []), "support")
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
    table = _table(title, "F1", *scores)
    for name in next(iter(scores.values())):
        cells = (match[name] if name == "type_accuracy" else match[name]["f1"] for match in scores.values())
        table.add_row(name.replace("_", " "), *map(_percent, cells))
    return table


def error_table(errors: Mapping[str, Any], title: str) -> Table:
    """How many errors of each kind there are, the most frequent first.

    Args:
        errors: the errors of ``metrics.json``.
        title: above the table.
    """
    roles = next(iter(errors.values()))["per_role"]
    table = _table(title, "", "errors", *roles)
    for kind, counts in sorted(errors.items(), key=lambda item: -item[1]["total"]):
        if counts["total"]:
            cells = (counts["total"], *counts["per_role"].values())
            table.add_row(kind.replace("_", " "), *(f"{cell:.1f}".removesuffix(".0") for cell in cells))
    return table


def comparison_table(record: Mapping[str, Any]) -> Table:
    """The differences of two systems; those whose interval leaves out 0 are bold.

    Args:
        record: the content of ``compare.json``.
    """
    names = {side: f"{side}: {record[side]['model']}" for side in "ab"}
    title = f"{record['corpus']} {record['split']}: {names['a']}; {names['b']}"
    table = _table(title, "in percent", "a", "b", "a - b", "95 %", "p")
    for path, found in record["differences"].items():
        table.add_row(
            _named(path),
            _percent(found["a"]),
            _percent(found["b"]),
            f"{100 * found['difference']:+.1f}",
            _interval(found, "+.1f"),
            f"{found['p']:.3f}",
            style="bold" if found["low"] > 0 or found["high"] < 0 else None,
        )
    return table


def changes_table(record: Mapping[str, Any], most: int = 10) -> Table:
    """The documents that changed most between two systems: errors of each, and what only one of them has.

    Args:
        record: the content of ``compare.json``.
        most: documents that are shown.
    """
    changes = record["changes"]
    shown = changes["documents"][:most]
    table = _table(f"{changes['count']} documents changed; of {len(shown)}, what differs", "", "errors a", "errors b")
    table.add_column("only or more often in a")
    table.add_column("only or more often in b")
    for document in shown:
        cells = [
            "\n".join(
                f"{'✓' if span['annotated'] else '✗'} {span['role']} {span['text']!r}"
                for span in document["spans"]
                if span[one] > span[other]
            )
            for one, other in ("ab", "ba")
        ]
        errors = (f"{document['errors'][side]:.1f}".removesuffix(".0") for side in "ab")
        table.add_row(Text(document["id"]), *errors, *map(Text, cells), end_section=True)
    return table


def baseline_table(record: Mapping[str, Any]) -> Table:
    """Scores of the model, if there is one, and of each baseline; with the model's lead and whether it is sure.

    Args:
        record: the content of ``baselines.json``.
    """
    table = _table(f"{record['corpus']} {record['split']}: F1 in percent", "", *record["systems"])
    paths = dict.fromkeys(path for scores in record["systems"].values() for path in scores)
    for path in paths:
        cells = []
        for name, scores in record["systems"].items():
            cell = _percent(scores[path]["value"]) if path in scores else "–"
            lead = record["differences"].get(name, {}).get(path)
            if lead is not None:
                cell += f"\n{100 * lead['difference']:+.1f} {_interval(lead, '+.1f')}\nmodel {lead['verdict']}"
            cells.append(cell)
        table.add_row(_named(path), *cells, end_section=True)
    return table


def export_table(checks: Mapping[str, Any]) -> Table:
    """How far exported graphs are from torch.

    Args:
        checks: of ``export.json``.
    """
    title = f"{checks['corpus']} {checks['split']}, {checks['documents']} documents: exported graphs against torch"
    engines = {"torch": "torch", "float": "onnx, 32 bits", "quantized": "onnx, 8 bits"}
    shown = {name: checks[name] for name in engines if name in checks}
    table = _table(title, "", *(engines[name] for name in shown))
    for row in ("role_f1", "spans_equal", "events_equal"):
        table.add_row(
            row.replace("_", " "), *(_percent(found[row]) if row in found else "" for found in shown.values())
        )
    for score in shown["float"]["differences"]:
        cells = (found.get("differences", {}).get(score) for found in shown.values())
        table.add_row(f"largest difference of {score}", *("" if cell is None else f"{cell:.2g}" for cell in cells))
    return table


def benchmark_tables(record: Mapping[str, Any]) -> list[Table]:
    """What ``benchmark.json`` holds: a table for each part.

    Args:
        record: the content of ``benchmark.json``.
    """
    tables = []
    for words, systems in record.get("inference", {}).items():
        table = _table(
            f"articles of {words} words, {record['threads']} threads", "", "tokens/s", "× pipeline", "of peak"
        )
        for name, found in systems.items():
            ratio, share = found["ratio"], found["share_of_peak"]
            table.add_row(
                name,
                f"{found['tokens_per_second']:,.0f}",
                "–" if ratio is None else f"{ratio:.2f}",
                "–" if share is None else f"{share:.0%}",
            )
        tables.append(table)
    if starting := record.get("starting"):
        table = _table("a new process to its first result", "", "seconds", "imports torch")
        for name, found in starting.items():
            table.add_row(name, f"{min(found['seconds']):.2f}", "yes" if found["imports_torch"] else "no")
        tables.append(table)
    if training := record.get("training"):
        table = _table("training, an epoch without scoring dev", "", "tokens/s")
        for name in ("ours", "plain"):
            table.add_row(name, f"{training[name]['tokens_per_second']:,.0f}")
        table.add_row("ratio", f"{training['ratio']:.2f}")
        tables.append(table)
    peaks = _table("peak of dense multiplication", "", "Gop/s")
    for name, peak in record["peaks"].items():
        peaks.add_row(name, f"{peak / 1e9:,.0f}")
    return [*tables, peaks]


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


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=Text(title), title_justify="left")
    table.add_column(first, overflow="fold")  # ids are not cut
    for column in columns:
        table.add_column(Text(column), justify="right")
    return table


def _cells(score: Mapping[str, Any]) -> list[str]:
    held = [_interval(score, ".1f")] if "low" in score else []
    return [*(_percent(score[key]) for key in ("precision", "recall", "f1")), *held, str(score["support"])]


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _interval(found: Mapping[str, Any], form: str) -> str:
    return " to ".join(format(100 * found[end], form) for end in ("low", "high"))


def _named(path: str) -> str:
    """A path of ``metrics.json`` in words: ``scores.per_role.attacker`` is ``attacker``."""
    name = path.rpartition(".")[2].replace("_", " ")
    return f"entities: {name}" if path.startswith("entities.") else name

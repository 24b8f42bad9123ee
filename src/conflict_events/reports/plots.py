"""Figures of an evaluation, from one drawing each: SVG inside the page, PNG for papers.

Drawn from the record that ``metrics.json`` holds. Reliability diagrams are those of Niculescu-Mizil and Caruana (2005),
with the share of predictions in each bin behind the curve.
"""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from conflict_events.errors import DataError

DPI = 200
MARKED = (0.5, 0.7, 0.9)  # thresholds shown on a precision/recall curve

_INK, _MUTED, _LINE, _BAR = "#1b1f24", "#5b6573", "#d5dae1", "#4a7bb7"
# In the page these colours are those of its style sheet, which knows light and dark.
_VARIABLES = {_INK: "var(--ink)", _MUTED: "var(--muted)", _LINE: "var(--line)", _BAR: "var(--bar)"}
_SERIES = (("#0072b2", "o", "-"), ("#d55e00", "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":"))
_DARKEST = 0.6  # opacity of a full cell: the number on it stays readable in light and dark
_WIDTH = 4.0  # inches: a column of a paper, and readable where a phone shows it at 350 pixels
_STYLE = {
    "font.size": 8.5,
    "font.family": ["DejaVu Sans"],
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "grid.color": _LINE,
    "grid.linewidth": 0.6,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "svg.fonttype": "none",
}
LEARNING_CURVE = ("series", "documents", "f1")
"""Columns of the CSV file of a learning curve; a row is a run, so several rows of a point are its seeds."""


def write_plots(folder: Path, metrics: Mapping[str, Any], learning_curve: Path | None = None) -> list[Path]:
    """Write every figure as ``FOLDER/NAME.png``, at 200 dots per inch on white.

    Args:
        folder: made if need be.
        metrics: the record of ``metrics.json``; figures whose part it lacks are not written.
        learning_curve: a CSV file with the columns ``series, documents, f1``, a row for each run.

    Returns:
        The files.

    Raises:
        DataError: if the learning curve cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in _drawings(metrics, learning_curve).items():
        path = folder / f"{name}.png"
        with style.context(["default", _STYLE]):
            draw().savefig(path, dpi=DPI, metadata={"Software": None})
        paths.append(path)
    return paths


def write_benchmark_plot(path: Path, record: Mapping[str, Any]) -> None:
    """Tokens per second of each system at each article length, as PNG.

    Args:
        path: of the file; its folder is made if need be.
        record: the content of ``benchmark.json``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lengths = record["inference"]
    systems = list(next(iter(lengths.values())))
    with style.context(["default", _STYLE]):
        figure = Figure((_WIDTH, 2.6), layout="constrained")
        axes = figure.subplots()
        width = 0.8 / len(systems)
        for number, system in enumerate(systems):
            heights = [found[system]["tokens_per_second"] for found in lengths.values()]
            places = [place + (number - (len(systems) - 1) / 2) * width for place in range(len(lengths))]
            bars = axes.bar(places, heights, width, label=system, color=_SERIES[number][0])
            axes.bar_label(bars, [f"{height:,.0f}" for height in heights], fontsize=6)
        axes.set_xticks(range(len(lengths)), [f"{length} words" for length in lengths])
        axes.set_ylabel("tokens per second")
        axes.grid(axis="y")
        axes.legend()
        figure.savefig(path, dpi=DPI, metadata={"Software": None})


def svg_figures(metrics: Mapping[str, Any], learning_curve: Path | None = None) -> dict[str, str]:
    """The same figures by name as SVG elements to stand in a page: no namespace, no fixed size, the page's colours."""
    return {name: _svg(name, draw) for name, draw in _drawings(metrics, learning_curve).items()}


def at_threshold(curve: Sequence[Mapping[str, float]], threshold: float) -> Mapping[str, float] | None:
    """The point of a curve (low to high thresholds) at a threshold or next above it; None if nothing is left there."""
    return next((point for point in curve if point["threshold"] >= threshold), None)


def _drawings(metrics: Mapping[str, Any], learning_curve: Path | None) -> dict[str, Callable[[], Figure]]:
    drawings: dict[str, Callable[[], Figure]] = {}
    if roles := metrics["scores"]["per_role"]:
        drawings["roles"] = lambda: _bars(roles, "strict F1")
    if events := metrics.get("events"):
        named = {name.replace("_", " "): score for name, score in events["exact"].items() if isinstance(score, Mapping)}
        drawings["events"] = lambda: _bars(named, "F1, exact spans")
    if (confusion := metrics.get("confusion")) and any(map(any, confusion["counts"])):
        drawings["confusion"] = lambda: _confusion(confusion["labels"], confusion["counts"])
    if calibration := {kind: held for kind, held in (metrics.get("calibration") or {}).items() if held["bins"]}:
        drawings["reliability"] = lambda: _panels(calibration, _reliability)
        drawings["precision_recall"] = lambda: _panels(calibration, _precision_recall)
    if learning_curve is not None:
        runs = _read_learning_curve(learning_curve)
        drawings["learning_curve"] = lambda: _learning_curve(runs)
    return drawings


def _bars(scores: Mapping[str, Mapping[str, Any]], label: str) -> Figure:
    """A bar for each F1, with its interval where one was computed."""
    figure = Figure(figsize=(_WIDTH, 0.55 + 0.3 * len(scores)), layout="constrained")
    axes = figure.subplots()
    for row, score in enumerate(scores.values()):
        value = 100 * score["f1"]
        axes.barh(row, value, height=0.62, color=_BAR)
        end = value
        if score.get("low") is not None:
            low, end = 100 * score["low"], 100 * score["high"]
            axes.errorbar(
                (low + end) / 2, row, xerr=(end - low) / 2, fmt="none", ecolor=_INK, elinewidth=1.2, capsize=3
            )
        axes.text(max(value, end) + 1.5, row, f"{value:.1f}", va="center", fontsize=8)
    axes.set_yticks(range(len(scores)), list(scores))
    axes.invert_yaxis()
    axes.set_xlim(0, 112)  # room for a number beside a full bar
    axes.set_xticks(range(0, 101, 20))
    axes.set_xlabel(label)
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def _confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> Figure:
    """A heat map: rows are annotated roles, columns found ones, a cell as dark as its share of the row."""
    size = len(labels)
    figure = Figure(figsize=(_WIDTH, 0.9 + 0.45 * size), layout="constrained")
    axes = figure.subplots()
    for row, cells in enumerate(counts):
        for column, count in enumerate(cells):
            share = count / sum(cells) if count else 0.0
            axes.add_patch(
                Rectangle((column, row), 1, 1, facecolor=_BAR, alpha=_DARKEST * share, edgecolor="none", linewidth=0)
            )
            shown = (f"{count:,.0f}" if count == int(count) else f"{count:,.1f}") if count else "·"  # a mean of seeds
            axes.text(column + 0.5, row + 0.5, shown, ha="center", va="center", fontsize=8)
    for edge in range(size + 1):
        axes.axhline(edge, color=_LINE, linewidth=0.6)
        axes.axvline(edge, color=_LINE, linewidth=0.6)
    axes.set(xlim=(0, size), ylim=(size, 0), xlabel="found as", ylabel="annotated as")
    middles = [n + 0.5 for n in range(size)]
    axes.set_xticks(middles, ["(missed)" if label == "none" else label for label in labels])
    axes.set_yticks(middles, ["(spurious)" if label == "none" else label for label in labels])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _panels(calibration: Mapping[str, Any], draw: Callable[[Axes, str, Mapping[str, Any]], None]) -> Figure:
    """Square panels, two in a row, one for each kind of prediction."""
    rows = (len(calibration) + 1) // 2
    figure = Figure(figsize=(_WIDTH, 0.15 + 2.05 * rows), layout="constrained")
    places = figure.subplots(rows, 2, squeeze=False).flat
    for axes, (kind, held) in zip(places, calibration.items(), strict=False):
        draw(axes, kind, held)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axes.grid()
    for axes in places:  # a last place without a kind
        axes.set_axis_off()
    return figure


def _reliability(axes: Axes, kind: str, held: Mapping[str, Any]) -> None:
    bins = held["bins"]
    axes.bar(
        [b["low"] for b in bins], [b["count"] / held["count"] for b in bins], [b["high"] - b["low"] for b in bins],
        align="edge", color=_BAR, alpha=0.3,
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], color=_MUTED, linestyle="--", linewidth=0.8)
    axes.plot(
        [b["confidence"] for b in bins], [b["accuracy"] for b in bins], color=_SERIES[1][0], marker="o", markersize=3.5,
        linewidth=1.4, clip_on=False,
    )  # fmt: skip
    axes.set(title=f"{kind}: ECE {100 * held['ece']:.1f}", xlabel="confidence", ylabel="share right")


def _precision_recall(axes: Axes, kind: str, held: Mapping[str, Any]) -> None:
    curve = held["curve"]
    axes.plot([p["recall"] for p in curve], [p["precision"] for p in curve], color=_BAR, linewidth=1.4)
    for threshold, (colour, marker, _) in zip(MARKED, _SERIES, strict=False):
        if point := at_threshold(curve, threshold):
            axes.plot(
                point["recall"], point["precision"], color=colour, marker=marker, markersize=5, linestyle="none",
                label=f"≥ {threshold}", clip_on=False,
            )  # fmt: skip
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower left", handletextpad=0, borderpad=0, title="confidence", title_fontsize=7)
    axes.set(title=kind, xlabel="recall", ylabel="precision")


def _learning_curve(runs: Mapping[str, Mapping[int, Sequence[float]]]) -> Figure:
    """A line through the means of each series, a dot for each run."""
    figure = Figure(figsize=(_WIDTH, 2.6), layout="constrained")
    axes = figure.subplots()
    for number, (series, points) in enumerate(runs.items()):
        colour, marker, line = _SERIES[number % len(_SERIES)]
        sizes = sorted(points)
        axes.plot(
            sizes, [100 * fmean(points[size]) for size in sizes], color=colour, marker=marker, linestyle=line,
            markersize=4.5, linewidth=1.4, label=series,
        )  # fmt: skip
        for size in sizes:
            axes.plot([size] * len(points[size]), [100 * f1 for f1 in points[size]], ".", color=colour, markersize=3)
    axes.set(xlabel="documents in training", ylabel="F1")
    axes.set_xlim(left=0)
    axes.grid()
    axes.legend()
    return figure


def _read_learning_curve(path: Path) -> dict[str, dict[int, list[float]]]:
    """F1 of every run, by series and number of documents."""
    runs: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                runs[row["series"]][int(row["documents"])].append(float(row["f1"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = f"no column {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(
            f"{path}: not a learning curve ({reason})",
            remedy=f"give CSV with the columns {', '.join(LEARNING_CURVE)}, a row for each run, f1 as a fraction",
        ) from None
    if not runs:
        raise DataError(f"{path}: the learning curve has no rows", remedy="give a row for each run")
    return runs


def _svg(name: str, draw: Callable[[], Figure]) -> str:
    """The element alone. Every figure has ids of its own (the salt), and keeps only those that something refers to."""
    held = io.StringIO()
    with style.context(["default", _STYLE, {"svg.hashsalt": name}]):
        draw().savefig(
            held, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type"))
        )
    svg = held.getvalue()
    view = re.search(r'viewBox="[^"]+"', svg)
    assert view is not None
    svg = re.sub(r"(?s)^.*?<svg[^>]*>|<style.*?</style>|<!--.*?-->", "", svg)
    svg = svg.replace("xlink:href", "href")
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return f'<svg class="plot {name}" {view[0]} role="img" aria-label="{name.replace("_", " ")}">{svg}'

"""Figures: which there are, what they show, and that one drawing gives page and paper alike."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest
from conftest import ROOT

from conflict_events.errors import DataError
from conflict_events.reports.plots import at_threshold, svg_figures, write_plots


def score(f1: float, support: int = 10, **interval: float | None) -> dict[str, Any]:
    return {"precision": f1, "recall": f1, "f1": f1, "support": support} | interval


CURVE = [
    {"threshold": 0.35, "precision": 0.6, "recall": 0.9},
    {"threshold": 0.7, "precision": 0.75, "recall": 0.6},
    {"threshold": 0.8, "precision": 1.0, "recall": 0.4},
]
CALIBRATED = {
    "count": 10,
    "ece": 0.084,
    "bins": [
        {"low": 0.3, "high": 0.4, "count": 4, "confidence": 0.35, "accuracy": 0.25},
        {"low": 0.7, "high": 0.8, "count": 6, "confidence": 0.77, "accuracy": 0.8},
    ],
    "curve": CURVE,
}
METRICS: dict[str, Any] = {
    "scores": {
        "roles": score(0.8, 20, low=0.7, high=0.9),
        "overall": score(0.81, 30),
        "per_role": {"attacker": score(0.801, low=0.75, high=0.85), "weapon": score(0.7), "trigger": score(0.9)},
    },
    "events": {"exact": {"trigger_identification": score(0.777), "linked": score(0.5), "type_accuracy": 0.9}},
    "confusion": {"labels": ["attacker", "trigger", "none"], "counts": [[6, 0, 2], [0, 1234, 0], [1, 0, 0]]},
    "calibration": {"spans": CALIBRATED, "triggers": CALIBRATED, "events": CALIBRATED},
}
PANELS = {"reliability", "precision_recall"}
CSV = "series,documents,f1\nwith own,100,0.70\nwith own,100,0.72\nwith own,200,0.75\nwithout,100,0.6\n"


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curve") / "curve.csv"
    path.write_text(CSV, "utf-8")
    return path


@pytest.fixture(scope="module")
def figures(curve: Path) -> dict[str, str]:
    return svg_figures(METRICS, curve)


@pytest.fixture(scope="module")
def files(curve: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_plots(tmp_path_factory.mktemp("plots") / "new" / "plots", METRICS, curve)


def words(svg: str) -> list[str]:
    return [" ".join("".join(node.itertext()).split()) for node in ElementTree.fromstring(svg).iter("text")]


def chunks(png: bytes) -> dict[bytes, bytes]:
    """The chunks of a PNG file by their names."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = {}, 8
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        found[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + size]
        at += 12 + size
    return found


# Which there are


def test_every_part_has_its_figure_and_the_files_are_named_after_them(
    figures: dict[str, str], files: list[Path]
) -> None:
    names = ["roles", "events", "confusion", "reliability", "precision_recall", "learning_curve"]
    assert list(figures) == names
    assert [path.name for path in files] == [f"{name}.png" for name in names]
    assert set(files[0].parent.iterdir()) == set(files)


@pytest.mark.parametrize(
    ("parts", "gone"),
    [
        ({"events": None}, {"events"}),
        ({"calibration": {}}, PANELS),
        ({"calibration": {"spans": CALIBRATED | {"count": 0, "bins": [], "curve": []}}}, PANELS),
        ({"confusion": {"labels": ["attacker", "none"], "counts": [[0, 0], [0, 0]]}}, {"confusion"}),
        ({"scores": METRICS["scores"] | {"per_role": {}}}, {"roles"}),
    ],
)  # fmt: skip
def test_a_part_that_is_not_there_has_no_figure(parts: dict[str, Any], gone: set[str]) -> None:
    whole = METRICS | {"calibration": {"spans": CALIBRATED}}
    assert svg_figures(whole | parts).keys() == {"roles", "events", "confusion", *PANELS} - gone


def test_scores_alone_are_enough(tmp_path: Path) -> None:
    metrics = {"scores": METRICS["scores"]}
    assert list(svg_figures(metrics)) == ["roles"]
    assert write_plots(tmp_path, metrics) == [tmp_path / "roles.png"]


# What they show


def test_bars_are_named_and_numbered(figures: dict[str, str]) -> None:
    assert [word for word in words(figures["roles"]) if not word.isdigit()] == [
        "strict F1", "attacker", "weapon", "trigger", "80.1", "70.0", "90.0",
    ]  # fmt: skip
    assert {"trigger identification", "linked", "77.7", "50.0"} <= set(words(figures["events"]))
    assert "type accuracy" not in words(figures["events"]), "a share, not a score"


def test_only_a_score_with_an_interval_has_a_whisker() -> None:
    sure, unsure = score(0.8, low=0.7, high=0.9), score(0.8, low=None, high=None)
    whiskers = [
        svg_figures({"scores": {"per_role": roles}})["roles"].count("stroke-width: 1.2")
        for roles in ({"a": sure, "b": sure, "c": score(0.8)}, {"a": unsure, "b": score(0.8)})
    ]
    assert whiskers == [2, 0]


def test_a_cell_is_as_full_as_its_share_of_the_row(figures: dict[str, str]) -> None:
    svg = figures["confusion"]
    # Shares 6/8, 2/8; 1234/1234; 1/1: times 0.6
    assert re.findall(r"opacity: ([\d.]+)", svg) == ["0.45", "0", "0.15", "0", "0.6", "0", "0.6", "0", "0"]
    found = words(svg)
    assert [found.count(word) for word in ("1,234", "·", "(missed)", "(spurious)", "none")] == [1, 5, 1, 1, 0]


def test_every_kind_has_a_panel_that_tells_its_calibration_error(figures: dict[str, str]) -> None:
    titles = [word for word in words(figures["reliability"]) if "ECE" in word]
    assert titles == ["spans: ECE 8.4", "triggers: ECE 8.4", "events: ECE 8.4"]
    assert {"spans", "triggers", "events"} <= set(words(figures["precision_recall"]))


def test_thresholds_are_marked_as_far_as_anything_is_left(figures: dict[str, str]) -> None:
    found = words(figures["precision_recall"])
    assert [found.count(f"≥ {threshold}") for threshold in (0.5, 0.7, 0.9)] == [3, 3, 0]


@pytest.mark.parametrize(("threshold", "point"), [(0.0, 0), (0.35, 0), (0.36, 1), (0.7, 1), (0.75, 2), (0.8, 2)])
def test_a_threshold_stands_for_what_is_left_from_there(threshold: float, point: int) -> None:
    assert at_threshold(CURVE, threshold) == CURVE[point]


def test_above_every_confidence_nothing_is_left() -> None:
    assert at_threshold(CURVE, 0.81) is None
    assert at_threshold([], 0.0) is None


def test_a_learning_curve_names_its_series(figures: dict[str, str]) -> None:
    assert {"with own", "without", "documents in training"} <= set(words(figures["learning_curve"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"series,f1\na,0.5\n", "not a learning curve (no column 'documents')"),
        (b"series,documents,f1\na,ten,0.5\n", "not a learning curve (invalid literal for int()"),
        (b"series,documents,f1\na,10\n", "not a learning curve ("),
        (b"series,documents,f1\n\xff,10,0.5\n", "not a learning curve ("),
        (b"series,documents,f1\n", "the learning curve has no rows"),
        (b"", "the learning curve has no rows"),
        (None, "not a learning curve ([Errno 2]"),
    ],
)
def test_a_file_that_is_no_learning_curve_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "curve.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        write_plots(tmp_path / "plots", METRICS, path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_names_are_text_whatever_they_hold(tmp_path: Path) -> None:
    names = ["<b>&'\"", "$x^2$", "a_b", "\\frac"]
    metrics = {"scores": {"per_role": {name: score(0.5) for name in names}}}
    assert words(svg_figures(metrics)["roles"])[-8:-4] == names
    assert write_plots(tmp_path, metrics)[0].is_file()


# Page and paper


def test_files_are_pictures_of_two_hundred_dots_an_inch(files: list[Path]) -> None:
    for path in files:
        found = chunks(path.read_bytes())
        width, height = struct.unpack(">II", found[b"IHDR"][:8])
        assert width == 4.0 * 200
        assert 200 < height < 1200
        assert struct.unpack(">IIB", found[b"pHYs"]) == (7874, 7874, 1), "dots per metre"
        assert b"IEND" in found


def test_an_element_brings_nothing_that_a_page_would_fetch_or_stumble_over(figures: dict[str, str]) -> None:
    for name, svg in figures.items():
        root = ElementTree.fromstring(svg)
        assert (root.tag, root.attrib["role"]) == ("svg", "img")
        assert not {"width", "height"} & root.attrib.keys(), "as wide as its place"
        assert not re.search(r"<style|<metadata|<!|xmlns|https?:", svg), name
        assert all(reference.startswith("#") for reference in re.findall(r'(?:href="|url\()([^")]*)', svg))
        assert "var(--ink)" in svg
        assert not re.search("#1b1f24|#000000", svg), "the page decides what is light and what is dark"
    ids = [found for svg in figures.values() for found in re.findall(r' id="([^"]*)"', svg)]
    assert len(ids) == len(set(ids)), "no figure refers to another one's parts"
    for svg in figures.values():
        assert set(re.findall(r' id="([^"]*)"', svg)) == set(re.findall(r'(?:href="|url\()#([^")]*)', svg))


def test_the_same_record_gives_the_same_bytes(
    figures: dict[str, str], files: list[Path], curve: Path, tmp_path: Path
) -> None:
    assert svg_figures(METRICS, curve) == figures
    again = write_plots(tmp_path, {key: METRICS[key] for key in ("scores", "confusion")})
    assert [path.read_bytes() for path in again] == [files[number].read_bytes() for number in (0, 2)]


def test_nobodys_settings_are_changed_or_matter(figures: dict[str, str], tmp_path: Path) -> None:
    metrics = {"scores": METRICS["scores"]}
    with matplotlib.rc_context({"font.size": 20.0, "axes.facecolor": "red", "svg.fonttype": "path"}):
        held = dict(matplotlib.rcParams)
        assert svg_figures(metrics) == {"roles": figures["roles"]}
        write_plots(tmp_path, metrics)
        assert dict(matplotlib.rcParams) == held


def test_an_import_changes_no_setting_and_starts_no_window() -> None:
    program = (
        "import sys, matplotlib\nkeys = ('font.size', 'svg.fonttype', 'svg.hashsalt', 'text.parse_math')\n"
        "before = [matplotlib.rcParams[key] for key in keys]\n"
        "import conflict_events.reports.plots\n"
        "assert [matplotlib.rcParams[key] for key in keys] == before\n"
        "assert not {'matplotlib.pyplot', 'torch'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr

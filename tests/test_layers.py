"""The order of the house: a module imports strictly lower layers only, and the lower ones bring no torch."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = "conflict_events"
SOURCE = ROOT / "src" / PACKAGE

# From the ground up; a room (a module, or a package with all its modules) may import rooms of earlier lines only.
# The modules within a package may import each other, without cycles.
RANKS: tuple[tuple[str, ...], ...] = (
    ("errors", "digests"),  # layer 0
    ("schema",),  # 1
    ("labels", "text", "config", "extraction"),  # 2
    ("metrics",),  # 3, below the corpora that measure their annotators' agreement
    ("corpora", "articles", "tables", "windows", "hub", "checkpoint", "confidence"),  # 3
    (
        "decoding",
        "scores",
        "writers",
        "incidents",
        "fillers",
        "weights",
        "screening",
    ),  # 3, too: they work on windows, tables, events
    ("model", "linking", "terminal", "reports"),  # 4
    ("engines", "baselines", "model_card"),  # 4, too: they load what model and linking know
    ("tagging",),  # 5
    ("training", "extractor"),  # 6
    ("evaluation", "batch", "exporting", "handler"),  # 7
    ("publishing", "benchmark"),  # 8
    ("__init__",),  # the front door
)
RANK = {room: number for number, rooms in enumerate(RANKS) for room in rooms}
HIGHEST_WITHOUT_TORCH = RANK["decoding"]
HEAVY = ("torch", "transformers", "hydra", "omegaconf")


def module_files() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    files = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports(source: str, module: str, is_package: bool, known: set[str]) -> set[str]:
    """The modules of this package that a module imports, anywhere: in functions and under TYPE_CHECKING, too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*up, *([base] if base else [])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {name if name in known else base for name in names}
    return {name for name in found if name.split(".")[0] == PACKAGE}


def outside_imports(source: str) -> set[str]:
    """The top-level names of everything that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


def graph() -> dict[str, set[str]]:
    files = module_files()
    return {
        module: imports(path.read_text("utf-8"), module, path.stem == "__init__", set(files))
        for module, path in files.items()
    }


def wrong_ways(edges: Mapping[str, set[str]]) -> list[str]:
    return [
        f"{module} (rank {RANK[room(module)]}) imports {target} (rank {RANK[room(target)]})"
        for module, targets in sorted(edges.items())
        for target in sorted(targets)
        if room(module) != room(target) and RANK[room(target)] >= RANK[room(module)]
    ]


def cycle(edges: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter({module: targets - {module} for module, targets in edges.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_module_has_a_rank() -> None:
    assert len(RANK) == sum(map(len, RANKS)), "a room stands in two ranks"
    unknown = sorted({room(module) for module in module_files()} - RANK.keys())
    assert unknown == [], "a new module needs a place in RANKS: the lowest line above everything that it imports"


def test_every_module_imports_strictly_lower_layers_only() -> None:
    assert wrong_ways(graph()) == []


def test_no_module_imports_itself_by_a_detour() -> None:
    assert cycle(graph()) == []


def test_the_extractor_and_training_do_not_know_each_other() -> None:
    edges = graph()
    assert f"{PACKAGE}.training" not in edges[f"{PACKAGE}.extractor"]
    assert f"{PACKAGE}.extractor" not in edges[f"{PACKAGE}.training"]


def test_config_alone_knows_hydra() -> None:
    knowing = {
        module
        for module, path in module_files().items()
        if {"hydra", "omegaconf"} & outside_imports(path.read_text("utf-8"))
    }
    assert knowing == {f"{PACKAGE}.config"}


def test_the_lower_layers_bring_no_torch_and_no_hydra() -> None:
    lower = [module for module in module_files() if RANK[room(module)] <= HIGHEST_WITHOUT_TORCH]
    assert {"schema", "corpora", "decoding", "metrics"} <= {room(module) for module in lower}
    program = (
        "import importlib, json, sys\n"
        f"for name in {['conflict_events', *lower]!r}: importlib.import_module(name)\n"
        f"print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


# The checks themselves


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import conflict_events.hub as h", {"conflict_events.hub"}),
        ("def f():\n    from conflict_events.hub import resolve", {"conflict_events.hub"}),
        ("if TYPE_CHECKING:\n    from conflict_events.hub import resolve", {"conflict_events.hub"}),
        (
            "from conflict_events.corpora import jsonl, load",
            {"conflict_events.corpora", "conflict_events.corpora.jsonl"},
        ),
        ("from . import jsonl", {"conflict_events.corpora.jsonl"}),
        ("from ..hub import resolve", {"conflict_events.hub"}),
        ("from conflict_events import Span", {"conflict_events"}),
        ("import json, conflict_events_extra", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, expected: set[str]) -> None:
    known = {"conflict_events", "conflict_events.hub", "conflict_events.corpora", "conflict_events.corpora.jsonl"}
    assert imports(source, "conflict_events.corpora.muc4", False, known) == expected


def test_a_relative_import_of_a_package_counts_from_itself() -> None:
    known = {"conflict_events.corpora.jsonl", "conflict_events.hub"}
    assert imports("from . import jsonl", "conflict_events.corpora", True, known) == {"conflict_events.corpora.jsonl"}
    assert imports("from .. import hub", "conflict_events.corpora", True, known) == {"conflict_events.hub"}


def test_a_wrong_way_and_a_cycle_are_seen() -> None:
    assert wrong_ways({f"{PACKAGE}.hub": {f"{PACKAGE}.errors"}}) == []
    assert len(wrong_ways({f"{PACKAGE}.hub": {f"{PACKAGE}.extractor", f"{PACKAGE}.writers"}})) == 2
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}

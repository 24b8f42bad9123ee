"""How the values of a ``metrics.json`` show in Markdown tables.

A score shows as its F1, any other fraction as it is, both in percent; what is not there, or has nothing annotated to be
measured by, shows as a dash. ``interval`` adds the 95 % interval, ``seeds`` the value of every seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SHOWN = ("f1", "interval", "seeds")


def look_up(metrics: Mapping[str, Any], path: str) -> Any:
    """The value at a path of keys, parted by dots; None if there is none."""
    value: Any = metrics
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def cell(value: Any, how: str = "f1") -> str:
    """What a table shows of a value, in one of the ways of ``SHOWN``."""
    if value is None:
        return "–"
    if not isinstance(value, Mapping):
        return percent(value)
    if value.get("support") == 0:
        return "–"  # nothing is annotated
    shown = percent(value["f1"])
    if how == "interval" and "low" in value:
        return f"{shown} [{percent(value['low'])}, {percent(value['high'])}]"
    if how == "seeds" and "f1_by_seed" in value:
        return f"{shown} ({', '.join(map(percent, value['f1_by_seed']))})"
    return shown


def percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are taken as they are."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)

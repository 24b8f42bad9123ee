"""Two systems on the same documents: every score's difference, how sure it is, and the documents that changed.

A system is one run or several seeds; of seeds, means are compared. Intervals and p come from a paired bootstrap over
documents (:func:`conflict_events.metrics.bootstrap.difference`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from conflict_events.config import EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError
from conflict_events.evaluation.changes import changes
from conflict_events.evaluation.counts import run_counts, statistic
from conflict_events.evaluation.records import load_run
from conflict_events.evaluation.results import Gold, Run
from conflict_events.metrics.bootstrap import difference, interval
from conflict_events.metrics.score import Counts
from conflict_events.writers import write_json

COMPARISON = "compare.json"
_PREFIXES = ("scores.", "events.exact.", "entities.")  # other ways to match say the same more loosely


@dataclass(frozen=True)
class System:
    """The runs of one system, and its counts by path."""

    runs: Sequence[Run]
    counts: Sequence[Mapping[str, Counts]]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> System:
        return cls(runs, [run_counts(run) for run in runs])

    @property
    def name(self) -> str:
        return ", ".join(dict.fromkeys(run.name for run in self.runs))

    def of_path(self, path: str) -> list[Counts]:
        """The counts of every run."""
        return [counts[path] for counts in self.counts]

    def scores(self) -> dict[str, Any]:
        """``{path: {"value", "low", "high"}}``."""
        paths = [path for path in self.counts[0] if path.startswith(_PREFIXES)]
        return {path: asdict(interval(self.of_path(path), statistic(path))) for path in paths}

    def value(self, path: str) -> float:
        """The mean score."""
        return float(np.mean([statistic(path)(counts.sum(axis=0)[None])[0] for counts in self.of_path(path)]))


def compare(config: EvaluateConfig, corpus: Corpus) -> dict[str, Any]:
    """Compare the two systems of ``config.compare`` and write ``compare.json`` into ``config.output_dir``.

    Raises:
        ConfigError: if there are not two systems; if one was scored on other documents or another annotation than
            ``config.split`` of the corpus; if they score different roles.
        InputError: if a folder is not one of an evaluation.
        DataError: if predictions do not belong to the documents.
    """
    gold = Gold.of(corpus, config.split, config.limit)
    one, other = (
        System.of([load_run(Path(folder), gold) for folder in group]) for group in _groups(config.compare or [])
    )
    record = gold.to_record() | {
        "a": {"model": one.name, "seeds": len(one.runs)},
        "b": {"model": other.name, "seeds": len(other.runs)},
        "differences": differences(one, other),
        "changes": changes(one.runs, other.runs),
    }
    write_json(Path(config.output_dir) / COMPARISON, record)
    return record


def differences(one: System, other: System) -> dict[str, Any]:
    """``{path: {"a", "b", "difference", "low", "high", "p"}}``; differences are the first minus the second.

    Paths are those of ``metrics.json``: strict scores and, where both systems find events, event scores.

    Raises:
        ConfigError: if the systems score different roles.
    """
    if len({run.roles for run in (*one.runs, *other.runs)}) > 1:
        raise ConfigError(
            f"{one.name!r} scores {', '.join(one.runs[0].roles)}, {other.name!r} {', '.join(other.runs[0].roles)}",
            remedy="compare systems with the same roles",
        )
    held = [counts.keys() for counts in (*one.counts, *other.counts)]
    paths = [path for path in held[0] if path.startswith(_PREFIXES) and all(path in keys for keys in held)]
    record = {}
    for path in paths:
        found = difference(one.of_path(path), other.of_path(path), statistic(path))
        record[path] = {
            "a": one.value(path),
            "b": other.value(path),
            "difference": found.value,
            "low": found.low,
            "high": found.high,
            "p": found.p,
        }
    return record


def is_sure(found: Mapping[str, Any]) -> bool:
    """Whether the interval of a difference leaves out 0."""
    return bool(found["low"] > 0 or found["high"] < 0)


def _groups(given: Sequence[Any]) -> list[list[str]]:
    """The folders of each of two systems."""
    groups = [[item] if isinstance(item, str) else item for item in given]
    if len(groups) != 2 or not all(
        isinstance(group, list) and group and all(isinstance(folder, str) for folder in group) for group in groups
    ):
        raise ConfigError(
            f"compare={given} does not name two systems",
            remedy="give two folders, compare=[a,b], or two lists of folders, compare=[[a13,a14],[b13,b14]]",
        )
    return groups

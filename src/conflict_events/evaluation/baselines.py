"""Baselines trained and scored on the same split, and whether the model is better than each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conflict_events.baselines import Options, create, fitted
from conflict_events.config import EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.errors import ConfigError
from conflict_events.evaluation.compare import System, differences, is_sure
from conflict_events.evaluation.results import Gold, Run
from conflict_events.evaluation.scoring import predicted_run, scored, scored_runs
from conflict_events.extractor import EventExtractor
from conflict_events.writers import write_json

SUMMARY = "baselines.json"
_MODEL = "model"


def evaluate_baselines(config: EvaluateConfig, corpus: Corpus, also: Sequence[Corpus] = ()) -> list[dict[str, Any]]:
    """Train every baseline of ``config.baselines``, score it, and compare the model with it, if one is given.

    Each system has a folder of its own below ``config.output_dir`` with ``predictions.jsonl`` and ``metrics.json``;
    ``baselines.json`` holds the summary.

    Args:
        config: what to do.
        corpus: that baselines are fitted to, and scored on.
        also: further corpora that they are scored on, with the same roles; each has a folder of its name below
            ``config.output_dir``.

    Returns:
        The summary of each corpus.

    Raises:
        ConfigError: if a baseline is unknown, or lacks what it needs (a package, or ``nearest`` a model), before
            anything is trained; and as :func:`conflict_events.evaluation.scoring.evaluate`.
    """
    output = Path(config.output_dir)
    boards = [_Board(Gold.of(corpus, config.split, config.limit), output)]
    boards += [_Board(Gold.of(other, config.split, config.limit), output / other.config.name) for other in also]
    names = list(dict.fromkeys(config.baselines or ()))
    folders = [board.folder for board in boards[1:]] + [output / name for name in (*names, _MODEL)]
    if len(set(folders)) < len(folders):
        raise ConfigError(
            f"corpora {', '.join(other.config.name for other in also)}: two would be written into one folder",
            remedy="give each a name of its own (+also.NAME.name=OTHER)",
        )
    if config.by is not None:
        for board in boards:
            board.gold.grouped(config.by)  # a key that is not there is told before anything is trained
    extractor = EventExtractor.from_config(config.model) if config.model.path else None
    options = Options(bf16=config.bf16, extractor=extractor)
    for name in names:
        create(name, options)  # what is unknown or missing is told before anything is trained
    for board in boards:
        if runs := scored_runs(config, board.gold, board.folder / _MODEL):
            board.add(_MODEL, runs, config.by)
    for name in tqdm(names, unit=" baselines", disable=None):
        baseline = fitted(name, corpus, config.seed, options)
        for board in boards:
            found = baseline.predict([document.text for document in board.gold.documents])
            gold, folder = board.gold, board.folder / name
            board.add(name, [predicted_run(found, gold, folder, name, gold.has_events, board.roles)], config.by)
    return [board.finish() for board in boards]


@dataclass(frozen=True)
class _Board:
    """The systems that were scored on one corpus."""

    gold: Gold
    folder: Path
    systems: dict[str, System] = field(default_factory=dict)

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of the model, if there is one, so that baselines can be compared with it."""
        return self.systems[_MODEL].runs[0].roles if _MODEL in self.systems else self.gold.roles

    def add(self, name: str, runs: Sequence[Run], by: str | None) -> None:
        self.systems[name] = System.of(runs)
        scored(runs, self.gold, self.folder / name, by)

    def finish(self) -> dict[str, Any]:
        """The summary, written."""
        record = self.gold.to_record() | {
            "systems": {name: system.scores() for name, system in self.systems.items()},
            "differences": _leads(self.systems) if _MODEL in self.systems else {},
        }
        write_json(self.folder / SUMMARY, record)
        return record


def _leads(systems: Mapping[str, System]) -> dict[str, Any]:
    """The model's lead over every baseline."""
    model = systems[_MODEL]
    return {
        name: {path: found | {"verdict": _verdict(found)} for path, found in differences(model, system).items()}
        for name, system in systems.items()
        if name != _MODEL
    }


def _verdict(found: Mapping[str, Any]) -> str:
    """``better``, ``worse``, or ``not surely better`` where the interval of the difference holds 0."""
    if not is_sure(found):
        return "not surely better"
    return "better" if found["difference"] > 0 else "worse"

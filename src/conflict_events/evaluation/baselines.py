"""Baselines trained and scored on the same split, and whether the model is better than each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from conflict_events.baselines import Options, create, run_baseline
from conflict_events.config import EvaluateConfig
from conflict_events.corpora import Corpus
from conflict_events.evaluation.compare import System, differences, is_sure
from conflict_events.evaluation.results import Gold
from conflict_events.evaluation.scoring import predicted_run, scored, scored_runs
from conflict_events.extractor import EventExtractor
from conflict_events.writers import write_json

SUMMARY = "baselines.json"
_MODEL = "model"


def evaluate_baselines(config: EvaluateConfig, corpus: Corpus) -> dict[str, Any]:
    """Train every baseline of ``config.baselines``, score it, and compare the model with it, if one is given.

    Each system has a folder of its own below ``config.output_dir`` with ``predictions.jsonl`` and ``metrics.json``;
    ``baselines.json`` holds the summary.

    Raises:
        ConfigError: if a baseline is unknown, or lacks what it needs (a package, or ``nearest`` a model), before
            anything is trained; and as :func:`conflict_events.evaluation.scoring.evaluate`.
    """
    gold, folder = Gold.of(corpus, config.split, config.limit), Path(config.output_dir)
    names = list(dict.fromkeys(config.baselines or ()))
    extractor = EventExtractor.from_config(config.model) if config.model.path else None
    options = Options(bf16=config.bf16, extractor=extractor)
    for name in names:
        create(name, options)  # what is unknown or missing is told before anything is trained
    systems: dict[str, System] = {}
    if runs := scored_runs(config, gold, folder / _MODEL):
        systems[_MODEL] = System.of(runs)
        scored(runs, gold, folder / _MODEL, config.by)
    for name in tqdm(names, unit=" baselines", disable=None):
        found = run_baseline(name, corpus, config.split, config.seed, limit=config.limit, options=options)
        run = predicted_run(found, gold, folder / name, name, gold.has_events, gold.roles)
        systems[name] = System.of([run])
        scored([run], gold, folder / name, config.by)
    record = gold.to_record() | {
        "systems": {name: system.scores() for name, system in systems.items()},
        "differences": _leads(systems) if _MODEL in systems else {},
    }
    write_json(folder / SUMMARY, record)
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

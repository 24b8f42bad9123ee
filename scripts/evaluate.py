"""Score a system on a split of a corpus, compare systems, run baselines. Settings: configs/evaluate.yaml."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig

from conflict_events.config import EvaluateConfig, register, structured
from conflict_events.corpora import load
from conflict_events.evaluation.baselines import evaluate_baselines
from conflict_events.evaluation.compare import compare
from conflict_events.evaluation.scoring import evaluate
from conflict_events.evaluation.tables import write_tables
from conflict_events.reports.comparison import write_comparison_report
from conflict_events.reports.evaluation import write_evaluation_report
from conflict_events.reports.plots import write_plots
from conflict_events.terminal import (
    baseline_table,
    changes_table,
    comparison_table,
    display,
    error_table,
    event_table,
    plain_errors,
    score_table,
)

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate")
def main(cfg: DictConfig) -> None:
    """Do what the config asks for, show the tables, and say where everything is."""
    with plain_errors():
        config = structured(cfg, EvaluateConfig)
        if config.tables is not None:
            display(*(f"{page}: tables filled" for page in write_tables(Path(config.tables))))
        elif config.compare is not None:
            _compare(config)
        elif config.baselines is not None:
            also = [load(other) for other in config.also.values()]
            display(*map(baseline_table, evaluate_baselines(config, load(config.corpus), also)))
        else:
            _evaluate(config)
        if config.tables is None:
            display(f"written to {config.output_dir}")


def _evaluate(config: EvaluateConfig) -> None:
    evaluation = evaluate(config, load(config.corpus))
    metrics, title = evaluation.metrics, f"{config.corpus.name} {config.split}"
    display(score_table(metrics["scores"], f"{title}: strict seqeval"))
    if metrics["events"] is not None:
        display(event_table(metrics["events"], f"{title}: events"))
    if metrics["entities"] is not None:
        entities = metrics["entities"]
        display(score_table({"roles": entities["micro"], "per_role": entities["per_role"]}, f"{title}: CEAF-REE"))
    display(error_table(metrics["errors"], f"{title}: errors"))
    for value, group in metrics.get("by", {}).items():
        display(score_table(group["scores"], f"{config.by} = {value}"))
    folder = Path(config.output_dir)
    curve = Path(config.learning_curve) if config.learning_curve is not None else None
    write_plots(folder / "plots", metrics, curve)
    write_evaluation_report(
        folder / "report.html",
        metrics,
        evaluation.documents,
        evaluation.spans,
        evaluation.events,
        evaluation.errors,
        curve,
    )


def _compare(config: EvaluateConfig) -> None:
    corpus = load(config.corpus)
    record = compare(config, corpus)
    display(comparison_table(record), changes_table(record))
    write_comparison_report(Path(config.output_dir) / "compare.html", record, corpus.split(config.split))


if __name__ == "__main__":
    main()

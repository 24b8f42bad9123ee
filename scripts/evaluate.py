"""Score a checkpoint on a split of a corpus. Settings: configs/evaluate.yaml."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from conflict_events.config import EvaluateConfig, register, structured
from conflict_events.corpora import load
from conflict_events.evaluation import evaluate
from conflict_events.terminal import display, event_table, plain_errors, score_table

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate")
def main(cfg: DictConfig) -> None:
    """Score, show the tables, and write metrics.json."""
    with plain_errors():
        config = structured(cfg, EvaluateConfig)
        metrics = evaluate(config, load(config.corpus))
        title = f"{config.corpus.name} {config.split}: strict seqeval"
        display(score_table(metrics["scores"], title))
        if "events" in metrics:
            display(event_table(metrics["events"], f"{config.corpus.name} {config.split}: events"))
        for value, group in metrics.get("by", {}).items():
            display(score_table(group["scores"], f"{config.by} = {value}"))


if __name__ == "__main__":
    main()

"""Score a checkpoint on a split of a corpus. Settings: configs/evaluate.yaml."""

from __future__ import annotations

import hydra
from omegaconf import DictConfig

from conflict_events.config import EvaluateConfig, register, structured
from conflict_events.corpora import load
from conflict_events.evaluation import evaluate
from conflict_events.terminal import display, plain_errors, score_table

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="evaluate")
def main(cfg: DictConfig) -> None:
    """Score, show the tables, and write metrics.json."""
    with plain_errors():
        config = structured(cfg, EvaluateConfig)
        metrics = evaluate(config, load(config.corpus))
        title = f"{config.corpus.name} {config.split}: strict seqeval"
        display(score_table(metrics["scores"], title))
        for value, scores in metrics.get("by", {}).items():
            display(score_table(scores, f"{config.by} = {value}"))


if __name__ == "__main__":
    main()

"""Fine-tune a token classifier on an annotated corpus. Settings: configs/train.yaml."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from conflict_events.config import TrainConfig, register, structured
from conflict_events.corpora import load
from conflict_events.corpora.convert import list_left_out
from conflict_events.terminal import display, plain_errors, score_table
from conflict_events.training import train

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(cfg: DictConfig) -> float:
    """Train, show the scores, and return the dev role micro-F1 (for sweeps)."""
    with plain_errors():
        config = structured(cfg, TrainConfig)
        corpus = load(config.corpus)
        result = train(config, corpus)
        if result.is_writer:
            list_left_out(corpus.left_out, Path(config.output_dir), display)
            OmegaConf.save(cfg, Path(config.output_dir) / "config.yaml", resolve=True)
            for split in result.scored:
                title = f"{config.corpus.name} {split}, seed {config.training.seed}: strict seqeval"
                display(score_table(result.metrics[split], title))
            display(f"checkpoint: {result.checkpoint}")
        return float(result.metrics["dev"]["roles"]["f1"])


if __name__ == "__main__":
    main()

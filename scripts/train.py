"""Fine-tune a token classifier on an annotated corpus. Settings: configs/train.yaml."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf

from conflict_events.config import TrainConfig, register, structured
from conflict_events.corpora import load
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
            if corpus.left_out:
                path = Path(config.output_dir) / "left_out.txt"
                path.write_text("".join(f"{line}\n" for line in corpus.left_out), "utf-8")
                display(f"{len(corpus.left_out)} records or annotations of the corpus were left out: {path}")
            OmegaConf.save(cfg, Path(config.output_dir) / "config.yaml", resolve=True)
            for split in result.scored:
                title = f"{config.corpus.name} {split}, seed {config.training.seed}: strict seqeval"
                display(score_table(result.metrics[split], title))
            display(f"checkpoint: {result.checkpoint}")
        return float(result.metrics["dev"]["roles"]["f1"])


if __name__ == "__main__":
    main()

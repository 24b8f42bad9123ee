"""Extract events from new articles. Settings: configs/predict.yaml.

Exit codes: 0 everything was done; 3 everything but the records in the error file; 1 an error, 130 Ctrl-C: what is on
the disk stays, and the same command goes on there.
"""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig

from conflict_events.articles import Article
from conflict_events.batch.layout import Layout
from conflict_events.batch.run import run
from conflict_events.batch.summary import Exit
from conflict_events.config import PredictConfig, register, structured
from conflict_events.extraction import Extraction
from conflict_events.terminal import display, plain_errors, show_extraction

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="predict")
def main(cfg: DictConfig) -> None:
    """Extract, show the first articles if asked, and say what was done."""
    with plain_errors():
        config = structured(cfg, PredictConfig)
        shown: list[tuple[Article, Extraction]] = []
        try:
            summary = run(config, lambda *pair: shown.append(pair))
        except KeyboardInterrupt:
            again = "this command without runner.restart=true" if config.runner.restart else "the same command"
            display(f"interrupted; {again} goes on where the last whole shard ended")
            sys.exit(Exit.INTERRUPTED)
        for article, extraction in shown:
            display(show_extraction(article.text, extraction))
        display(f"{summary}; written to {config.output}")
        if summary.counts.bad:
            display(f"reasons for the bad records: {Layout.of(config).errors}")
        if summary.exit:
            sys.exit(summary.exit)


if __name__ == "__main__":
    main()

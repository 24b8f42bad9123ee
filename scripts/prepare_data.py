"""Make a corpus ready: fetch, compile, convert, describe and check it. Settings: configs/prepare.yaml."""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from conflict_events.config import PrepareConfig, register, structured
from conflict_events.corpora import load
from conflict_events.corpora.prepare import prepare
from conflict_events.corpora.validate import validate
from conflict_events.reports.corpus import write_corpus_report
from conflict_events.reports.dataset_card import write_dataset
from conflict_events.terminal import display, plain_errors

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="prepare")
def main(cfg: DictConfig) -> None:
    """Prepare; with check=true, list every problem and end with status 1 if there are any."""
    with plain_errors():
        config = structured(cfg, PrepareConfig)
        prepare(config, display)
        if config.dataset is not None or config.report is not None:
            corpus = load(config.corpus)
            if config.dataset is not None:
                write_dataset(corpus, Path(config.dataset))
                display(f"{config.dataset}: dataset and card")
            if config.report is not None:
                write_corpus_report(corpus, Path(config.report))
                display(f"{config.report}: report")
        if config.check:
            problems = validate(config.corpus)
            display(*map(str, problems))
            display(f"{config.corpus.name}: {len(problems)} problems")
            sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()

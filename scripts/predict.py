"""Extract events from new articles. Settings: configs/predict.yaml."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig

from conflict_events.articles import Article, read_articles
from conflict_events.batch.local import run
from conflict_events.config import PredictConfig, register, structured
from conflict_events.extraction import Extraction
from conflict_events.extractor import EventExtractor
from conflict_events.terminal import display, plain_errors, show_extraction

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="predict")
def main(cfg: DictConfig) -> None:
    """Extract, show the first articles if asked, and say what was done."""
    with plain_errors():
        config = structured(cfg, PredictConfig)
        shown: list[tuple[Article, Extraction]] = []

        def keep(article: Article, extraction: Extraction) -> None:
            if len(shown) < config.show:
                shown.append((article, extraction))

        records = read_articles(config.input, config.text_column, config.id_column)
        errors = Path(config.errors or f"{config.output}.errors.jsonl")
        summary = run(records, EventExtractor.from_config(config.model), Path(config.output), errors, keep)
        for article, extraction in shown:
            display(show_extraction(article.text, extraction))
        display(f"{summary}; written to {config.output}")
        if summary.bad:
            display(f"reasons for the bad records: {errors}")


if __name__ == "__main__":
    main()

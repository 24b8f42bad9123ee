"""Speed side by side: transformers' pipeline, our engines, the machine's peak. Settings: configs/benchmark.yaml."""

from __future__ import annotations

from pathlib import Path

import hydra
from omegaconf import DictConfig

from conflict_events.benchmark import benchmark
from conflict_events.config import BenchmarkConfig, register, structured
from conflict_events.corpora import load
from conflict_events.reports.plots import write_benchmark_plot
from conflict_events.terminal import benchmark_tables, display, plain_errors

register()


@hydra.main(version_base="1.3", config_path="../configs", config_name="benchmark")
def main(cfg: DictConfig) -> None:
    """Measure, show the tables, and draw the plot."""
    with plain_errors():
        config = structured(cfg, BenchmarkConfig)
        record = benchmark(config, load(config.corpus))
        display(*benchmark_tables(record))
        if "inference" in record:
            write_benchmark_plot(Path(config.output_dir) / "benchmark.png", record)
        display(f"written to {config.output_dir}")


if __name__ == "__main__":
    main()

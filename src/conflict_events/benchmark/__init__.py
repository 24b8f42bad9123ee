"""Speed, side by side in one run: what users would take instead, this package's engines, and the machine's own peak.

Machines are shared and noisy: systems take turns on the same texts, the fastest turn of each counts, and what is told
are ratios.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conflict_events.benchmark.inference import inference
from conflict_events.benchmark.peaks import flops_per_token, peaks
from conflict_events.benchmark.starting import starting
from conflict_events.benchmark.training import training
from conflict_events.config import BenchmarkConfig
from conflict_events.corpora import Corpus
from conflict_events.hub import resolve
from conflict_events.writers import write_json

RECORD = "benchmark.json"


def benchmark(config: BenchmarkConfig, corpus: Corpus) -> dict[str, Any]:
    """Measure what ``config.parts`` names and write ``benchmark.json`` into ``config.output_dir``.

    Returns:
        What the file holds: ``peaks`` (GFLOP/s and GOP/s), ``inference`` (tokens/s of each system at each article
        length, its ratio to the pipeline, and the share of the peak that its multiplications reach), ``starting``
        (seconds of a new process to its first result), ``training`` (tokens/s).

    Raises:
        CheckpointError: if the checkpoint cannot be loaded, or has no ``onnx/`` for the engine that needs it.
        ConfigError: if the corpus has no text in the split.
    """
    folder = resolve(config.model.path, config.model.revision, onnx=True)
    record: dict[str, Any] = {"model": config.model.path, "threads": config.threads, "rounds": config.rounds}
    record["peaks"] = peaks(config.threads)
    if "inference" in config.parts:
        texts = [document.text for document in corpus.split(config.split)]
        record["inference"] = inference(config, folder, texts)
        _add_shares(record, flops_per_token(folder))
    if "starting" in config.parts:
        record["starting"] = starting(folder, config.rounds)
    if "training" in config.parts:
        record["training"] = training(config, corpus)
    write_json(Path(config.output_dir) / RECORD, record)
    return record


def _add_shares(record: dict[str, Any], flops: float | None) -> None:
    """The share of the machine's peak that each system's multiplications are."""
    kinds = {"bare_pipeline": "fp32", "pipeline": "fp32", "torch": "fp32", "onnx": "int8"}
    for systems in record["inference"].values():
        for name, found in systems.items():
            peak = record["peaks"][kinds[name]]
            found["share_of_peak"] = None if flops is None or not peak else found["tokens_per_second"] * flops / peak

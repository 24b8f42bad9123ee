"""The benchmark: fair turns, honest ratios, and what it refuses. The figures themselves are a machine's."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from conflict_events.benchmark import benchmark
from conflict_events.benchmark.inference import articles_of
from conflict_events.benchmark.peaks import flops_per_token, peaks
from conflict_events.config import BenchmarkConfig, CheckpointConfig, CorpusConfig
from conflict_events.corpora import load
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.reports.plots import write_benchmark_plot


def test_articles_have_the_words_asked_for_and_begin_again_where_texts_end() -> None:
    articles = list(articles_of(["one two  three", "", "four"], 3, 3))
    assert articles == ["one two three", "four one two", "three four one"]


def test_without_words_there_is_nothing_to_measure() -> None:
    with pytest.raises(ConfigError, match="no text to measure with"):
        list(islice(articles_of(["", "  "], 3, 1), 1))


def test_the_cost_of_a_token_is_that_of_the_weight_matrices(tmp_path: Path) -> None:
    config = {"num_hidden_layers": 6, "hidden_size": 384, "intermediate_size": 1536}
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    assert flops_per_token(tmp_path) == 2 * 6 * (4 * 384**2 + 2 * 384 * 1536) == 21_233_664
    (tmp_path / "config.json").write_text(json.dumps({"n_layers": 6}), "utf-8")
    assert flops_per_token(tmp_path) is None


def test_peaks_are_of_both_precisions() -> None:
    found = peaks(1)
    assert set(found) == {"fp32", "int8"}
    assert all(1e9 < peak < 1e14 for peak in found.values())


@pytest.mark.parametrize(
    "wrong", [{"parts": ["speed"]}, {"systems": ["onnx", "gpu"]}, {"rounds": 0}, {"lengths": [100, 0]}]
)
def test_settings_that_make_no_benchmark_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        BenchmarkConfig(**wrong)  # type: ignore[arg-type]


def test_systems_take_turns_on_the_same_articles(
    tiny_checkpoint: Path, tiny_corpus: CorpusConfig, tmp_path: Path
) -> None:
    config = BenchmarkConfig(
        model=CheckpointConfig(path=str(tiny_checkpoint)), corpus=tiny_corpus, parts=["inference"],
        systems=["bare_pipeline", "pipeline", "torch"], lengths=[10, 40], words=80, rounds=2, threads=1,
        output_dir=str(tmp_path),
    )  # fmt: skip
    record = benchmark(config, load(tiny_corpus))
    assert json.loads((tmp_path / "benchmark.json").read_text("utf-8")) == record
    assert list(record["inference"]) == ["10", "40"]
    for words, articles in (("10", 8), ("40", 2)):
        systems = record["inference"][words]
        assert list(systems) == ["bare_pipeline", "pipeline", "torch"]
        assert systems["pipeline"]["ratio"] == 1.0
        assert {found["articles"] for found in systems.values()} == {articles}
        assert len({found["tokens"] for found in systems.values()}) == 1
        for found in systems.values():
            assert len(found["seconds"]) == 2
            assert found["tokens_per_second"] == pytest.approx(found["tokens"] / min(found["seconds"]))
        ratio = min(systems["pipeline"]["seconds"]) / min(systems["torch"]["seconds"])
        assert systems["torch"]["ratio"] == pytest.approx(ratio)
    write_benchmark_plot(tmp_path / "plots" / "benchmark.png", record)
    assert (tmp_path / "plots" / "benchmark.png").read_bytes().startswith(b"\x89PNG")


def test_an_engine_that_the_checkpoint_has_no_graphs_for_is_told(
    tiny_checkpoint: Path, tiny_corpus: CorpusConfig, tmp_path: Path
) -> None:
    config = BenchmarkConfig(
        model=CheckpointConfig(path=str(tiny_checkpoint)), corpus=tiny_corpus, parts=["inference"],
        systems=["onnx"], threads=1, output_dir=str(tmp_path),
    )  # fmt: skip
    with pytest.raises(CheckpointError, match=r"onnx/export\.json.*export_onnx\.py"):
        benchmark(config, load(tiny_corpus))

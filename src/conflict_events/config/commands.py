"""The settings of each script, and of a checkpoint in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conflict_events.config.groups import (
    MISSING,
    CorpusConfig,
    DecodingConfig,
    LinkerConfig,
    ModelConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.errors import ConfigError


@dataclass
class TrainConfig:
    """``scripts/train.py``."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    linker: LinkerConfig = field(default_factory=LinkerConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    output_dir: str = MISSING
    limit: int | None = None  # take only the first documents of each split: for a quick look
    test_split: str | None = "test"  # scored once, at the end; null leaves it unread


@dataclass
class CheckpointConfig:
    """Which checkpoint to use.

    Attributes:
        path: a folder or a Hub id.
        revision: branch, tag or commit on the Hub.
        min_score: overrides the checkpoint's own thresholds.
        merge_mentions: overrides the checkpoint's own setting: whether mentions of one act are grouped.
        device: ``cpu``, ``cuda``, ``mps`` or None for the best present.
        batch_tokens: about how many tokens one pass of the encoder takes.
    """

    path: str = MISSING
    revision: str | None = None
    min_score: float | None = None
    merge_mentions: bool | None = None
    device: str | None = None
    batch_tokens: int = 4096


@dataclass
class EvaluateConfig:
    """``scripts/evaluate.py``: what is scored is one of ``model.path``, ``predictions`` and ``runs``.

    Attributes:
        corpus: with the annotation to score against.
        model: a checkpoint.
        predictions: a file of extraction records of any system.
        runs: folders of evaluations of several seeds of one system, for means over them.
        split: of the corpus.
        by: a key of the documents' meta to report by, e.g. source, region or style.
        limit: score only the first documents.
        output_dir: where everything is written.
        learning_curve: a CSV file with the columns ``series, documents, f1`` to draw in the report.
        compare: two systems on the same documents, each a folder of an evaluation, or a list of folders (seeds).
        baselines: which of ``conflict_events.baselines`` to train and score, beside what else is scored.
        seed: of the baselines.
        bf16: train the baselines that have an encoder in mixed precision.
        tables: a folder of results with a ``tables.json``: fill the tables of the pages that it names.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: CheckpointConfig = field(default_factory=lambda: CheckpointConfig(path=""))  # none: other things to score
    predictions: str | None = None
    runs: list[str] | None = None
    split: str = "test"
    by: str | None = None
    limit: int | None = None
    output_dir: str = MISSING
    learning_curve: str | None = None
    compare: list[Any] | None = None
    baselines: list[str] | None = None
    seed: int = 13
    bf16: bool = False
    tables: str | None = None

    def __post_init__(self) -> None:
        systems = [name for name in ("predictions", "runs") if getattr(self, name) is not None]
        systems += ["model.path"] if self.model.path else []
        tasks = [name for name in ("compare", "baselines", "tables") if getattr(self, name) is not None]
        if len(systems) > 1 or len(tasks) > 1 or (systems and tasks and tasks != ["baselines"]):
            raise ConfigError(
                f"{', '.join([*systems, *tasks])} cannot be done at once", remedy="run the command once for each"
            )


@dataclass
class PredictConfig:
    """``scripts/predict.py``.

    Attributes:
        input: a ``.txt`` file, a folder of them, ``.jsonl`` or ``.csv``; ``-`` reads JSONL from standard input.
        output: the file to write: ``.jsonl`` (a record an article), ``.csv`` or ``.parquet`` (a row an event).
        show: how many extractions to show in the terminal afterwards, with their spans highlighted.
        errors: where bad records go; None for ``OUTPUT.errors.jsonl``.
        text_column: CSV column or JSONL key of the text.
        id_column: CSV column or JSONL key of the id; where it is absent, ids are made of file and line.
    """

    input: str = MISSING
    output: str = MISSING
    errors: str | None = None
    text_column: str = "text"
    id_column: str = "id"
    show: int = 0
    model: CheckpointConfig = field(default_factory=CheckpointConfig)

    def __post_init__(self) -> None:
        if MISSING != self.input == self.output:
            raise ConfigError(f"output={self.output} is the input", remedy="give the output another name")


@dataclass
class PrepareConfig:
    """``scripts/prepare_data.py``.

    Attributes:
        corpus: the corpus to make ready.
        source_dir: take the texts from this folder instead of downloading them.
        check: validate annotation, splits and hashes.
        compile: rebuild a corpus's JSONL from the marked-up articles below its ``articles/``.
        convert: write the corpus in this format (``jsonl``, ``markup``, ``conll``, ``brat``, ``label_studio``,
            ``doccano`` or ``prodigy``).
        output: the folder that ``convert`` makes.
        shares: with ``convert``, how a corpus without splits is divided into train, dev and test, e.g. [0.8,0.1,0.1].
        dataset: a folder to make, with the corpus as typed Parquet files and a dataset card, ready for the Hub.
        report: an HTML page to write on what the corpus holds.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    source_dir: str | None = None
    check: bool = False
    compile: bool = False
    convert: str | None = None
    output: str | None = None
    shares: list[float] | None = None
    dataset: str | None = None
    report: str | None = None

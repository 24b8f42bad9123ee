"""The settings of each script, and of a checkpoint in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conflict_events.config.groups import (
    MISSING,
    CorpusConfig,
    DecodingConfig,
    DistillationConfig,
    EngineKind,
    FirstConfig,
    LinkerConfig,
    ModelConfig,
    RunnerConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.errors import ConfigError

_PARTS = ("inference", "starting", "training")
_SYSTEMS = ("bare_pipeline", "pipeline", "torch", "onnx")


@dataclass
class TrainConfig:
    """``scripts/train.py``.

    Attributes:
        corpus: what is learnt.
        model: the encoder that it is learnt on.
        linker: that gives events their arguments and types.
        window: how documents are cut.
        decoding: how scores become spans.
        training: how long and how fast.
        first: another corpus that the encoder learns before; its labels are forgotten.
        distillation: a teacher beside the annotation.
        output_dir: where everything is written.
        limit: take only the first documents of each split: for a quick look.
        test_split: scored once, at the end; null leaves it unread.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    linker: LinkerConfig = field(default_factory=LinkerConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    first: FirstConfig | None = None
    distillation: DistillationConfig = field(default_factory=DistillationConfig)
    output_dir: str = MISSING
    limit: int | None = None
    test_split: str | None = "test"


@dataclass
class CheckpointConfig:
    """Which checkpoint to use.

    Attributes:
        path: a folder or a Hub id; empty for the packaged model.
        revision: branch, tag or commit on the Hub.
        subfolder: where in the folder or repository the checkpoint is.
        label_map: entity types of a checkpoint by others to roles; null drops one.
        min_score: overrides the checkpoint's own thresholds.
        merge_mentions: overrides the checkpoint's own setting: whether mentions of one act are grouped.
        recall_loss: the share of events that may be lost to the first pass; None reads every article.
        device: ``cpu``, ``cuda``, ``mps`` or None for the best present.
        batch_tokens: about how many tokens one pass of the torch engine takes.
        engine: what runs it.
        threads: cores that the onnx engine takes; None for all that the process may use.
    """

    path: str = ""
    revision: str | None = None
    subfolder: str | None = None
    label_map: dict[str, str | None] = field(default_factory=dict)
    min_score: float | None = None
    merge_mentions: bool | None = None
    recall_loss: float | None = None
    device: str | None = None
    batch_tokens: int = 4096
    engine: EngineKind = EngineKind.auto
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads={self.threads} is less than 1")


@dataclass
class EvaluateConfig:
    """``scripts/evaluate.py``: scores one of ``model.path``, ``predictions`` and ``runs``, or else the packaged model.

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
        also: with ``baselines``, further corpora, by any name, that they are scored on without being fitted to them.
        seed: of the baselines.
        bf16: train the baselines that have an encoder in mixed precision.
        tables: a folder of results with a ``tables.json``: fill the tables of the pages that it names.
        engine: the same as ``model.engine``, which takes its value from here.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: CheckpointConfig = field(default_factory=CheckpointConfig)
    predictions: str | None = None
    runs: list[str] | None = None
    split: str = "test"
    by: str | None = None
    limit: int | None = None
    output_dir: str = MISSING
    learning_curve: str | None = None
    compare: list[Any] | None = None
    baselines: list[str] | None = None
    also: dict[str, CorpusConfig] = field(default_factory=dict)
    seed: int = 13
    bf16: bool = False
    tables: str | None = None
    engine: EngineKind = EngineKind.auto

    def __post_init__(self) -> None:
        systems = [name for name in ("predictions", "runs") if getattr(self, name) is not None]
        systems += ["model.path"] if self.model.path else []
        tasks = [name for name in ("compare", "baselines", "tables") if getattr(self, name) is not None]
        if len(systems) > 1 or len(tasks) > 1 or (systems and tasks and tasks != ["baselines"]):
            raise ConfigError(
                f"{', '.join([*systems, *tasks])} cannot be done at once", remedy="run the command once for each"
            )
        if self.also and self.baselines is None:
            raise ConfigError("corpus@also.* goes with baselines=", remedy="run the command once for each corpus")
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit={self.limit} is less than 1", remedy="leave it out for all documents")


@dataclass
class PredictConfig:
    """``scripts/predict.py``.

    Attributes:
        input: a file (``.txt``, ``.jsonl``, ``.csv``, also ``.gz`` and ``.zst``; ``.parquet``), a folder of text files,
            a pattern (``'archive/*.jsonl.gz'``), a list of these, or ``-`` for JSONL on standard input.
        output: the file to write: ``.jsonl`` (a record an article), ``.csv`` or ``.parquet`` (a row an event); any
            other name is a folder of such files.
        show: how many extractions to show in the terminal afterwards, with their spans highlighted.
        errors: where bad records go; None for ``OUTPUT.errors.jsonl``, in a folder ``_errors.jsonl``.
        text_column: JSONL key or column of the text.
        id_column: JSONL key or column of the id; where it is absent, ids are made of file and line. A table must have
            one that is not called ``id``.
        runner: how many articles are worked through.
        engine: the same as ``model.engine``, which takes its value from here.
    """

    input: Any = MISSING
    output: str = MISSING
    errors: str | None = None
    text_column: str = "text"
    id_column: str = "id"
    show: int = 0
    model: CheckpointConfig = field(default_factory=CheckpointConfig)
    runner: RunnerConfig = field(default_factory=RunnerConfig)
    engine: EngineKind = EngineKind.auto

    def __post_init__(self) -> None:
        given = self.input if isinstance(self.input, list) else [self.input]
        if not all(isinstance(path, str) for path in given):
            raise ConfigError(
                f"input={self.input} is no path", remedy="give one, or a list of them; a number as input=./2021"
            )
        if MISSING != self.output in given:
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


@dataclass
class PushConfig:
    """``scripts/push_to_hub.py``.

    Attributes:
        path: a checkpoint: a folder or a Hub id.
        dataset: a folder that ``scripts/prepare_data.py dataset=FOLDER`` has written, in the place of a checkpoint.
        repo_id: where it goes, ``owner/name``.
        private: make a new repository private.
        dry_run: list the files and show the card; nothing is sent.
        branch: of the repository; None for the main one.
        message: of the commit.
        metrics: files ``metrics.json`` of evaluations of the checkpoint, for the card.
        examples: text files that the card shows with what the checkpoint finds in them.
        license: of the checkpoint, as the Hub names it.
        datasets: Hub ids of the corpora it was trained on, by name.
        pack: write what inference with ONNX needs into this new folder instead, as the package carries it.
    """

    path: str | None = None
    dataset: str | None = None
    repo_id: str | None = None
    private: bool = False
    dry_run: bool = False
    branch: str | None = None
    message: str | None = None
    metrics: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    license: str = "apache-2.0"
    datasets: dict[str, str] = field(default_factory=dict)
    pack: str | None = None

    def __post_init__(self) -> None:
        if self.dataset is not None and (self.path is not None or self.pack is not None):
            raise ConfigError(
                "a dataset and a checkpoint cannot be published at once", remedy="run the command once for each"
            )


@dataclass
class ExportConfig:
    """``scripts/export_onnx.py``.

    Attributes:
        path: the folder of a checkpoint; it gets the folder ``onnx/``.
        corpus: on whose articles the exported engine is compared with torch.
        split: of the corpus.
        limit: compare on the first articles only.
        quantize: make graphs in 8 bits, too: a quarter of the size, several times as fast.
        tolerance: the most that any score of the graphs in 32 bits may differ from torch's.
        most_loss: graphs in 8 bits that lose more role F1 on the split than that are not kept.
    """

    path: str = MISSING
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    split: str = "dev"
    limit: int | None = None
    quantize: bool = True
    tolerance: float = 1e-3
    most_loss: float = 0.02


@dataclass
class BenchmarkConfig:
    """``scripts/benchmark.py``.

    Attributes:
        model: a checkpoint with weights for torch and an ``onnx/`` folder; its engine is not looked at.
        corpus: whose texts are read and trained on.
        split: whose texts are read.
        parts: what is measured, of ``inference``, ``starting`` and ``training``.
        systems: that read the articles, of ``bare_pipeline`` (that of transformers as it comes, text by text),
            ``pipeline`` (the same in batches, with windows of the checkpoint's size), ``torch`` and ``onnx``.
        lengths: of the articles, in words.
        words: about how many each system reads at each length.
        rounds: turns that each system takes.
        threads: cores that each may use.
        train_documents: how many both recipes are trained on, for an epoch.
        bf16: train ours in mixed precision.
        output_dir: where ``benchmark.json`` and ``benchmark.png`` go.
    """

    model: CheckpointConfig = field(default_factory=CheckpointConfig)
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    split: str = "test"
    parts: list[str] = field(default_factory=lambda: ["inference", "starting", "training"])
    systems: list[str] = field(default_factory=lambda: list(_SYSTEMS))
    lengths: list[int] = field(default_factory=lambda: [60, 400, 2000])
    words: int = 12000
    rounds: int = 3
    threads: int = 2
    train_documents: int = 64
    bf16: bool = False
    output_dir: str = MISSING

    def __post_init__(self) -> None:
        for name, known in (("parts", _PARTS), ("systems", _SYSTEMS)):
            if unknown := set(getattr(self, name)) - set(known):
                raise ConfigError(f"{name} has {', '.join(sorted(unknown))}", remedy=f"choose from {', '.join(known)}")
        if min([self.words, self.rounds, self.threads, self.train_documents, *self.lengths]) < 1:
            raise ConfigError("words, rounds, threads, train_documents and lengths must be above 0")

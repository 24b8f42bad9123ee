"""Dataclass schemas of every config. Hydra fills them from ``configs/``; nothing else needs Hydra."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeVar

from conflict_events.errors import ConfigError
from conflict_events.schema import TRIGGER, Role

Schema = TypeVar("Schema")
_MISSING: Any = "???"  # OmegaConf's mark for a value that must be given


class Algorithm(Enum):
    """How labels are chosen from scores."""

    viterbi = "viterbi"  # the best sequence that is legal IOB2
    argmax = "argmax"  # the best label of each token; an illegal I- then begins a span, as conlleval reads it


@dataclass
class CorpusConfig:
    """An annotated corpus.

    Attributes:
        name: used in output paths and reports.
        format: which reader of ``conflict_events.corpora`` takes it.
        path: folder of the annotation (``train.jsonl``, ``dev.jsonl``, ``test.jsonl``, or what the reader expects).
        source_dir: folder of the texts, for annotation that is kept apart from them.
        roles: the label set, in order; ``trigger`` is one of them where events are annotated.
        language: ISO 639-1 code, for sentence boundaries.
        train_share: part of the train split that is used, in (0, 1]: the same documents each time, and a smaller
            share is part of a larger one. For learning curves.
        extra: further corpora, by any name, whose train split is added to this one's; theirs is no dev or test.
        label_map: labels of the files to roles or event types; null drops a label. Others are taken in lower case.
        skip_bad: leave out records that cannot be read and list them, rather than stop at the first.
    """

    name: str = _MISSING
    format: str = _MISSING
    path: str = _MISSING
    source_dir: str | None = None
    roles: list[str] = field(default_factory=lambda: [*(role.value for role in Role), TRIGGER])
    language: str = "en"
    train_share: float = 1.0
    extra: dict[str, CorpusConfig] = field(default_factory=dict)
    label_map: dict[str, str | None] = field(default_factory=dict)
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.train_share <= 1.0:
            raise ConfigError(f"corpus.train_share={self.train_share} is outside (0, 1]")


@dataclass
class ModelConfig:
    """The encoder under the token classifier.

    Attributes:
        encoder: ``default`` (the embedded MiniLM), a folder, or a Hub id.
        revision: branch, tag or commit on the Hub.
        add_prefix_space: for byte-level tokenizers, so that the first word is tokenised like any other.
        dropout: probability of every dropout layer of encoder and classifier; None keeps the encoder's own.
        attention_dropout: probability of dropping attention weights, where the encoder has such a setting; None keeps
            the encoder's own.
        attention: how transformers computes attention while training (``eager``, ``sdpa`` ...); None for its default.
        trust_remote_code: lets a Hub repository run its own code here. Off unless you set it.
    """

    encoder: str = "default"
    revision: str | None = None
    add_prefix_space: bool = False
    dropout: float | None = None
    attention_dropout: float | None = None
    attention: str | None = None
    trust_remote_code: bool = False


@dataclass
class WindowConfig:
    """How a document is cut into windows that the encoder can take.

    Attributes:
        max_tokens: longest window, special tokens included.
        overlap: tokens that neighbouring windows share at least.
    """

    max_tokens: int = 256
    overlap: int = 48

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < self.max_tokens // 2:
            raise ConfigError(
                f"window.overlap={self.overlap} does not fit window.max_tokens={self.max_tokens}",
                remedy="choose 0 <= overlap < max_tokens / 2",
            )


@dataclass
class LinkerConfig:
    """The network that gives events their arguments and types, on the encoder's states.

    Attributes:
        enabled: train one, where the corpus annotates events; without it events come from the sentence rule.
        reach: how many tokens to each side of its trigger an event may take arguments from.
        width: of its states.
        layers: transformer layers on them.
        heads: of attention in each.
        dropout: probability.
        loss_weight: weight of its losses beside the tagger's.
    """

    enabled: bool = True
    reach: int = 96
    width: int = 256
    layers: int = 1
    heads: int = 4
    dropout: float = 0.1
    loss_weight: float = 0.3

    def __post_init__(self) -> None:
        if self.width < 1 or self.heads < 1 or self.width % self.heads:
            raise ConfigError(
                f"linker.width={self.width} is not a multiple of linker.heads={self.heads}",
                remedy="choose a width that the heads divide",
            )
        if self.reach < 1 or self.layers < 0:
            raise ConfigError(f"linker.reach={self.reach} or linker.layers={self.layers} is too small")


@dataclass
class DecodingConfig:
    """How token scores become spans.

    Attributes:
        algorithm: ``viterbi`` or ``argmax``.
        whole_words: spans begin and end at word boundaries, never inside a run of letters and digits.
        min_score: spans, arguments and events below this confidence are left out; None for the thresholds that were
            fitted on dev when the checkpoint was trained.
        merge_mentions: events that are mentions of the same act are grouped into incidents, beside the events.
    """

    algorithm: Algorithm = Algorithm.viterbi
    whole_words: bool = True
    min_score: float | None = None
    merge_mentions: bool = False

    def __post_init__(self) -> None:
        if self.min_score is not None and not 0.0 <= self.min_score <= 1.0:
            raise ConfigError(f"decoding.min_score={self.min_score} is outside [0, 1]")


@dataclass
class TrainingConfig:
    """Settings of ``transformers.TrainingArguments``, by its own field names, and the patience of early stopping."""

    num_train_epochs: float = 10.0
    max_steps: int = -1
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    learning_rate: float = 3e-4
    lr_scheduler_type: str = "linear"
    warmup_steps: float = 0.1  # a value below 1 is a share of all steps
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    label_smoothing_factor: float = 0.0
    optim: str = "adamw_torch_fused"
    seed: int = 13
    full_determinism: bool = False
    bf16: bool = False
    train_sampling_strategy: str = "group_by_length"
    dataloader_num_workers: int = 0
    eval_strategy: str = "epoch"
    save_strategy: str = "epoch"
    eval_steps: float | None = None
    save_steps: float = 500
    save_total_limit: int = 1
    load_best_model_at_end: bool = True
    metric_for_best_model: str = "role_f1"
    logging_steps: float = 20
    report_to: str = "none"
    use_cpu: bool = False
    ddp_backend: str | None = None
    resume_from_checkpoint: str | None = None
    early_stopping_patience: int | None = None  # evaluations without a better score; None trains to the end


@dataclass
class TrainConfig:
    """``scripts/train.py``."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    linker: LinkerConfig = field(default_factory=LinkerConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    decoding: DecodingConfig = field(default_factory=DecodingConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    output_dir: str = _MISSING
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

    path: str = _MISSING
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
    output_dir: str = _MISSING
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

    input: str = _MISSING
    output: str = _MISSING
    errors: str | None = None
    text_column: str = "text"
    id_column: str = "id"
    show: int = 0
    model: CheckpointConfig = field(default_factory=CheckpointConfig)

    def __post_init__(self) -> None:
        if _MISSING != self.input == self.output:
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


def structured(config: Any, schema: type[Schema]) -> Schema:
    """A Hydra config as the dataclass that it was composed from.

    Raises:
        ConfigError: if a value that must be given is missing.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import MissingMandatoryValue

    try:
        values = OmegaConf.to_object(config)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None)
        raise ConfigError(f"{key} is missing", remedy=f"add {key}=VALUE to the command") from None
    if not isinstance(values, schema):
        raise ConfigError(f"the config is no {schema.__name__}", remedy="list its schema first in 'defaults'")
    return values


def register() -> None:
    """Put every schema into Hydra's ConfigStore, where the YAML files name them first in their defaults."""
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    # A corpus without a name is called after its folder or file: ${stem:${.path}}
    OmegaConf.register_new_resolver("stem", lambda path: PurePath(path).stem, replace=True)
    store = ConfigStore.instance()
    for name, schema in {
        "train_schema": TrainConfig,
        "evaluate_schema": EvaluateConfig,
        "predict_schema": PredictConfig,
        "prepare_schema": PrepareConfig,
    }.items():
        store.store(name=name, node=schema)
    for group, schema in {"corpus": CorpusConfig, "model": ModelConfig, "training": TrainingConfig}.items():
        store.store(group=group, name=f"{group}_schema", node=schema)
    store.store(group="decoding", name="decoding_schema", node=DecodingConfig)

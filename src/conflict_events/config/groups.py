"""The groups of settings: corpus, model, window, linker, decoding, training."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from conflict_events.errors import ConfigError
from conflict_events.schema import TRIGGER, Role

MISSING: Any = "???"  # OmegaConf's mark for a value that must be given


class Algorithm(Enum):
    """How labels are chosen from scores."""

    viterbi = "viterbi"  # the best sequence that is legal IOB2
    argmax = "argmax"  # the best label of each token; an illegal I- then begins a span, as conlleval reads it


class Runner(Enum):
    """Who does the work of a batch run."""

    local = "local"  # this machine
    ray = "ray"  # a cluster, by Ray Data


class Format(Enum):
    """Of the shards in an output folder."""

    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"


class EngineKind(Enum):
    """What runs a checkpoint's networks."""

    auto = "auto"  # onnx where the checkpoint has an export of its weights and no device but the CPU is asked for
    torch = "torch"
    onnx = "onnx"

    @classmethod
    def of(cls, name: EngineKind | str) -> EngineKind:
        """The engine of that name.

        Raises:
            ConfigError: if there is none.
        """
        try:
            return cls(name)
        except ValueError:
            known = ", ".join(kind.value for kind in cls)
            raise ConfigError(f"there is no engine {name!r}", remedy=f"choose one of {known}") from None


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
        extra: further corpora, by any name, whose train split is added to this one's; theirs is no dev or test. Of
            roles that one of them does not declare nothing is learnt from it, neither that they are there nor that
            they are not; nor of triggers from documents without the layer ``events``, where others have it.
        label_map: labels of the files to roles or event types; null drops a label. Others are taken in lower case.
        every_occurrence: marks the wording of each role span wherever it stands in its document, for annotation that
            marks each wording once.
        skip_bad: leave out records that cannot be read and list them, rather than stop at the first.
    """

    name: str = MISSING
    format: str = MISSING
    path: str = MISSING
    source_dir: str | None = None
    roles: list[str] = field(default_factory=lambda: [*(role.value for role in Role), TRIGGER])
    language: str = "en"
    train_share: float = 1.0
    extra: dict[str, CorpusConfig] = field(default_factory=dict)
    label_map: dict[str, str | None] = field(default_factory=dict)
    every_occurrence: bool = False
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if not 0.0 < self.train_share <= 1.0:
            raise ConfigError(f"corpus.train_share={self.train_share} is outside (0, 1]")


@dataclass
class ModelConfig:
    """The encoder under the token classifier.

    Attributes:
        encoder: ``default`` (MiniLM), ``mpnet``, a folder, or a Hub id.
        revision: branch, tag or commit on the Hub.
        begin_as: roles of the corpus to those roles of the encoder, a checkpoint, that they are like: the classifier's
            part for each begins as that one's. Otherwise a classifier of other labels is forgotten.
        add_prefix_space: for byte-level tokenizers, so that the first word is tokenised like any other.
        dropout: probability of every dropout layer of encoder and classifier; None keeps the encoder's own.
        attention_dropout: probability of dropping attention weights, where the encoder has such a setting; None keeps
            the encoder's own.
        attention: how transformers computes attention while training (``eager``, ``sdpa`` ...); None for its default.
        trust_remote_code: lets a Hub repository run its own code here. Off unless you set it.
    """

    encoder: str = "default"
    revision: str | None = None
    begin_as: dict[str, str] = field(default_factory=dict)
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
        overlap: tokens that neighbouring windows share at least, to train on; at most, of whole sentences, to read.
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
        if not 0.0 <= self.dropout < 1.0 or not self.loss_weight > 0.0:
            raise ConfigError(
                f"linker.dropout={self.dropout} or linker.loss_weight={self.loss_weight} is out of range",
                remedy="choose 0 <= dropout < 1 and loss_weight > 0; linker.enabled=false trains none",
            )


@dataclass
class DecodingConfig:
    """How token scores become spans.

    Attributes:
        algorithm: ``viterbi`` or ``argmax``.
        whole_words: spans begin and end at word boundaries, never inside a run of letters and digits.
        min_score: spans, arguments and events below this confidence are left out; None for the thresholds that were
            fitted on dev when the checkpoint was trained.
        merge_mentions: events that are mentions of the same act are grouped into incidents, and spans that name the
            same into role fillers, beside events and spans.
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
    """Settings of ``transformers.TrainingArguments``, by its own field names, and two of ours.

    Attributes:
        head_learning_rate: of classifier and linker, which begin at random; None for ``learning_rate``. Large encoders
            want a low one, with which a linker takes long to be more than noise to the encoder.
        early_stopping_patience: evaluations without a better score; None trains to the end.
    """

    num_train_epochs: float = 10.0
    max_steps: int = -1
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    learning_rate: float = 3e-4
    head_learning_rate: float | None = None
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
    early_stopping_patience: int | None = None

    def __post_init__(self) -> None:
        if self.head_learning_rate is not None and not self.head_learning_rate > 0.0:
            raise ConfigError(
                f"training.head_learning_rate={self.head_learning_rate} is not positive",
                remedy="leave it out for that of the encoder",
            )


@dataclass
class RunnerConfig:
    """How many articles are worked through.

    Attributes:
        kind: ``local`` or ``ray``.
        workers: processes that hold the model; the cores are shared out among them.
        shard_size: articles after which what was found is safe on the disk; an interruption loses fewer.
        format: ``jsonl``, ``csv`` or ``parquet``, for an output that is a folder.
        restart: begin anew, over whatever the output holds.
        address: of a Ray cluster; None begins one on this machine.
    """

    kind: Runner = Runner.local
    workers: int = 1
    shard_size: int = 1000
    format: Format = Format.jsonl
    restart: bool = False
    address: str | None = None

    def __post_init__(self) -> None:
        if self.workers < 1 or self.shard_size < 1:
            raise ConfigError(
                f"runner.workers={self.workers} or runner.shard_size={self.shard_size} is too small",
                remedy="choose at least 1",
            )


@dataclass
class FirstConfig:
    """What an encoder is trained on before the corpus that it is meant for, with that one's seed and linker settings.

    Attributes:
        corpus: what it reads.
        window: how that one's documents are cut.
        training: how long and how fast.
    """

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    window: WindowConfig = field(default_factory=WindowConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@dataclass
class TeacherConfig:
    """A teacher to train first, on the same corpus; seed, windows and the linker's settings are the student's."""

    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


@dataclass
class DistillationConfig:
    """A teacher whose probabilities the tagger learns beside the annotation.

    Attributes:
        teacher: the folder or Hub id of a checkpoint with the same labels and the same vocabulary.
        own: trains a teacher, below the output folder, if none is given; with neither there is no teacher.
        revision: branch, tag or commit of the teacher on the Hub.
        weight: of the teacher's soft labels beside the annotation, in [0, 1].
        texts: corpora, by any name, whose train split is read without its annotation: the teacher's labels alone count.
    """

    teacher: str | None = None
    own: TeacherConfig | None = None
    revision: str | None = None
    weight: float = 0.5
    texts: dict[str, CorpusConfig] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1.0:
            raise ConfigError(f"distillation.weight={self.weight} is outside [0, 1]")
        if self.texts and self.teacher is None and self.own is None:
            raise ConfigError("distillation.texts need a teacher", remedy="set distillation.teacher")

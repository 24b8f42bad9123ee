"""Dataclass schemas of every config. Hydra fills them from ``configs/``; nothing else needs Hydra."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, TypeVar

from conflict_events.config.commands import (
    BenchmarkConfig,
    CheckpointConfig,
    EvaluateConfig,
    ExportConfig,
    PredictConfig,
    PrepareConfig,
    PushConfig,
    TrainConfig,
)
from conflict_events.config.groups import (
    Algorithm,
    CorpusConfig,
    DecodingConfig,
    DistillationConfig,
    EngineKind,
    FirstConfig,
    Format,
    LinkerConfig,
    ModelConfig,
    Runner,
    RunnerConfig,
    TeacherConfig,
    TrainingConfig,
    WindowConfig,
)
from conflict_events.errors import ConfigError

__all__ = [
    "Algorithm",
    "BenchmarkConfig",
    "CheckpointConfig",
    "CorpusConfig",
    "DecodingConfig",
    "DistillationConfig",
    "EngineKind",
    "EvaluateConfig",
    "ExportConfig",
    "FirstConfig",
    "Format",
    "LinkerConfig",
    "ModelConfig",
    "PredictConfig",
    "PrepareConfig",
    "PushConfig",
    "Runner",
    "RunnerConfig",
    "TeacherConfig",
    "TrainConfig",
    "TrainingConfig",
    "WindowConfig",
    "register",
    "structured",
]

Schema = TypeVar("Schema")


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
        "push_schema": PushConfig,
        "benchmark_schema": BenchmarkConfig,
        "export_schema": ExportConfig,
    }.items():
        store.store(name=name, node=schema)
    for group, schema in {"corpus": CorpusConfig, "model": ModelConfig, "training": TrainingConfig}.items():
        store.store(group=group, name=f"{group}_schema", node=schema)
    store.store(group="decoding", name="decoding_schema", node=DecodingConfig)
    store.store(group="runner", name="runner_schema", node=RunnerConfig)

"""Token classifiers as transformers knows them: any encoder that ``AutoModelForTokenClassification`` takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from conflict_events.config import ModelConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub import default_encoder, resolve
from conflict_events.labels import LabelScheme

DEFAULT = "default"
_ERRORS_ONLY = 40  # logging.ERROR


def load_encoder(
    config: ModelConfig, scheme: LabelScheme, window: WindowConfig
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A token classifier with a new head for ``scheme``, and its tokenizer.

    Raises:
        CheckpointError: if the encoder cannot be loaded, or has no fast tokenizer.
        ConfigError: if windows are longer than the encoder takes.
    """
    folder = (
        default_encoder()
        if config.encoder == DEFAULT
        else resolve(config.encoder, config.revision, code=config.trust_remote_code)
    )
    tokenizer = _load_tokenizer(folder, config)
    try:
        settings = AutoConfig.from_pretrained(folder, trust_remote_code=config.trust_remote_code)
        longest = getattr(settings, "max_position_embeddings", None)
        if longest and window.max_tokens > longest:
            raise ConfigError(
                f"window.max_tokens={window.max_tokens} is more than the {longest} positions of {config.encoder}",
                remedy=f"set window.max_tokens={longest} or less",
            )
        changes = {"id2label": scheme.id2label, "label2id": scheme.label2id}
        if config.dropout is not None:
            changes |= {"hidden_dropout_prob": config.dropout, "classifier_dropout": config.dropout}
        options = {"ignore_mismatched_sizes": True, "trust_remote_code": config.trust_remote_code}
        model = load_classifier(folder, new_head=True, **options, **changes)
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, ConfigError):
            raise
        raise CheckpointError(f"the encoder cannot be loaded ({error})", where=config.encoder) from error
    tokenizer.model_max_length = window.max_tokens
    return model, tokenizer


def load_classifier(folder: Path, *, new_head: bool = False, **options: Any) -> PreTrainedModel:
    """A token classifier from a folder's safetensors.

    Args:
        folder: where they are.
        new_head: take weights that are missing outside the encoder as new, to be trained.
        options: passed on to ``from_pretrained``.

    Raises:
        CheckpointError: if weights are missing.
    """
    with _quiet():
        model, report = AutoModelForTokenClassification.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **options
        )
    assert isinstance(model, PreTrainedModel)
    prefix = f"{model.base_model_prefix}." if new_head else ""
    missing = sorted(name for name in report["missing_keys"] if name.startswith(prefix))
    if missing:
        raise CheckpointError(
            f"{len(missing)} weights are missing, the first of them {missing[0]}",
            where=str(folder),
            remedy="the files are incomplete, or those of another architecture",
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and reports of transformers for a moment: what they tell, this module checks."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(_ERRORS_ONLY)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _load_tokenizer(folder: Path, config: ModelConfig) -> PreTrainedTokenizerFast:
    options = {"add_prefix_space": True} if config.add_prefix_space else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, use_fast=True, trust_remote_code=config.trust_remote_code, **options
        )
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"the tokenizer cannot be loaded ({error})", where=config.encoder) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise CheckpointError(
            "the encoder has no fast tokenizer, so its tokens have no offsets",
            where=config.encoder,
            remedy="choose an encoder with a tokenizer.json",
        )
    return tokenizer

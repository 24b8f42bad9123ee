"""The tagger to train: any encoder that ``AutoModelForTokenClassification`` takes, with its fast tokenizer."""

from __future__ import annotations

from pathlib import Path

from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from conflict_events.config import ModelConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub import default_encoder, resolve
from conflict_events.labels import LabelScheme

DEFAULT = "default"


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
        model = AutoModelForTokenClassification.from_pretrained(
            folder,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            trust_remote_code=config.trust_remote_code,
            **changes,
        )
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, ConfigError):
            raise
        raise CheckpointError(f"the encoder cannot be loaded ({error})", where=config.encoder) from error
    tokenizer.model_max_length = window.max_tokens
    return model, tokenizer


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

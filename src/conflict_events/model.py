"""Token classifiers as transformers knows them: any encoder that ``AutoModelForTokenClassification`` takes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from conflict_events.checkpoint import CONFIG_FILE, label_scheme, read_json, require_self_contained
from conflict_events.config import ModelConfig, WindowConfig
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.hub import ENCODERS, known_encoder, resolve
from conflict_events.labels import LabelScheme
from conflict_events.weights import require_fitting_config

_ERRORS_ONLY = 40  # logging.ERROR
_ATTENTION_WEIGHTS = re.compile(r"(?:attention|attn)(?:\.self)?\.dropout\Z")  # not that of attention's output


def load_encoder(
    config: ModelConfig, scheme: LabelScheme, window: WindowConfig
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A token classifier with a head for ``scheme``, and its tokenizer.

    The head is new, unless the encoder is a checkpoint with the same labels, or ``config.begin_as`` says which of its
    labels are like them.

    Raises:
        CheckpointError: if the encoder cannot be loaded, or has no fast tokenizer, or no head to begin as.
        ConfigError: if windows are longer than the encoder takes, or ``config.begin_as`` names unknown roles.
    """
    folder = (
        known_encoder(config.encoder)
        if config.encoder in ENCODERS
        else resolve(config.encoder, config.revision, code=config.trust_remote_code)
    )
    tokenizer = _load_tokenizer(folder, config)
    model = load_classifier(
        folder,
        new_head=True,
        trust_remote_code=config.trust_remote_code,
        id2label=scheme.id2label,
        label2id=scheme.label2id,
        **_attention_dropout(folder, config),
        **({"attn_implementation": config.attention} if config.attention else {}),
    )
    if config.begin_as:
        _begin_head(model, folder, scheme, config)
    longest = _longest_window(model)
    if longest is not None and window.max_tokens > longest:
        raise ConfigError(
            f"window.max_tokens={window.max_tokens} is more than the {longest} positions of {config.encoder}",
            remedy=f"set window.max_tokens={longest} or less",
        )
    if config.dropout is not None:
        for name, module in model.named_modules():
            of_attention = config.attention_dropout is not None and _ATTENTION_WEIGHTS.search(name)
            if isinstance(module, torch.nn.Dropout) and not of_attention:
                module.p = config.dropout
    tokenizer.model_max_length = window.max_tokens
    return model, tokenizer


def _attention_dropout(folder: Path, config: ModelConfig) -> dict[str, float]:
    """The setting under the name that the encoder's family gives it."""
    if config.attention_dropout is None:
        return {}
    try:
        encoder = AutoConfig.from_pretrained(folder, trust_remote_code=config.trust_remote_code)
    except Exception as error:  # huggingface_hub's validation has errors of its own
        raise CheckpointError(f"the config cannot be loaded ({error})", where=str(folder)) from error
    names = ("attention_probs_dropout_prob", "attention_dropout")
    return {name: config.attention_dropout for name in names if hasattr(encoder, name)}


def load_classifier(folder: Path, *, new_head: bool = False, **options: Any) -> PreTrainedModel:
    """A token classifier from a folder's safetensors.

    Args:
        folder: where they are.
        new_head: take weights outside the encoder that are missing, of other sizes, or of other labels as new, to be
            trained.
        options: passed on to ``from_pretrained``.

    Raises:
        CheckpointError: if the files do not make a token classifier, weights are missing, or the config does not fit
            them or asks for code from elsewhere.
    """
    require_self_contained(folder)
    require_fitting_config(folder, labels=not new_head)
    options = {"trust_remote_code": False} | options  # left to itself, transformers asks on the terminal
    try:
        with _quiet():
            model, report = AutoModelForTokenClassification.from_pretrained(
                folder, use_safetensors=True, ignore_mismatched_sizes=True, output_loading_info=True, **options
            )
    except Exception as error:  # transformers, safetensors and json each raise their own
        raise CheckpointError(f"the model cannot be loaded ({error})", where=str(folder)) from error
    assert isinstance(model, PreTrainedModel)
    labels = {str(number): name for number, name in (model.config.id2label or {}).items()}
    if new_head and not report["missing_keys"] and read_json(folder / CONFIG_FILE).get("id2label") != labels:
        _forget_head(model)
    prefix = f"{model.base_model_prefix}." if new_head else ""
    missing = sorted(name for name in report["missing_keys"] if name.startswith(prefix))
    if missing:
        raise CheckpointError(
            f"{len(missing)} weights are missing, the first of them {missing[0]}",
            where=str(folder),
            remedy="the files are incomplete, or those of another architecture",
        )
    mismatched = sorted(key for key in report["mismatched_keys"] if key[0].startswith(prefix))
    if mismatched:
        name, found, expected = mismatched[0]
        raise CheckpointError(
            f"{name} has shape {tuple(found)}, by the config it has {tuple(expected)}",
            where=str(folder),
            remedy="config and weights do not belong together: fetch or copy them again",
        )
    return model


def _forget_head(model: PreTrainedModel) -> None:
    """Begin anew with everything that is not the encoder."""
    for _, module in _head(model):
        module.reset_parameters()


def _head(model: PreTrainedModel) -> Iterator[tuple[str, torch.nn.Linear | torch.nn.LayerNorm]]:
    """The layers with weights that are not the encoder's, by name."""
    encoder = set(model.base_model.modules())
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.LayerNorm) and module not in encoder:
            yield name, module


def _begin_head(model: PreTrainedModel, folder: Path, scheme: LabelScheme, config: ModelConfig) -> None:
    """Give labels of the new head what the labels that they are like have in the checkpoint's."""
    theirs, columns = label_scheme(folder)
    unknown = sorted({*config.begin_as} - {*scheme.roles} | {*config.begin_as.values()} - {*theirs.roles})
    if unknown:
        raise ConfigError(
            f"model.begin_as names {', '.join(unknown)}",
            remedy=f"map roles of the corpus ({', '.join(scheme.roles)}) to those of {config.encoder} "
            f"({', '.join(theirs.roles)})",
        )
    pairs = [(0, 0)]  # O is O
    for role, like in config.begin_as.items():
        pairs += [(scheme.begin(role), theirs.begin(like)), (scheme.inside(role), theirs.inside(like))]
    ours = torch.tensor([one for one, _ in pairs])
    rows = torch.tensor([columns[other][0] for _, other in pairs])
    checkpoint = load_classifier(folder, trust_remote_code=config.trust_remote_code)
    before = dict(checkpoint.named_modules())
    with torch.no_grad():
        for name, module in _head(model):
            for weights, known in zip(module.parameters(), before[name].parameters(), strict=True):
                if len(weights) == len(scheme.labels):
                    weights[ours] = known[rows]
                else:
                    weights.copy_(known)


def _longest_window(model: PreTrainedModel) -> int | None:
    """How many tokens the position embeddings reach; None if there is no such limit."""
    longest: int | None = getattr(model.config, "max_position_embeddings", None)
    table = getattr(getattr(model.base_model, "embeddings", None), "position_embeddings", None)
    if longest is not None and table is not None and table.padding_idx is not None:
        longest -= table.padding_idx + 1  # RoBERTa and its kin count positions from there
    return longest


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
    except Exception as error:  # transformers, tokenizers and huggingface_hub each raise their own
        raise CheckpointError(f"the tokenizer cannot be loaded ({error})", where=config.encoder) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise CheckpointError(
            "the encoder has no fast tokenizer, so its tokens have no offsets",
            where=config.encoder,
            remedy="choose an encoder with a tokenizer.json",
        )
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise CheckpointError(
            "the tokenizer has no vocabulary", where=config.encoder, remedy="its files are missing: add tokenizer.json"
        )
    before_words = tokenizer.backend_tokenizer.pre_tokenizer
    if config.add_prefix_space and isinstance(before_words, ByteLevel):
        before_words.add_prefix_space = True  # transformers' generic class leaves the option unused
    return tokenizer

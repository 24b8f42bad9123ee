"""Distillation: a student learns what a larger teacher makes of each token, beside or instead of annotation.

Hinton, Vinyals and Dean 2015, https://arxiv.org/abs/1503.02531, at temperature 1; on text that nobody annotated it is
self-training with soft labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from conflict_events.checkpoint import Settings, label_scheme
from conflict_events.config import DistillationConfig
from conflict_events.corpora import load
from conflict_events.decoding import log_probabilities
from conflict_events.engines.torch import TorchEngine
from conflict_events.errors import ConfigError
from conflict_events.hub import resolve
from conflict_events.schema import Document
from conflict_events.tagging import Tagger
from conflict_events.windows import TextTokenizer, Tokens

SoftLabels = npt.NDArray[np.float16]
"""Probabilities of the labels, shape ``(tokens, labels)``."""

_GROUP = 64  # documents at a time


def taught(
    config: DistillationConfig, teacher: str | None, student: Tagger, documents: Sequence[Document], *, bf16: bool
) -> tuple[list[SoftLabels] | None, list[tuple[Document, SoftLabels]]]:
    """What a teacher makes of the annotated documents, and of further texts; nothing where there is no teacher.

    Args:
        config: names the further texts.
        teacher: the folder or Hub id of its checkpoint.
        student: whose tokens and labels are meant.
        documents: annotated.
        bf16: let the teacher read in mixed precision.

    Raises:
        ConfigError: if the teacher has other labels or tokens than the student.
        CheckpointError: if it cannot be loaded.
    """
    if teacher is None:
        return None, []
    tagger = load_teacher(teacher, config.revision if config.teacher else None)
    check_alike(tagger, student)
    further = [document for texts in config.texts.values() for document in load(texts).split("train")]
    read = [*documents, *further]
    soft = []
    for document, (tokens, probabilities) in zip(read, soft_labels(tagger, read, bf16=bf16), strict=True):
        check_tokens(document, student.tokenizer([document.text])[0], tokens)
        soft.append(probabilities)
    return soft[: len(documents)], list(zip(further, soft[len(documents) :], strict=True))


def load_teacher(name: str, revision: str | None = None) -> Tagger:
    """The tagger of a checkpoint, a folder or a Hub id.

    Raises:
        CheckpointError: if it cannot be loaded.
    """
    folder = resolve(name, revision)
    scheme, columns = label_scheme(folder)
    settings = Settings.load(folder)
    tokenizer = TextTokenizer.from_file(folder / "tokenizer.json")
    engine = TorchEngine.from_folder(folder)
    return Tagger(tokenizer, engine, scheme, columns, settings.window, settings.decoding, language=settings.language)


def soft_labels(
    teacher: Tagger, documents: Sequence[Document], *, bf16: bool = False
) -> Iterator[tuple[Tokens, SoftLabels]]:
    """The teacher's tokens of each document, and its probabilities for each.

    Args:
        teacher: with the torch engine.
        documents: only their texts are looked at.
        bf16: mixed precision.
    """
    mixed = torch.autocast("cuda" if torch.cuda.is_available() else "cpu", torch.bfloat16, enabled=bf16)
    with mixed, tqdm(total=len(documents), unit=" documents", desc="teacher", disable=None) as bar:
        for first in range(0, len(documents), _GROUP):
            texts = [document.text for document in documents[first : first + _GROUP]]
            for tokens, scores, _ in teacher.score(texts, teacher.tokenizer(texts)):
                yield tokens, np.exp(log_probabilities(scores)).astype(np.float16) if len(tokens) else _none(scores)
            bar.update(len(texts))


def check_alike(teacher: Tagger, student: Tagger) -> None:
    """Refuse a teacher whose labels are others.

    Raises:
        ConfigError: if the two have not the same labels in the same order.
    """
    if teacher.scheme.labels != student.scheme.labels:
        raise ConfigError(
            f"the teacher tags {', '.join(teacher.scheme.roles)}, the corpus has {', '.join(student.scheme.roles)}",
            where="distillation.teacher",
            remedy="train the teacher on a corpus with the same roles, in the same order",
        )


def check_tokens(document: Document, tokens: Tokens, others: Tokens) -> None:
    """Refuse a teacher that reads a document in other tokens.

    Raises:
        ConfigError: if the tokens do not stand at the same places.
    """
    if not np.array_equal(tokens.offsets, others.offsets):
        raise ConfigError(
            f"teacher and student cut {document.id!r} into different tokens",
            where="distillation",
            remedy="choose a teacher whose encoder has the same vocabulary",
        )


def _none(scores: npt.NDArray[np.float32]) -> SoftLabels:
    return np.empty((0, scores.shape[1]), np.float16)

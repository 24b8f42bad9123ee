"""What a card is made of."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import metadata
from pathlib import PurePath
from typing import Any

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from conflict_events.errors import ConfigError, DataError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Role

KNOWN_CORPORA = ("own", "conflict", "muc4", "muc34", "re3d")
"""Corpora of this project: the card says what they hold and where they lean."""

_DATA = "data"  # where their annotation stands in this repository
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.-]*\Z")
_LANGUAGE = re.compile(r"[a-z]{2,3}\Z|multilingual\Z")
_FIGURES = ("documents", "seeds", "scores", "matching", "events", "unseen", "calibration", "slices")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCorpus:
    """A corpus that a checkpoint was trained on.

    Attributes:
        name: of the corpus.
        known: whether it is the corpus of that name in ``KNOWN_CORPORA``, not a user's of the same name.
        documents: how many were trained on, if that is known.
        dataset: its id on the Hub, if it is there.
    """

    name: str
    known: bool = False
    documents: int | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        if self.dataset is not None:
            _check_id(self.dataset, f"dataset of corpus {self.name!r}")


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what the checkpoint finds in it."""

    text: str
    found: Extraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a checkpoint.

    Attributes:
        repo_id: where it is published, ``owner/name``.
        license: identifier as the Hub has it, e.g. ``apache-2.0``.
        language: ISO 639 code of the texts it was trained on.
        base_model: Hub id of the encoder, None if it has none.
        roles: the roles it tags, ``trigger`` among them where it finds events.
        has_linker: whether an event linker stands beside the tagger.
        has_onnx: whether the repository has the model for onnxruntime, too.
        corpora: it was trained on.
        train_sha256: the :func:`~conflict_events.corpora.fingerprint.fingerprint` of all documents it was trained on.
        config: of the training, as ``config.yaml`` has it; the groups ``linker``, ``window``, ``decoding`` and
            ``training`` are shown, paths are not.
        metrics: contents of ``metrics.json`` files, one for each corpus and split, of one seed or the mean of several.
        examples: texts with what is found in them, for the widget and the page.
        versions: of the libraries it was made with, by name.

    Raises:
        ConfigError: if an id, the licence or the language is malformed.
        DataError: if the metrics hold something other than finite numbers where figures belong.
    """

    repo_id: str
    license: str
    language: str = "en"
    base_model: str | None = None
    roles: tuple[str, ...] = (*(role.value for role in Role), TRIGGER)
    has_linker: bool = True
    has_onnx: bool = False
    corpora: tuple[TrainingCorpus, ...] = ()
    train_sha256: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: Sequence[Mapping[str, Any]] = ()
    examples: Sequence[Example] = ()
    versions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_id(self.repo_id, "repo_id")
        if self.base_model is not None:
            _check_id(self.base_model, "base_model")
        if not _LICENSE.match(self.license):
            raise ConfigError(
                f"license {self.license!r} is no identifier",
                remedy="write it as the Hub does, e.g. apache-2.0, or other",
            )
        if not _LANGUAGE.match(self.language):
            raise ConfigError(f"language {self.language!r} is no code", remedy="give an ISO 639 code, e.g. en")
        for number, record in enumerate(self.metrics):
            for key in ("corpus", "split", "documents", "scores"):
                if key not in record:
                    raise DataError(f"there is no {key!r}", where=f"metrics {number}", remedy="evaluate again")
            for key in _FIGURES:
                _check_figures(record.get(key), f"metrics {number}: {key}")

    @property
    def name(self) -> str:
        """Of the repository, without its owner."""
        return self.repo_id.rpartition("/")[2]


def corpora_of(config: Mapping[str, Any], documents: Mapping[str, int] | None = None) -> tuple[TrainingCorpus, ...]:
    """The corpora of a training config, its extra ones included.

    Args:
        config: the group ``corpus`` of a training's ``config.yaml``.
        documents: how many documents were trained on, by the corpus's name in the config.
    """
    corpora = []
    for part in (config, *(config.get("extra") or {}).values()):
        named, place = str(part.get("name", "")), PurePath(str(part.get("path", ""))).parts
        known = len(place) == 2 and place[0] == _DATA and place[1] in KNOWN_CORPORA
        corpora.append(
            TrainingCorpus(
                name=place[1] if known else named,
                known=known,
                documents=(documents or {}).get(named),
            )
        )
    return tuple(corpora)


def citation() -> str:
    """How to cite the software, as BibTeX, from the metadata of the installed distribution."""
    about = metadata("conflict-events")
    url = next(url for url in about.get_all("Project-URL") or [] if url.startswith("Homepage, ")).partition(", ")[2]
    return (
        "@software{conflict_events,\n"
        f"  title = {{{about['Name']}}},\n"
        f"  author = {{{{{about['Author']}}}}},\n"
        f"  version = {{{about['Version']}}},\n"
        f"  url = {{{url}}},\n"
        f"  license = {{{about['License-Expression']}}}\n"
        "}"
    )


def _check_id(name: str, what: str) -> None:
    try:
        validate_repo_id(name)
        if not (name.isascii() and name.isprintable()):  # which the Hub's own pattern lets pass
            raise HFValidationError("letters that no id has")
    except HFValidationError as error:
        raise ConfigError(f"{what} {name!r} is no Hub id ({error})", remedy="write owner/name") from None


def _check_figures(value: Any, where: str) -> None:
    """Refuse what a table or the model index cannot show as a number."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _check_figures(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _check_figures(inner, where)
    elif value is not None and (not isinstance(value, int | float) or not math.isfinite(value)):
        raise DataError(f"{value!r} is no number", where=where, remedy="evaluate again")

"""What the card of a checkpoint says, gathered from the checkpoint, its training and its evaluations."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conflict_events.checkpoint import CONFIG_FILE, Settings, label_scheme, read_json
from conflict_events.config import PushConfig
from conflict_events.errors import InputError
from conflict_events.extractor import EventExtractor
from conflict_events.hub import ENCODERS
from conflict_events.hub.resolving import ONNX
from conflict_events.linking.settings import LINKER_CONFIG
from conflict_events.model_card import Example, ModelFacts, TrainingCorpus, corpora_of, render_card
from conflict_events.publishing.scrubbing import without_paths
from conflict_events.publishing.staging import run_metrics, training_config


def card(config: PushConfig, folder: Path, files: Mapping[str, Any], repo_id: str) -> str:
    """The model card.

    Args:
        config: what is published.
        folder: the checkpoint's.
        files: that are published.
        repo_id: where.

    Raises:
        CheckpointError: if the checkpoint cannot be loaded.
        ConfigError: if an id, the licence or the language is malformed.
        DataError: if the metrics are malformed.
        InputError: if an example cannot be read.
    """
    training, run = training_config(folder), run_metrics(folder)
    scheme, _ = label_scheme(folder)
    return render_card(
        ModelFacts(
            repo_id=repo_id,
            license=config.license,
            language=Settings.load(folder).language,
            base_model=_base_model(training),
            roles=scheme.roles,
            has_linker=LINKER_CONFIG in files,
            has_onnx=any(name.startswith(f"{ONNX}/") for name in files),
            corpora=tuple(_corpora(config, training, run)),
            train_sha256=(run.get("sha256") or {}).get("train"),
            config=without_paths(training),
            metrics=[read_json(Path(path)) for path in config.metrics],
            examples=list(_examples(config, folder)),
            versions=_versions(folder),
        )
    )


def _base_model(training: Mapping[str, Any]) -> str | None:
    """The encoder's id on the Hub, if it has one."""
    encoder = (training.get("model") or {}).get("encoder")
    if encoder in ENCODERS:
        return ENCODERS[encoder].hub_id
    is_folder = encoder is None or Path(encoder).expanduser().exists() or encoder.count("/") != 1
    return None if is_folder else str(encoder)


def _corpora(config: PushConfig, training: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[TrainingCorpus]:
    """What it was trained on."""
    group = training.get("corpus")
    if not group:
        return
    parts = [group, *(group.get("extra") or {}).values()]
    documents = run.get("documents") or {}
    counts = {group["name"]: documents["train"]} if len(parts) == 1 and "train" in documents else {}
    for corpus in corpora_of(group, counts):
        yield dataclasses.replace(corpus, dataset=config.datasets.get(corpus.name))


def _examples(config: PushConfig, folder: Path) -> Iterator[Example]:
    """The example texts with what the checkpoint finds in them; loading it shows that it is whole."""
    extractor = EventExtractor.from_pretrained(folder, device="cpu")
    for path in map(Path, config.examples):
        try:
            text = path.read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise InputError(
                f"the example cannot be read ({error})", where=str(path), remedy="examples=[FILE.txt,...], in UTF-8"
            ) from None
        yield Example(text, extractor.extract(text))


def _versions(folder: Path) -> dict[str, str]:
    versions = {"conflict-events": importlib.metadata.version("conflict-events")}
    made_with = read_json(folder / CONFIG_FILE).get("transformers_version")
    return versions | ({"transformers": made_with} if isinstance(made_with, str) else {})

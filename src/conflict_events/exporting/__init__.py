"""A checkpoint's ``onnx/`` folder: graphs of tagger and linker for the onnxruntime engine, checked against torch."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import transformers

from conflict_events.config import EngineKind, ExportConfig
from conflict_events.corpora import load
from conflict_events.digests import sha256_of
from conflict_events.engines.exported import FLOAT, LINKER, QUANTIZED, TAGGER, Exported, sources
from conflict_events.engines.onnx import OnnxEngine, open_graph
from conflict_events.errors import CheckpointError, ConfigError
from conflict_events.exporting.comparing import Reference
from conflict_events.exporting.graphs import OPSET, export_linker, export_tagger
from conflict_events.exporting.quantizing import quantize
from conflict_events.extractor import EventExtractor
from conflict_events.hub.resolving import ONNX
from conflict_events.linking.network import load_linker
from conflict_events.model import load_classifier


@dataclass(frozen=True)
class ExportResult:
    """What an export gives.

    Attributes:
        folder: the ``onnx/`` folder.
        sizes: of its ONNX files, in bytes.
        checks: what was measured, as in ``export.json``: by engine, how far scores, spans and events are from torch's.
        is_quantized: whether graphs in 8 bits were made and kept.
    """

    folder: Path
    sizes: dict[str, int]
    checks: dict[str, Any]
    is_quantized: bool


def export(config: ExportConfig) -> ExportResult:
    """Export a checkpoint, compare the graphs with torch on a split of a corpus, and put them into ``onnx/``.

    The folder appears, or takes the place of an earlier one, only when all is done.

    Raises:
        CheckpointError: if the checkpoint cannot be loaded or exported, or a graph in 32 bits gives other scores.
        ConfigError: if the corpus has no such split, there is nothing in it, or with ``config.quantize`` nothing is
            annotated in it that the checkpoint tags.
    """
    checkpoint = Path(config.path)
    if not any(checkpoint.glob("*.safetensors")):
        raise CheckpointError(
            "there are no weights to export", where=config.path, remedy="give the folder of a checkpoint"
        )
    documents = load(config.corpus).split(config.split)[: config.limit]
    if not documents:
        raise ConfigError(f"there is nothing in split {config.split!r} to compare the engines on")
    tagger = EventExtractor.from_pretrained(checkpoint, engine=EngineKind.torch, device="cpu").tagger
    if config.quantize and not any(span.role in tagger.scheme.roles for d in documents for span in d.spans):
        raise ConfigError(
            f"split {config.split!r} of corpus {config.corpus.name!r} has no annotated "
            f"{', '.join(tagger.scheme.roles)}: what 8 bits cost cannot be told",
            remedy="choose a corpus= with roles of the checkpoint, or set quantize=false",
        )
    with _replacing(checkpoint / ONNX) as folder:
        _write_graphs(checkpoint, folder)
        reference = Reference.of(tagger, documents)
        checks: dict[str, Any] = {
            "corpus": config.corpus.name,
            "split": config.split,
            "documents": len(documents),
            "torch": {"role_f1": reference.role_f1},
        }
        exact = _engine(folder, FLOAT, tagger.reach)
        differences = reference.differences(exact)
        worst = float(np.max(list(differences.values())))
        if not worst <= config.tolerance:  # nor when it is NaN
            raise CheckpointError(
                f"the exported graph gives other scores than torch, by up to {worst:.2g}",
                where=config.path,
                remedy=f"use engine=torch, or allow for more than tolerance={config.tolerance:g}",
            )
        checks["float"] = {"differences": differences, **reference.agreement(exact)}
        is_quantized = False
        if config.quantize:
            for path in list(folder.glob("*.onnx")):
                quantize(path, folder / QUANTIZED.format(path.stem))
            rough = _engine(folder, QUANTIZED, tagger.reach)
            found = reference.agreement(rough)
            checks["quantized"] = {"differences": reference.differences(rough), **found}
            is_quantized = reference.role_f1 - found["role_f1"] <= config.most_loss
            if not is_quantized:
                for path in folder.glob(QUANTIZED.format("*")):
                    path.unlink()
        graphs = sorted(folder.glob("*.onnx"))
        Exported(
            files={path.name: sha256_of(path) for path in graphs},
            made_from={path.name: sha256_of(path) for path in sources(checkpoint)},
            versions={
                "opset": OPSET,
                **{library.__name__: str(library.__version__) for library in (torch, transformers, onnxruntime)},
            },
            checks=checks,
        ).save(folder)
        sizes = {path.name: path.stat().st_size for path in graphs}
    return ExportResult(checkpoint / ONNX, sizes, checks, is_quantized)


def _write_graphs(checkpoint: Path, folder: Path) -> None:
    """Tagger and linker in 32 bits."""
    model = load_classifier(checkpoint, attn_implementation="eager")
    linker = load_linker(checkpoint, model.config.hidden_size)
    export_tagger(model, folder / FLOAT.format(TAGGER), with_states=linker is not None)
    if linker is not None:
        export_linker(linker, folder / FLOAT.format(LINKER))


def _engine(folder: Path, form: str, reach: int | None) -> OnnxEngine:
    linker = None if reach is None else open_graph(folder / form.format(LINKER))
    return OnnxEngine(open_graph(folder / form.format(TAGGER)), linker, reach)


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A new folder that gets its name, in the place of an earlier one, if the block ends without an error."""
    part, old = (folder.with_name(f".{folder.name}.{state}") for state in ("part", "old"))
    for path in (part, old):
        shutil.rmtree(path, ignore_errors=True)  # of a run that was interrupted
    try:
        part.mkdir()
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        for path in (part, old):
            shutil.rmtree(path, ignore_errors=True)

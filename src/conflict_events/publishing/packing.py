"""A checkpoint as the folder that the package carries: ONNX in eight bits, no torch, every file fingerprinted."""

from __future__ import annotations

import json
from pathlib import Path

from conflict_events.corpora.convert import require_new
from conflict_events.errors import CheckpointError
from conflict_events.hub.packaged import write_manifest
from conflict_events.hub.resolving import ONNX
from conflict_events.publishing.staging import CARD, METRICS, TRAINING, Files

_PACKED = ("config.json", "conflict_events.json", "tokenizer.json", "linker.json", METRICS, TRAINING, CARD,
           f"{ONNX}/export.json")  # fmt: skip
_COMPACT = ("tokenizer.json", METRICS)  # half a megabyte less
_QUANTIZED = "_quantized.onnx"
_MOST_BYTES = 25_000_000


def pack(files: Files, folder: Path) -> None:
    """Write the part of a published checkpoint that inference needs, and ``manifest.json`` with the hashes of all.

    Args:
        files: as they would be published.
        folder: to make.

    Raises:
        CheckpointError: if there are no quantised ONNX files, or all is more than a package should carry.
        ConfigError: if the folder has something in it.
    """
    packed = {
        name: content
        for name, content in files.items()
        if name in _PACKED or (name.startswith(f"{ONNX}/") and name.endswith(_QUANTIZED))
    }
    if not any(name.endswith(_QUANTIZED) for name in packed):
        raise CheckpointError(
            f"there is no {ONNX}/*{_QUANTIZED}", remedy="export it with python scripts/export_onnx.py path=CHECKPOINT"
        )
    raw = {name: content if isinstance(content, bytes) else content.read_bytes() for name, content in packed.items()}
    raw |= {name: _compact(raw[name]) for name in _COMPACT if name in raw}
    if (total := sum(map(len, raw.values()))) > _MOST_BYTES:
        raise CheckpointError(
            f"the model has {total:,} bytes, a package should carry {_MOST_BYTES:,}", remedy="take a smaller encoder"
        )
    require_new("pack", folder)
    for name, content in raw.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    write_manifest(folder)


def _compact(record: bytes) -> bytes:
    """JSON without the white space between its parts."""
    return json.dumps(json.loads(record), ensure_ascii=False, separators=(",", ":")).encode("utf-8")

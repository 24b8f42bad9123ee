"""What the ``onnx/`` folder of a checkpoint holds: its files, what they were made from, and whether they still fit.

``export.json`` is written by :mod:`conflict_events.exporting`. Files are told apart by their sha256, so that the export
of an earlier training never passes for one of the weights beside it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conflict_events.checkpoint import read_json
from conflict_events.digests import sha256_of
from conflict_events.errors import CheckpointError
from conflict_events.hub.resolving import ONNX
from conflict_events.linking.settings import LINKER_CONFIG

EXPORT_RECORD = "export.json"
TAGGER = "model"
LINKER = "linker"
FLOAT, QUANTIZED = "{}.onnx", "{}_quantized.onnx"
EXPORT_AGAIN = "export it: python scripts/export_onnx.py path=CHECKPOINT"
_FORMAT = 1


@dataclass(frozen=True)
class Exported:
    """The content of ``export.json``.

    Attributes:
        files: the sha256 of every ONNX file, by name.
        made_from: that of every file of the checkpoint that the graphs were made from, by name.
        versions: of the libraries that made them, and the ONNX opset.
        checks: what was measured against torch.
    """

    files: Mapping[str, str]
    made_from: Mapping[str, str]
    versions: Mapping[str, Any]
    checks: Mapping[str, Any]

    def save(self, folder: Path) -> None:
        """Write ``export.json`` beside the ONNX files."""
        record = {"format": _FORMAT, **dataclasses.asdict(self)}
        (folder / EXPORT_RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, checkpoint: Path) -> Exported:
        """Read that of a checkpoint.

        Raises:
            CheckpointError: if it is missing, malformed or of another version.
        """
        path = checkpoint / ONNX / EXPORT_RECORD
        if not path.is_file():
            raise CheckpointError(f"there is no {ONNX}/{EXPORT_RECORD}", where=str(checkpoint), remedy=EXPORT_AGAIN)
        record = read_json(path)
        if record.pop("format", None) != _FORMAT:
            raise CheckpointError("written by another version", where=str(path), remedy=EXPORT_AGAIN)
        try:
            exported = cls(**record)
        except TypeError as error:
            raise CheckpointError(f"malformed ({error})", where=str(path), remedy=EXPORT_AGAIN) from None
        if not all(isinstance(part, dict) for part in record.values()):
            raise CheckpointError("malformed (its parts are no objects)", where=str(path), remedy=EXPORT_AGAIN)
        return exported

    def whole(self, checkpoint: Path, part: str, form: str | None = None) -> Path:
        """The file of a network, its hash checked.

        Args:
            checkpoint: the folder above ``onnx/``.
            part: which network, ``model`` or ``linker``.
            form: ``FLOAT`` or ``QUANTIZED``; None for the quantised file, or the other one where there is none.

        Raises:
            CheckpointError: if it is missing or has other bytes.
        """
        names = [name.format(part) for name in ([form] if form else [QUANTIZED, FLOAT])]
        for name in names:
            path = checkpoint / ONNX / name
            if name in self.files and path.is_file():
                if sha256_of(path) != self.files[name]:
                    raise CheckpointError(
                        f"{name} is not the file that was exported: it is damaged or was changed",
                        where=str(path),
                        remedy=EXPORT_AGAIN,
                    )
                return path
        raise CheckpointError(
            f"there is no {' or '.join(names)} as {EXPORT_RECORD} names it",
            where=str(checkpoint / ONNX),
            remedy=EXPORT_AGAIN,
        )

    def require_current(self, checkpoint: Path) -> None:
        """Check that the weights beside it, if there are any, are those that it was made from.

        Raises:
            CheckpointError: naming the first file that is another one.
        """
        for path in sources(checkpoint):
            if self.made_from.get(path.name) != sha256_of(path):
                raise CheckpointError(
                    f"{ONNX}/ was not made from the {path.name} beside it",
                    where=str(checkpoint),
                    remedy=EXPORT_AGAIN,
                )


def sources(checkpoint: Path) -> list[Path]:
    """The files that make the graphs what they are, as far as they are there."""
    return sorted(path for pattern in ("*.safetensors", LINKER_CONFIG) for path in checkpoint.glob(pattern))

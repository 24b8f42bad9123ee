"""How long a new process takes to its first result."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conflict_events.engines.exported import EXPORT_RECORD
from conflict_events.errors import CheckpointError
from conflict_events.hub.resolving import ONNX

_PROGRAM = (
    "import sys; from conflict_events import EventExtractor; "
    "EventExtractor.from_pretrained(sys.argv[1], engine=sys.argv[2]).extract('Rebels shelled Tarmo on Monday.'); "
    "print('torch' in sys.modules)"
)


def starting(folder: Path, rounds: int) -> dict[str, Any]:
    """By engine: ``seconds`` of each round, and whether torch was imported.

    Raises:
        CheckpointError: if an engine fails.
    """
    engines = ["torch"] if any(folder.glob("*.safetensors")) else []
    engines += ["onnx"] if (folder / ONNX / EXPORT_RECORD).is_file() else []
    record: dict[str, Any] = {name: {"seconds": []} for name in engines}
    for _ in range(rounds):
        for name in engines:
            began = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", _PROGRAM, str(folder), name], capture_output=True, text=True)
            if done.returncode:
                raise CheckpointError(f"engine={name} fails ({done.stderr.strip()[-300:]})", where=str(folder))
            record[name]["seconds"].append(time.perf_counter() - began)
            record[name]["imports_torch"] = done.stdout.strip() == "True"
    return record

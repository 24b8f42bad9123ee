"""Runs with stub extractors, for tests. As a program (``python jobs.py JSON``) one run in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stubs import Stub

from conflict_events.articles import Article
from conflict_events.batch.run import run
from conflict_events.batch.summary import Summary
from conflict_events.batch.work import Factory
from conflict_events.config import CheckpointConfig, Format, PredictConfig, Runner, RunnerConfig
from conflict_events.extraction import Extraction


def job(
    given: Any,
    output: Path | str,
    make: Factory | None = None,
    shown: list[tuple[Article, Extraction]] | None = None,
    **settings: Any,
) -> Summary:
    """A run: ``settings`` are those of the runner, of the model, and of the run itself."""
    runner = {name: settings.pop(name) for name in list(settings) if name in RunnerConfig.__dataclass_fields__}
    runner |= {name: kind(runner[name]) for name, kind in {"kind": Runner, "format": Format}.items() if name in runner}
    model = {name: settings.pop(name) for name in list(settings) if name in CheckpointConfig.__dataclass_fields__}
    given = [str(path) for path in given] if isinstance(given, list) else str(given)
    config = PredictConfig(
        input=given, output=str(output), model=CheckpointConfig(**model), runner=RunnerConfig(**runner), **settings
    )
    observe = None if shown is None else lambda *pair: shown.append(pair)
    return run(config, observe, make or Stub())


def weights(folder: Path, content: bytes = b"weights") -> str:
    """The folder of something that looks like a checkpoint from afar."""
    path = folder / "checkpoint"
    path.mkdir(exist_ok=True)
    (path / "model.safetensors").write_bytes(content)
    return str(path)


def lines(path: Path, texts: Sequence[str | None], first: int = 0) -> Path:
    """A JSONL file of articles n0, n1 ...; None is a broken line."""
    records = (
        "broken" if text is None else json.dumps({"id": f"n{number}", "text": text, "meta": {"number": number}})
        for number, text in enumerate(texts, start=first)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{record}\n" for record in records), "utf-8")
    return path


def records_of(path: Path) -> list[dict[str, Any]]:
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def ids(path: Path) -> list[str]:
    """Of the records of a JSONL file."""
    return [record["id"] for record in records_of(path)]


def files(folder: Path) -> dict[str, bytes]:
    """What a folder holds, apart from manifests, whose hashes are those of other folders."""
    return {path.name: path.read_bytes() for path in _walk(folder) if "manifest" not in path.name}


def _walk(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    stub = Stub(settings.pop("seconds", 0.0), settings.pop("folder", ""))
    if limit := settings.pop("limit_bytes", None):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    print(job(settings.pop("given"), settings.pop("output"), stub, **settings))

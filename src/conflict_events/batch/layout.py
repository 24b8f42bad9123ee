"""Where a run writes what."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conflict_events.config import PredictConfig
from conflict_events.errors import OutputError
from conflict_events.writers import WRITERS, Writer

_SHARD = re.compile(r"_?part-\d{6,}\.")


@dataclass(frozen=True)
class Layout:
    """The files of a run.

    A name that ends in ``.jsonl``, ``.csv`` or ``.parquet`` is one file. Its shards are in ``NAME.parts`` while the
    run lasts, its manifest is ``NAME.manifest.jsonl``, bad records are in ``NAME.errors.jsonl``. Any other name is a
    folder, with shards ``part-000000.jsonl`` ..., ``_manifest.jsonl`` and ``_errors.jsonl``.

    Attributes:
        output: the name.
        format: ``jsonl``, ``csv`` or ``parquet``.
        single: whether it is one file.
        errors: where bad records go.
    """

    output: Path
    format: str
    single: bool
    errors: Path

    @classmethod
    def of(cls, config: PredictConfig) -> Layout:
        """The layout of a run.

        Raises:
            OutputError: if the name has another suffix, or is a file or a folder already and should be the other; if
                bad records would be written into a folder's place or over the run's other files.
        """
        path = Path(config.output)
        suffix = path.suffix.lower()
        folder = config.output.endswith(("/", "\\"))
        single = suffix[1:] in WRITERS and not folder
        if suffix and not single and not folder and not path.is_dir():
            raise OutputError(
                f"files of kind {suffix!r} are not written",
                where=config.output,
                remedy=f"name it {', '.join(f'.{name}' for name in WRITERS)}, or end the name of a folder with /",
            )
        if (single and path.is_dir()) or (not single and path.is_file()):
            raise OutputError(f"cannot be written (it is a {'folder' if single else 'file'})", where=config.output)
        errors = path.with_name(f"{path.name}.errors.jsonl") if single else path / "_errors.jsonl"
        layout = cls(
            path,
            suffix[1:] if single else config.runner.format.value,
            single,
            Path(config.errors) if config.errors else errors,
        )
        if layout.errors.is_dir() or layout.owns(config.errors or "", errors=False):
            raise OutputError(
                "bad records cannot be written there", where=str(layout.errors), remedy="give errors= a name of its own"
            )
        return layout

    @property
    def manifest(self) -> Path:
        """The run's manifest, which stays."""
        return (
            self.output.with_name(f"{self.output.name}.manifest.jsonl")
            if self.single
            else self.output / "_manifest.jsonl"
        )

    @property
    def parts(self) -> Path:
        """The folder of the shards."""
        return self.output.with_name(f"{self.output.name}.parts") if self.single else self.output

    def shard(self, number: int) -> Path:
        """A shard's file."""
        return self.parts / f"part-{number:06}.{self.format}"

    def shard_errors(self, number: int) -> Path:
        """The bad records among those of a shard; only there if there are any."""
        return self.parts / f"_part-{number:06}.errors.jsonl"

    def writer(self, path: Path) -> Writer:
        """Writes a file of the format."""
        return WRITERS[self.format](path)

    def occupied(self) -> Path | None:
        """A file that would be overwritten."""
        if self.single and self.output.exists():
            return self.output
        return next(self._shards(), None)

    def owns(self, path: str, errors: bool = True) -> bool:
        """Whether a path, however it is spelled, is that of a shard or of a file that stays after the run."""
        is_shard = _SHARD.match(_name(path)) and _place(Path(path).parent) == _place(self.parts)
        return bool(is_shard) or self.leaves(path, errors)

    def leaves(self, path: str, errors: bool = True) -> bool:
        """Whether a path, however it is spelled, is that of the output, its manifest or the bad records."""
        left = (self.output, self.manifest, *([self.errors] if errors else []))
        return any(_name(path) == own.name and _place(path) == _place(own) for own in left)

    def clear(self, keep_shards: bool = False) -> None:
        """Remove shards, or only what belongs to a run in work: the shards of one file, parts of bad records."""
        for path in self._shards():
            if self.single or not keep_shards or path.name.startswith("_"):
                path.unlink()
        if self.single and self.parts.is_dir() and not any(self.parts.iterdir()):
            self.parts.rmdir()

    def _shards(self) -> Iterator[Path]:
        if self.parts.is_dir():
            yield from sorted(path for path in self.parts.iterdir() if _SHARD.match(path.name))


def _name(path: str) -> str:
    return os.path.basename(path)  # noqa: PTH119 - of every file of the input, and few need a look at the disk


def _place(path: str | Path) -> str:
    return os.path.realpath(path)

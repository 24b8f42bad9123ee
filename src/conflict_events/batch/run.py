"""A run: from the input to the output, or from where an earlier run was interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from conflict_events.articles import Article, Columns, Source, find_sources
from conflict_events.batch import ray, workers
from conflict_events.batch.chunks import Done, Place, chunks
from conflict_events.batch.fingerprint import of_input, of_run, refuse_others
from conflict_events.batch.layout import Layout
from conflict_events.batch.manifest import Manifest
from conflict_events.batch.shards import check_shards, complete, write_shards
from conflict_events.batch.summary import Progress, Summary
from conflict_events.batch.work import Checkpoint, Factory, Task
from conflict_events.config import PredictConfig, Runner
from conflict_events.errors import ConfigError, OutputError
from conflict_events.extraction import Extraction
from conflict_events.writers import writing

_STDIN = ("-",)


def run(
    config: PredictConfig,
    observe: Callable[[Article, Extraction], None] | None = None,
    make: Factory | None = None,
) -> Summary:
    """Extract events from articles and write them in the order of the input.

    Bad records, and articles that the extractor fails on, go to the error file with their reasons; the run goes on.
    The error file is written only if there are any. A run that was interrupted goes on after its last whole shard, and
    writes the same bytes as one that was not.

    Args:
        config: of the run.
        observe: is shown the first ``config.show`` articles with their extractions.
        make: makes extractors; None for those of ``config.model``.

    Raises:
        InputError: if there is no such input, or it is one file that cannot be read at all.
        OutputError: if the output cannot be written, or belongs to another run, or another run is writing it.
        RunnerError: if processes or the cluster fail.
        ConflictEventsError: what making the extractor raises.
    """
    began = time.perf_counter()
    layout = Layout.of(config)
    columns = Columns(config.text_column, config.id_column)
    sources = _sources(config, columns, layout)
    given, starts = of_input(sources)
    if not config.runner.restart:
        _refuse_unknown(layout)
    with Manifest(layout.manifest) as manifest:
        if _begun(
            manifest, layout, of_run(config, layout.format, given), config.runner.restart, sources[0].paths == _STDIN
        ):
            return Summary(manifest.counts, manifest.counts.articles, 0.0, nothing_to_do=True)
        earlier = manifest.counts.articles
        task = Task(make or Checkpoint(config.model), layout.format, config.show if observe else 0)
        done = _results(sources, columns, manifest.next, task, config)
        shown = 0
        with Progress(starts[-1], manifest.shards[-1].read if manifest.shards else 0, starts) as progress:

            def told(part: Done) -> None:
                nonlocal shown
                progress.update(part)
                for result in part.results:
                    if observe and shown < config.show and (pair := getattr(result, "shown", None)):
                        shown += 1
                        observe(*pair)

            write_shards(done, layout, manifest, config.runner.shard_size, starts, told)
        complete(layout, manifest)
        return Summary(manifest.counts, earlier, time.perf_counter() - began)


def _sources(config: PredictConfig, columns: Columns, layout: Layout) -> list[Source]:
    # What an earlier run of the same command has left is not what a pattern is meant to find.
    sources = find_sources(config.input, layout.leaves if layout.manifest.exists() else None)
    for path in (path for source in sources for path in source.paths):
        if layout.owns(path):
            raise OutputError(f"the output is part of the input ({path})", remedy="give the output another name")
    if sources[0].alone and sources[0].paths != _STDIN:
        next(iter(sources[0].read(columns)), None)  # before the model is loaded
    return sources


def _begun(manifest: Manifest, layout: Layout, wanted: dict[str, Any], restart: bool, stdin: bool) -> bool:
    """Whether everything is done already; if not, the manifest and the shards are as the run needs them.

    Raises:
        OutputError: if the output belongs to something else.
    """
    if manifest.run is not None and (manifest.shards or manifest.finished) and not restart:
        if stdin:
            raise OutputError(
                "is of an earlier run, and standard input cannot be read again",
                where=str(layout.output),
                remedy="give another output, or begin anew with runner.restart=true",
            )
        refuse_others(layout.output, manifest.run, wanted)
        if manifest.finished is None:
            check_shards(layout, manifest)
            return False
        if not layout.single:
            check_shards(layout, manifest, errors=False)
            return True
        if layout.output.is_file():
            _refuse_changed(manifest, layout)
            return True
    if not restart and layout.errors.exists() and (manifest.run or {}).get("errors") != wanted["errors"]:
        _refuse_as_unknown(layout.errors)
    with writing(layout.parts):
        layout.clear()
    manifest.begin(wanted)
    return False


def _refuse_unknown(layout: Layout) -> None:
    if not layout.manifest.exists() and (there := layout.occupied()):
        _refuse_as_unknown(there)


def _refuse_as_unknown(there: Path) -> NoReturn:
    raise OutputError(
        "is there already, and of no run that is known",
        where=str(there),
        remedy="give another output, or write over it with runner.restart=true",
    )


def _refuse_changed(manifest: Manifest, layout: Layout) -> None:
    assert manifest.finished is not None
    if layout.output.stat().st_size != manifest.finished["size"]:
        raise OutputError(
            "was changed since the run",
            where=str(layout.output),
            remedy="give another output, or write over it with runner.restart=true",
        )


def _results(
    sources: Sequence[Source], columns: Columns, start: Place, task: Task, config: PredictConfig
) -> Iterator[Done]:
    runner = config.runner
    if runner.kind is Runner.ray:
        if sources[0].paths == _STDIN:
            raise ConfigError("a cluster cannot read standard input", remedy="give files, or set runner=local")
        return ray.work(sources, columns, start, task, runner)
    cut = chunks(sources, columns, start, runner.shard_size)
    return workers.work(cut, task, runner.workers) if runner.workers > 1 else map(task.start(), cut)

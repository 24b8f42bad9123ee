"""A cluster: Ray Data reads the sources, and carries chunks to the actors that hold the model and results back.

The files of the input must be there on every machine, under the same names, and so must the checkpoint. Whoever begins
the run writes the output. Each actor keeps the model in a process of its own, so that an article that kills it is
found out as on one machine (:mod:`.workers`); what befalls actors and machines is Ray's to mend.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from conflict_events.articles import Columns, Source
from conflict_events.batch.chunks import Chunk, Done, Place, chunks_of
from conflict_events.batch.work import Task
from conflict_events.batch.workers import Team
from conflict_events.config import RunnerConfig
from conflict_events.errors import ConfigError, ConflictEventsError, RunnerError

_BLOCK = 1  # byte, so that every chunk is a block of its own: a block goes to one actor


def work(sources: Sequence[Source], columns: Columns, start: Place, task: Task, config: RunnerConfig) -> Iterator[Done]:
    """What came of the chunks of the sources from a place on, in their order.

    Raises:
        ConfigError: if Ray is not installed.
        RunnerError: if there is no such cluster, or the work fails there.
        ConflictEventsError: what reading the input and making the extractor raise there.
    """
    readings = [
        partial(
            chunks_of,
            sources[number],
            number,
            columns,
            start.record if number == start.source else 0,
            config.shard_size,
        )
        for number in range(start.source, len(sources))
    ]
    with _cluster(config.address) as ray:
        try:
            for row in _dataset(ray, readings, task, config.workers).iter_rows():
                done = pickle.loads(row["done"])  # what an actor of this run has pickled
                if isinstance(done, ConflictEventsError):
                    raise done
                yield done
        except ray.exceptions.RayError as error:
            raise RunnerError(
                f"the cluster could not do the work ({error})",
                remedy="the same command goes on where the last whole shard ended",
            ) from error


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected; if this began it, it ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError:
        raise ConfigError(
            "runner=ray needs Ray", remedy="install it (pip install 'conflict-events[ray]'), or set runner=local"
        ) from None
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.WARNING)
    except Exception as error:  # Ray raises bare exceptions, too
        raise RunnerError(f"Ray cannot be reached ({error})", where=address, remedy="check runner.address") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _dataset(ray: Any, readings: Sequence[Callable[[], Iterator[Chunk]]], task: Task, workers: int) -> Any:
    """A data set of what came of the chunks, not yet begun."""
    import pyarrow
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Chunks(Datasource):  # type: ignore[misc]  # nothing is known of Ray's types
        """Rows with one chunk; a task for each source."""

        def estimate_inmemory_data_size(self) -> None:
            return None

        def get_read_tasks(self, *_: object, **__: object) -> list[Any]:
            unknown = BlockMetadata(None, None, None, None)
            return [ReadTask(partial(blocks, reading), unknown) for reading in readings]

    def blocks(reading: Callable[[], Iterator[Chunk]]) -> Iterator[Any]:
        for chunk in reading():
            yield pyarrow.table({"chunk": [pickle.dumps(chunk)]})

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.target_max_block_size = _BLOCK
    context.enable_progress_bars = False
    threads = max(1, int(ray.cluster_resources().get("CPU", 1)) // workers)
    # Reading asks for no core: the actors may have them all, and it waits for them most of the time.
    read = ray.data.read_datasource(
        Chunks(),
        override_num_blocks=max(1, len(readings)),
        num_cpus=0,
    )
    return read.map_batches(
        _Actor,
        fn_constructor_args=(task, threads),
        batch_size=1,
        num_cpus=threads,
        compute=ray.data.ActorPoolStrategy(size=workers),
    )


class _Actor:
    """Holds the model."""

    def __init__(self, task: Task, threads: int) -> None:
        self._team = Team(task, 1, threads)
        self._failure: ConflictEventsError | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"done": [pickle.dumps(self._done(pickle.loads(chunk))) for chunk in batch["chunk"]]}

    def _done(self, chunk: Chunk) -> Done | ConflictEventsError:
        """What came of a chunk, or why nothing ever will: Ray would wrap an error beyond recognition."""
        if self._failure is None:
            try:
                return next(self._team.work(iter([chunk])))
            except ConflictEventsError as error:
                self._failure = error
        return self._failure

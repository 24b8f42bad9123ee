"""Several processes on one machine, each with an extractor of its own.

A process that dies (killed for its memory, or crashed) is replaced, and its chunk is done again: first as a whole, for
most deaths have their reason elsewhere, and if that kills, too, article by article. The article that kills again is a
bad record.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any

from conflict_events.articles import Article
from conflict_events.batch.chunks import Chunk, Done
from conflict_events.batch.work import Task, failed
from conflict_events.engines.base import cores
from conflict_events.errors import RunnerError

_AHEAD = 3  # chunks that each process may be ahead of the slowest

_THREADS = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS")  # of torch, of tokenizers


def work(chunks: Iterator[Chunk], task: Task, workers: int) -> Iterator[Done]:
    """What came of the chunks, in their order. Few are held at a time, however many there are.

    Raises:
        RunnerError: if a process dies while it starts.
        ConflictEventsError: what making the extractor raises.
    """
    team = Team(task, workers, max(1, cores() // workers))
    try:
        yield from team.work(chunks)
    finally:
        team.stop()


class Team:
    """Processes that work.

    Args:
        task: what each does.
        workers: how many.
        threads: of each.
    """

    def __init__(self, task: Task, workers: int, threads: int) -> None:
        self._workers = [_Worker(task, threads) for _ in range(workers)]

    def stop(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.stop()

    def work(self, chunks: Iterator[Chunk]) -> Iterator[Done]:
        """What came of the chunks, in their order."""
        orders: deque[_Order] = deque()  # those not yet given back, in the order of the input
        waiting: deque[_Order] = deque()  # those that no process has
        while True:
            for chunk in islice(chunks, _AHEAD * len(self._workers) - len(orders)):
                orders.append(_Order(chunk))
                waiting.append(orders[-1])
            if not orders:
                return
            for worker in self._workers:
                if worker.order is None and waiting:
                    worker.give(waiting.popleft())
            busy = {worker.connection: worker for worker in self._workers if worker.order is not None}
            for ready in wait(list(busy)):
                waiting.extendleft(reversed(busy[ready].take()))  # type: ignore[index]
            while orders and (done := orders[0].result()) is not None:
                orders.popleft()
                yield done


@dataclass(eq=False)
class _Order:
    """A chunk to be done.

    Attributes:
        chunk: the chunk.
        deaths: of processes that worked on it.
        done: what came of it.
        parts: orders of single articles, once it is known to kill.
    """

    chunk: Chunk
    deaths: int = 0
    done: Done | None = None
    parts: list[_Order] = field(default_factory=list)

    def result(self) -> Done | None:
        """What came of it; None while it is not done."""
        if self.parts and all(part.done for part in self.parts):
            results = (result for part in self.parts if part.done for result in part.done.results)
            self.done = Done(tuple(results), self.chunk.next, self.chunk.read)
        return self.done

    def died(self, code: int | None) -> list[_Order]:
        """A process died on it: what is to be done now."""
        self.deaths += 1
        if self.deaths == 1:
            return [self]
        records = self.chunk.records
        if len(records) > 1:
            self.parts = [_Order(Chunk((record,), self.chunk.next, self.chunk.read), 1) for record in records]
            return self.parts
        bad = (
            failed(record, f"a worker process died on it twice (exit code {code})")
            if isinstance(record, Article)
            else record
            for record in records
        )
        self.done = Done(tuple(bad), self.chunk.next, self.chunk.read)
        return []


class _Worker:
    """A process, and the order that it works on."""

    def __init__(self, task: Task, threads: int) -> None:
        self._task = task
        self._threads = threads
        self.order: _Order | None = None
        self._start()

    def give(self, order: _Order) -> None:
        """Have a chunk worked on."""
        self.order = order
        with suppress(OSError):  # it is dead: take() will see
            self.connection.send(order.chunk)

    def take(self) -> list[_Order]:
        """Receive what the process has to say; gives orders that must be done again."""
        order = self.order
        assert order is not None
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            return self._replace(order)
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Done):
            order.done, self.order = message, None
        else:
            self._loaded = True
        return []

    def stop(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._loaded = False
        self.connection: Connection[Any, Any]
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self._task, self._threads), daemon=True)
        with _environment(self._threads):
            self.process.start()
        theirs.close()

    def _replace(self, order: _Order) -> list[_Order]:
        self.stop()
        if not self._loaded:
            raise RunnerError(
                f"a worker process died while it loaded the model (exit code {self.process.exitcode})",
                remedy="fewer runner.workers need less memory",
            )
        self.order = None
        again = order.died(self.process.exitcode)
        self._start()
        return again


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """How many threads a child uses is settled before it loads its libraries, unless the user has settled it."""
    missing = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, str(threads)))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def _serve(connection: Connection[Any, Any], task: Task, threads: int) -> None:
    """The life of a process: load, then a chunk after the other, until the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one tells the others
    try:
        do: Callable[[Chunk], Done] = task.start(threads)
    except Exception as error:
        connection.send(error)
        return
    with suppress(EOFError, OSError):
        connection.send("ready")
        while True:
            connection.send(do(connection.recv()))

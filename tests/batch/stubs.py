"""Extractors without a model, for tests of what is around it. Other processes import them from here."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conflict_events.errors import CheckpointError
from conflict_events.extraction import Extraction
from conflict_events.schema import TRIGGER, Event, EventType, Span


@dataclass(frozen=True)
class Stub:
    """Finds the first word of every text, and an event where the text has more than one word.

    The word ``boom`` raises, ``kill`` kills the process, and ``once`` does so the first time.

    Attributes:
        seconds: that each text takes.
        folder: where it notes that ``once`` was seen, and who has worked.
        failure: what ``boom`` raises.
    """

    seconds: float = 0.0
    folder: str = ""
    failure: Exception = field(default_factory=lambda: RuntimeError("too much for the memory"))

    def __call__(self, threads: int | None = None) -> Stub:
        return self

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for text in texts:
            time.sleep(self.seconds)
            words = text.split(" ")
            if "boom" in words:
                raise self.failure
            if "kill" in words or ("once" in words and self._first()):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.folder:
                (Path(self.folder) / f"process-{os.getpid()}").touch()
            yield self._extraction(text, words[0])

    def _extraction(self, text: str, word: str) -> Extraction:
        spans = (Span(0, len(word), "weapon", word, 0.5),) if word else ()
        events = ()
        if word and word != text:
            events = (Event(EventType.BOMBING, Span(0, len(word), TRIGGER, word, 0.25), spans, 0.75),)
        return Extraction(events, spans, model="stub")

    def _first(self) -> bool:
        try:
            (Path(self.folder) / "once").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def no_checkpoint(threads: int | None) -> Stub:
    """Fails as loading a checkpoint does."""
    raise CheckpointError("there is no model.safetensors", where="nowhere")


def dies_at_once(threads: int | None) -> Stub:
    """Is killed while it loads."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class Threads:
    """Finds how many cores it was told to take, and how many OpenMP would."""

    def __call__(self, threads: int | None) -> Threads:
        self.threads = threads
        return self

    def extract_many(self, texts: Iterable[str]) -> Iterator[Extraction]:
        for _ in texts:
            told = f"{self.threads} {os.environ['OMP_NUM_THREADS']}"
            yield Extraction((), (Span(0, len(told), "weapon", told),))

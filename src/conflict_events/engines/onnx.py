"""The onnxruntime engine: a checkpoint's exported graphs on the cores of a CPU, without torch.

Each window goes through the encoder alone, and each event through the linker; as many at once as there are threads.
That is about as fast as batches, since nothing is padded and what a window needs stays in the cache; and dynamic
quantisation, which takes its range from all that goes through at once, then gives a window the same scores whatever
else there is to do.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from conflict_events.checkpoint import CONFIG_FILE, read_json
from conflict_events.engines.base import cores, link_inputs, no_linker
from conflict_events.engines.exported import EXPORT_AGAIN, LINKER, TAGGER, Exported
from conflict_events.errors import CheckpointError
from conflict_events.linking.settings import read_linker_config
from conflict_events.scores import Link, LinkScores, Scored

_SLOWER = ["SkipLayerNormFusion"]  # on a CPU: a sum and a normalisation of it are faster than both in one
_FATAL = 4  # what is wrong with a file is said by the error that is raised
Item = TypeVar("Item")
Result = TypeVar("Result")


class OnnxEngine:
    """Scores windows and events with graphs in memory.

    Args:
        tagger: takes ``input_ids``, and ``attention_mask`` if an earlier version has exported it; gives ``logits`` and,
            for a linker, ``states``.
        linker: takes and gives what :meth:`conflict_events.linking.network.Linker.forward` does, if there is one.
        reach: of the linker.
        threads: windows or events worked on at once; None for the cores given to this process.
    """

    def __init__(
        self,
        tagger: InferenceSession,
        linker: InferenceSession | None = None,
        reach: int | None = None,
        threads: int | None = None,
    ) -> None:
        self.reach = reach
        self.threads = threads or cores()
        self._tagger = tagger
        self._takes = [given.name for given in tagger.get_inputs()]
        self._linker = linker
        self._begin_pool()
        if hasattr(os, "register_at_fork"):
            # A forked process has none of the threads, and would wait for them forever.
            mine = weakref.WeakMethod(self._begin_pool)
            os.register_at_fork(after_in_child=lambda: (begin := mine()) and begin())

    @classmethod
    def from_folder(cls, folder: Path, threads: int | None = None, form: str | None = None) -> OnnxEngine:
        """Load a checkpoint's ``onnx/``.

        Args:
            folder: the checkpoint's.
            threads: windows or events worked on at once; None for the cores given to this process.
            form: of the graphs; None for the quantised ones, or the others where there are none.

        Raises:
            CheckpointError: if the export is missing or not whole, or belongs to other weights, settings or labels
                than those beside it.
        """
        exported = Exported.load(folder)
        exported.require_current(folder)
        path = exported.whole(folder, TAGGER, form)
        tagger = open_graph(path)
        widths = {output.name: output.shape[-1] for output in tagger.get_outputs()}
        labels = read_json(folder / CONFIG_FILE).get("id2label") or {}
        if widths.get("logits") != len(labels):
            raise CheckpointError(
                f"the graph scores {widths.get('logits')} labels, {CONFIG_FILE} has {len(labels)}",
                where=str(path),
                remedy=EXPORT_AGAIN,
            )
        linker = None
        settings = read_linker_config(folder, widths.get("states", 0))
        if settings is not None:
            linker = open_graph(exported.whole(folder, LINKER, form))
        return cls(tagger, linker, settings.reach if settings else None, threads)

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        """As :meth:`conflict_events.engines.base.Engine.run`."""
        return self._each(self._score, windows)

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        """Scores of events, in the order given.

        Raises:
            CheckpointError: if there is no linker.
        """
        if self._linker is None:
            raise no_linker()
        return self._each(self._link, links)

    def _begin_pool(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads, "onnx")

    def _each(self, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """What comes of each item; onnxruntime lets other threads run meanwhile."""
        return list((self._pool.map if self.threads > 1 < len(items) else map)(work, items))

    def _score(self, window: Sequence[int]) -> Scored:
        ids = np.array([window], dtype=np.int64)
        wanted = ["logits"] if self._linker is None else ["logits", "states"]
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found = self._tagger.run(wanted, {name: given[name] for name in self._takes})
        logits, *states = (rows[0] for rows in found)
        return Scored(logits, states[0] if states else None)

    def _link(self, link: Link) -> LinkScores:
        assert self._linker is not None
        roles, types = self._linker.run(["roles", "types"], link_inputs([link]))
        return LinkScores(roles[0], types[0])


def open_graph(path: Path) -> InferenceSession:
    """An ONNX file, ready to run; each run takes one core.

    Raises:
        CheckpointError: if it is damaged, or asks for what this onnxruntime does not have.
    """
    options = SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _FATAL
    options.enable_mem_pattern = False  # one would be kept for every length there is
    try:
        return InferenceSession(path, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER)
    except Exception as error:  # each of onnxruntime's errors is an Exception of its own
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"the graph cannot be loaded ({reason})", where=str(path), remedy=EXPORT_AGAIN) from None

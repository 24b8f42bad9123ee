"""The torch engine: a transformers token classifier, and the linker on its states, in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from conflict_events.engines.base import batches, link_inputs, no_linker, padded
from conflict_events.errors import ConfigError
from conflict_events.linking.network import Linker, load_linker
from conflict_events.model import load_classifier
from conflict_events.scores import Link, LinkScores, Scored


class TorchEngine:
    """Scores windows with a model in memory.

    Args:
        model: a token classifier.
        linker: on its states, if there is one.
        batch_tokens: about how many tokens, padding included, go through the encoder at a time.
    """

    def __init__(self, model: PreTrainedModel, linker: Linker | None = None, batch_tokens: int = 4096) -> None:
        self.model = model
        self.linker = linker
        self.batch_tokens = batch_tokens

    @classmethod
    def from_folder(cls, folder: Path, device: str | None = None, batch_tokens: int = 4096) -> TorchEngine:
        """Load a checkpoint's safetensors onto a device (the best present, unless named).

        Raises:
            CheckpointError: if the files do not make a token classifier.
            ConfigError: if there is no such device.
        """
        device = device or (
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
        model = load_classifier(folder)
        linker = load_linker(folder, model.config.hidden_size)
        try:
            for module in (model, linker):
                if module is not None:
                    module.to(torch.device(device))  # type: ignore[arg-type]  # a wrapper hides nn.Module's signature
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"device {device!r} cannot be used ({error})", remedy="choose cpu, cuda or mps") from None
        return cls(model, linker, batch_tokens)

    @property
    def reach(self) -> int | None:
        """Of the linker; None if there is none."""
        return self.linker.reach if self.linker else None

    def run(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        """As :meth:`conflict_events.engines.base.Engine.run`."""
        scored: list[Scored] = [Scored(np.empty(0, np.float32), None)] * len(windows)
        with self._evaluating():
            for numbers in batches([len(window) for window in windows], self.batch_tokens):
                for number, rows in zip(numbers, self._forward([windows[n] for n in numbers]), strict=True):
                    scored[number] = rows
        return scored

    def link(self, links: Sequence[Link]) -> list[LinkScores]:
        """Scores of events, in the order given.

        Raises:
            CheckpointError: if there is no linker.
        """
        if self.linker is None:
            raise no_linker()
        scored: list[LinkScores] = [LinkScores(np.empty(0, np.float32), np.empty(0, np.float32))] * len(links)
        with self._evaluating():
            for numbers in batches([len(link.states) for link in links], self.batch_tokens):
                for number, scores in zip(numbers, self._link([links[n] for n in numbers]), strict=True):
                    scored[number] = scores
        return scored

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        modules = [self.model] if self.linker is None else [self.model, self.linker]
        was_training = [module.training for module in modules]
        for module in modules:
            module.train(False)
        try:
            with torch.inference_mode():
                yield
        finally:
            for module, mode in zip(modules, was_training, strict=True):
                module.train(mode)

    def _forward(self, windows: Sequence[Sequence[int]]) -> list[Scored]:
        ids = padded([np.array(window, dtype=np.int64) for window in windows], self.model.config.pad_token_id or 0)
        mask = padded([np.ones(len(window), dtype=np.int64) for window in windows])  # both (batch, tokens)
        output = self.model(
            input_ids=self._tensor(ids),
            attention_mask=self._tensor(mask),
            output_hidden_states=self.linker is not None,
        )
        logits = output.logits.float().cpu().numpy()  # (batch, tokens, labels)
        states = None
        if self.linker is not None:
            states = output.hidden_states[-1].float().cpu().numpy()  # (batch, tokens, hidden_size)
        return [
            Scored(logits[row, : len(window)], None if states is None else states[row, : len(window)])
            for row, window in enumerate(windows)
        ]

    def _link(self, links: Sequence[Link]) -> list[LinkScores]:
        assert self.linker is not None
        roles, types = self.linker(**{name: self._tensor(rows) for name, rows in link_inputs(links).items()})
        roles, types = roles.float().cpu().numpy(), types.float().cpu().numpy()
        return [LinkScores(roles[row, : len(link.spans)], types[row]) for row, link in enumerate(links)]

    def _tensor(self, rows: npt.NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(rows).to(self.model.device)

"""The torch engine: a transformers token classifier in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from conflict_events.errors import ConfigError
from conflict_events.model import load_classifier


class TorchEngine:
    """Scores windows with a model in memory.

    Args:
        model: a token classifier.
        batch_tokens: about how many tokens, padding included, go through the encoder at a time.
    """

    def __init__(self, model: PreTrainedModel, batch_tokens: int = 4096) -> None:
        self.model = model
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
        try:
            model.to(torch.device(device))  # type: ignore[arg-type]  # a wrapper hides nn.Module's signature
        except (RuntimeError, AssertionError) as error:
            raise ConfigError(f"device {device!r} cannot be used ({error})", remedy="choose cpu, cuda or mps") from None
        return cls(model, batch_tokens)

    def run(self, windows: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float32]]:
        """Scores of windows.

        Args:
            windows: token ids of each, special tokens included.

        Returns:
            For each window, in the order given, logits of shape ``(len(window), labels)``.
        """
        was_training = self.model.training
        self.model.train(False)
        scores: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)] * len(windows)
        with torch.inference_mode():
            for numbers in self._batches(windows):
                for number, rows in zip(numbers, self._forward([windows[n] for n in numbers]), strict=True):
                    scores[number] = rows
        self.model.train(was_training)
        return scores

    def _batches(self, windows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Numbers of windows of like length, so that little is padded."""
        batch: list[int] = []
        for number in sorted(range(len(windows)), key=lambda n: len(windows[n])):
            if batch and (len(batch) + 1) * len(windows[number]) > self.batch_tokens:
                yield batch
                batch = []
            batch.append(number)
        if batch:
            yield batch

    def _forward(self, windows: Sequence[Sequence[int]]) -> list[npt.NDArray[np.float32]]:
        longest = max(map(len, windows))
        ids = torch.full((len(windows), longest), self.model.config.pad_token_id or 0)  # (batch, tokens)
        mask = torch.zeros((len(windows), longest), dtype=torch.long)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        device = self.model.device
        logits = self.model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits  # (batch, tokens, labels)
        array = logits.float().cpu().numpy()
        return [array[row, : len(window)] for row, window in enumerate(windows)]

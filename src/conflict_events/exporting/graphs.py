"""Networks of torch to ONNX graphs.

The classic exporter with eager attention, at opset 17: what it writes is what onnxruntime fuses best. The exporter on
``torch.export`` gives graphs with more nodes and no more speed, and onnxruntime's own optimiser for transformers gives
fewer nodes that are slower on a CPU; both were measured, see ``docs/experiments.md``.
"""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from conflict_events.engines.base import link_inputs
from conflict_events.errors import CheckpointError
from conflict_events.linking.network import Linker
from conflict_events.linking.surroundings import FARTHEST_SENTENCE, MOST_BETWEEN
from conflict_events.scores import Link

OPSET = 17
_MOST_BYTES = 2_000_000_000  # of one ONNX file: protobuf holds no more
_TOKENS = {0: "windows", 1: "tokens"}


class _Tagger(nn.Module):
    """A token classifier that takes ids alone, without padding, and gives its states if they are asked for."""

    def __init__(self, model: PreTrainedModel, with_states: bool) -> None:
        super().__init__()
        self.model = model
        self.with_states = with_states
        self.with_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def forward(self, input_ids: Tensor) -> tuple[Tensor, ...]:
        types = {"token_type_ids": torch.zeros_like(input_ids)} if self.with_types else {}
        output = self.model(input_ids=input_ids, output_hidden_states=self.with_states, **types)
        return (output.logits, output.hidden_states[-1]) if self.with_states else (output.logits,)


def export_tagger(model: PreTrainedModel, path: Path, *, with_states: bool) -> None:
    """Write a token classifier; it takes ``input_ids``, ``(windows, tokens)``, without padding.

    It gives ``logits``, ``(windows, tokens, labels)``, and ``states``, ``(windows, tokens, hidden_size)``. A mask that
    hides nothing would cost a tenth of the time.

    Args:
        model: with eager attention.
        path: of the file.
        with_states: give the encoder's last states, too, for a linker.

    Raises:
        CheckpointError: if the architecture cannot be exported, or is too large for one file.
    """
    ids = torch.arange(2 * 9).reshape(2, 9) % (model.config.vocab_size - 1) + 1
    outputs = ["logits", "states"] if with_states else ["logits"]
    axes = dict.fromkeys(["input_ids", *outputs], _TOKENS)
    _export(_Tagger(model, with_states), {"input_ids": ids}, outputs, axes, path)


def export_linker(linker: Linker, path: Path) -> None:
    """Write a linker; inputs and outputs are those of :meth:`conflict_events.linking.network.Linker.forward`.

    Args:
        linker: of a checkpoint.
        path: of the file.

    Raises:
        CheckpointError: if it cannot be exported.
    """
    examples = example_links(linker.token.in_features, linker.reach)[-2:]
    inputs = {name: torch.from_numpy(rows) for name, rows in link_inputs(examples).items()}
    more = {name: {0: "links", 1: "spans" if "span" in name else "tokens"} for name in inputs}
    axes = more | {"first": {0: "links"}, "last": {0: "links"}, "roles": more["span_first"], "types": {0: "links"}}
    _export(linker, inputs, ["roles", "types"], axes, path)


def example_links(hidden_size: int, reach: int) -> list[Link]:
    """Events of chance states: one of a single token, one without spans, and two as large as they come."""
    random = np.random.default_rng(0)
    links = []
    for tokens, first, spans in ((1, 0, 1), (reach + 2, 0, 0), (2 * reach + 2, reach, 3), (2 * reach + 1, reach, 5)):
        begins = random.integers(0, tokens, spans)
        links.append(
            Link(
                states=random.normal(size=(tokens, hidden_size)).astype(np.float32),
                first=first,
                last=min(first + 1, tokens - 1),
                sentence=random.integers(0, 2 * FARTHEST_SENTENCE + 1, tokens),
                between=random.integers(0, MOST_BETWEEN + 1, tokens),
                spans=np.stack([begins, np.minimum(begins + 2, tokens - 1)], axis=1),
            )
        )
    return links


def _export(
    network: nn.Module, inputs: dict[str, Tensor], outputs: list[str], axes: dict[str, dict[int, str]], path: Path
) -> None:
    size = sum(weight.numel() * weight.element_size() for weight in network.parameters())
    if size > _MOST_BYTES:
        raise CheckpointError(
            f"the encoder has {size:,} bytes of weights, an ONNX file holds {_MOST_BYTES:,}",
            remedy="use engine=torch, or train a smaller encoder",
        )
    try:
        with quiet(), torch.inference_mode():
            torch.onnx.export(
                network.eval(),
                tuple(inputs.values()),
                path,
                input_names=list(inputs),
                output_names=outputs,
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    except Exception as error:  # the exporter's own errors, and whatever an architecture raises when traced
        raise CheckpointError(
            f"this architecture cannot be exported to ONNX ({type(error).__name__}: {str(error).splitlines()[0]})",
            remedy="use engine=torch",
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings of tracing or quantising for a moment: what they warn of is measured afterwards."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)

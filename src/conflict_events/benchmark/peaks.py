"""The machine's own limit: dense multiplication of large matrices, in 32 bits and in 8."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper
from onnxruntime import InferenceSession, SessionOptions

from conflict_events.checkpoint import CONFIG_FILE, read_json

_SIZE = 2048  # of the matrices: larger than any cache line matters, small enough for a second
_ROUNDS = 5


def peaks(threads: int) -> dict[str, float]:
    """Operations per second (a multiplication and an addition are two) of ``fp32`` and ``int8``."""
    operations = 2.0 * _SIZE**3
    return {"fp32": operations / _fastest(_fp32(threads)), "int8": operations / _fastest(_int8(threads))}


def flops_per_token(folder: Path) -> float | None:
    """What the encoder's weight matrices cost a token; None for an architecture that names its sizes otherwise.

    Attention between tokens is left out: with windows of a few hundred tokens it is a few percent.
    """
    config = read_json(folder / CONFIG_FILE)
    sizes = [config.get(name) for name in ("num_hidden_layers", "hidden_size", "intermediate_size")]
    if not all(isinstance(size, int) for size in sizes):
        return None
    layers, hidden, inner = (int(size) for size in sizes if size is not None)
    return 2.0 * layers * (4 * hidden**2 + 2 * hidden * inner)


def _fp32(threads: int) -> Callable[[], object]:
    torch.set_num_threads(threads)
    one, other = (torch.rand(_SIZE, _SIZE) for _ in range(2))
    return lambda: one @ other


def _int8(threads: int) -> Callable[[], object]:
    """onnxruntime's integer multiplication, unsigned activations by signed weights as in dynamic quantisation."""
    shape = [_SIZE, _SIZE]
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "peak",
        [helper.make_tensor_value_info("a", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("c", TensorProto.INT32, shape)],
        [helper.make_tensor("b", TensorProto.INT8, shape, np.ones(_SIZE**2, np.int8).tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = SessionOptions()
    options.intra_op_num_threads = threads
    session = InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    one = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    return lambda: session.run(None, {"a": one})


def _fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds, after one that does not count."""
    work()
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)

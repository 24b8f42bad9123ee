"""Graphs in 8 bits: onnxruntime's dynamic quantisation, after two changes to the graph that keep it near the original.

Numbers quantised together have one range, so that the largest of them decide how finely all others are told apart. In
encoders these are few columns of the embeddings, and few tokens in the feed-forward part of every layer. So embeddings
get a range for each column; and what goes into a feed-forward matrix is divided by each token's largest value, what
comes out is multiplied by it, and the range in between suits every token. Nothing needs to be calibrated on texts.
Measured in ``docs/experiments.md``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto
from onnx.helper import make_node
from onnx.numpy_helper import from_array, to_array
from onnxruntime.quantization import QuantType, quantize_dynamic

from conflict_events.exporting.graphs import quiet

_LARGEST_BYTE = 127
_FEWEST_ROWS = 100  # of a table that is worth it
_SMALLEST_RANGE = "smallest_range"


def quantize(source: Path, target: Path) -> None:
    """Write a graph with its matrices and embeddings in 8 bits; what goes through them is quantised as it comes.

    Weights are signed, for the instructions that multiply bytes (VNNI, AMX) take those, and have a range for
    each column.

    Args:
        source: what :mod:`conflict_events.exporting.graphs` has written.
        target: the file to write.
    """
    model = onnx.load(source)
    quantize_embeddings(model.graph)
    scale_tokens(model.graph)
    with quiet():
        quantize_dynamic(model, target, op_types_to_quantize=["MatMul"], per_channel=True, weight_type=QuantType.QInt8)


def quantize_embeddings(graph: GraphProto) -> None:
    """Look up bytes, and make numbers of what was looked up, with a range for each column; small tables stay."""
    tables, nodes, quantized = _matrices(graph), list[NodeProto](), set[str]()
    for node in graph.node:
        nodes.append(node)
        table = tables.get(node.input[0]) if node.op_type == "Gather" and not _axis(node) else None
        if table is None or table.dims[0] < _FEWEST_ROWS:
            continue
        name, output = node.input[0], node.output[0]
        node.input[0], node.output[0] = f"{name}_bytes", f"{output}_bytes"
        nodes.append(make_node("Cast", [f"{output}_bytes"], [f"{output}_steps"], to=TensorProto.FLOAT))
        nodes.append(make_node("Mul", [f"{output}_steps", f"{name}_step"], [output]))
        quantized.add(name)
    for name in quantized:
        numbers = to_array(tables[name])  # (tokens, hidden_size)
        steps = np.abs(numbers).max(axis=0) / _LARGEST_BYTE
        steps[steps == 0.0] = 1.0
        graph.initializer.append(from_array(np.round(numbers / steps).astype(np.int8), f"{name}_bytes"))
        graph.initializer.append(from_array(steps.astype(np.float32), f"{name}_step"))
    _replace(graph, nodes)


def scale_tokens(graph: GraphProto) -> None:
    """Divide what goes into oblong matrices, those of feed-forward layers, by each token's largest value; and back."""
    matrices, nodes, scaled = _matrices(graph), list[NodeProto](), set[str]()
    graph.initializer.append(from_array(np.array(1e-6, dtype=np.float32), _SMALLEST_RANGE))
    for node in graph.node:
        weights = matrices.get(node.input[1]) if node.op_type == "MatMul" else None
        if weights is None or weights.dims[0] == weights.dims[1]:
            nodes.append(node)
            continue
        given, output = node.input[0], node.output[0]
        if given not in scaled:
            scaled.add(given)
            nodes += [
                make_node("ReduceMax", [given], [f"{given}_most"], axes=[-1], keepdims=1),
                make_node("ReduceMin", [given], [f"{given}_least"], axes=[-1], keepdims=1),
                make_node("Neg", [f"{given}_least"], [f"{given}_below"]),  # cheaper than the size of every number
                make_node("Max", [f"{given}_most", f"{given}_below", _SMALLEST_RANGE], [f"{given}_range"]),
                make_node("Div", [given, f"{given}_range"], [f"{given}_scaled"]),
            ]
        node.input[0], node.output[0] = f"{given}_scaled", f"{output}_scaled"
        nodes += [node, make_node("Mul", [f"{output}_scaled", f"{given}_range"], [output])]
    _replace(graph, nodes)


def _matrices(graph: GraphProto) -> dict[str, TensorProto]:
    """The weights that are matrices of numbers."""
    return {w.name: w for w in graph.initializer if len(w.dims) == 2 and w.data_type == TensorProto.FLOAT}


def _axis(node: NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _replace(graph: GraphProto, nodes: list[NodeProto]) -> None:
    """Put nodes into the place of a graph's own, and drop weights that none of them takes."""
    del graph.node[:]
    graph.node.extend(nodes)
    taken = {name for node in nodes for name in node.input}
    kept = [weights for weights in graph.initializer if weights.name in taken]
    del graph.initializer[:]
    graph.initializer.extend(kept)

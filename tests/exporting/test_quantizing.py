"""Quantising: the two changes to a graph keep its values, and keep outliers from costing all others their precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from conflict_events.engines.onnx import open_graph
from conflict_events.exporting.quantizing import quantize, quantize_embeddings, scale_tokens

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(150, 16)).astype(np.float32)
WIDE = RANDOM.normal(size=(16, 32)).astype(np.float32)
SQUARE = RANDOM.normal(size=(16, 16)).astype(np.float32)
IDS = np.array([[3, 7, 149], [0, 0, 1]])


def graph(
    nodes: list[onnx.NodeProto], weights: dict[str, npt.NDArray[np.float32]], given: tuple[str, int, int], rank: int = 3
) -> onnx.ModelProto:
    """A graph of one input, ``(name, type, rank)``, and the output ``out``."""
    name, kind, axes = given
    return helper.make_model(
        helper.make_graph(
            nodes, "tiny",
            [helper.make_tensor_value_info(name, kind, [None] * axes)],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None] * rank)],
            [numpy_helper.from_array(numbers, name) for name, numbers in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip


def embedding() -> onnx.ModelProto:
    return graph(
        [helper.make_node("Gather", ["table", "ids"], ["out"])], {"table": TABLE}, ("ids", TensorProto.INT64, 2)
    )


def matrix(weights: npt.NDArray[np.float32]) -> onnx.ModelProto:
    return graph([helper.make_node("MatMul", ["x", "w"], ["out"])], {"w": weights}, ("x", TensorProto.FLOAT, 3))


def run(model: onnx.ModelProto, path: Path, **given: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    onnx.checker.check_model(model)
    onnx.save(model, path)
    (out,) = open_graph(path).run(None, given)
    return np.asarray(out)


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


# Embeddings


def test_what_is_looked_up_is_within_half_a_step_of_its_columns_range(tmp_path: Path) -> None:
    model = embedding()
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(TABLE * np.logspace(-3, 3, 16, dtype=np.float32), "table")
    )
    table = numpy_helper.to_array(model.graph.initializer[0])
    quantize_embeddings(model.graph)
    found = run(model, tmp_path / "m.onnx", ids=IDS)
    step = np.abs(table).max(axis=0) / 127
    assert (np.abs(found - table[IDS]) <= 0.501 * step).all()


def test_a_table_is_kept_in_bytes_alone(tmp_path: Path) -> None:
    model = embedding()
    quantize_embeddings(model.graph)
    kinds = {weights.name: weights.data_type for weights in model.graph.initializer}
    assert kinds == {"table_bytes": TensorProto.INT8, "table_step": TensorProto.FLOAT}


def test_a_column_of_zeros_stays_one(tmp_path: Path) -> None:
    model = embedding()
    table = TABLE.copy()
    table[:, 5] = 0.0
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(table, "table"))
    quantize_embeddings(model.graph)
    found = run(model, tmp_path / "m.onnx", ids=IDS)
    assert np.isfinite(found).all()
    assert (found[..., 5] == 0.0).all()


def test_a_table_that_something_else_takes_too_is_kept_for_that(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["looked_up"]),
        helper.make_node("Transpose", ["table"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["looked_up", "turned"], ["out"]),
    ]
    model = graph(nodes, {"table": TABLE}, ("ids", TensorProto.INT64, 2))
    quantize_embeddings(model.graph)
    found = run(model, tmp_path / "m.onnx", ids=IDS)
    np.testing.assert_allclose(found, TABLE[IDS] @ TABLE.T, atol=0.2)


def test_a_table_that_is_looked_up_twice_is_there_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["once"]),
        helper.make_node("Gather", ["table", "ids"], ["twice"]),
        helper.make_node("Add", ["once", "twice"], ["out"]),
    ]
    model = graph(nodes, {"table": TABLE}, ("ids", TensorProto.INT64, 2))
    quantize_embeddings(model.graph)
    assert sorted(weights.name for weights in model.graph.initializer) == ["table_bytes", "table_step"]
    np.testing.assert_allclose(run(model, tmp_path / "m.onnx", ids=IDS), 2 * TABLE[IDS], atol=0.05)


def test_columns_that_are_picked_are_no_embedding() -> None:
    model = graph(
        [helper.make_node("Gather", ["table", "ids"], ["out"], axis=1)], {"table": TABLE}, ("ids", TensorProto.INT64, 2)
    )
    quantize_embeddings(model.graph)
    assert operators(model) == ["Gather"]


def test_a_small_table_stays_as_it_is() -> None:
    model = graph(
        [helper.make_node("Gather", ["table", "ids"], ["out"])], {"table": TABLE[:5]}, ("ids", TensorProto.INT64, 2)
    )
    quantize_embeddings(model.graph)
    assert operators(model) == ["Gather"]


# Feed-forward layers


def test_scaling_tokens_changes_no_value(tmp_path: Path) -> None:
    x = RANDOM.normal(size=(2, 5, 16)).astype(np.float32) * np.logspace(-2, 2, 5, dtype=np.float32)[None, :, None]
    x[1, 3] = 0.0  # a token of zeros has no largest value to divide by
    model = matrix(WIDE)
    scale_tokens(model.graph)
    found = run(model, tmp_path / "m.onnx", x=x)
    np.testing.assert_allclose(found, x @ WIDE, rtol=1e-4, atol=1e-4)
    assert (found[1, 3] == 0.0).all()


def test_square_matrices_are_left_as_they_are() -> None:
    model = matrix(SQUARE)
    scale_tokens(model.graph)
    assert operators(model) == ["MatMul"]


def test_what_goes_into_two_matrices_is_scaled_once() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], [name]) for name in ("one", "two")]
    model = graph([*nodes, helper.make_node("Add", ["one", "two"], ["out"])], {"w": WIDE}, ("x", TensorProto.FLOAT, 3))
    scale_tokens(model.graph)
    assert operators(model).count("Div") == 1
    assert operators(model).count("Mul") == 2


def test_products_of_two_inputs_are_left_as_they_are() -> None:
    model = graph([helper.make_node("MatMul", ["x", "x"], ["out"])], {}, ("x", TensorProto.FLOAT, 3))
    scale_tokens(model.graph)
    assert operators(model) == ["MatMul"]


# Both


@pytest.mark.parametrize("weights", [WIDE, np.ascontiguousarray(WIDE.T)], ids=["widens", "narrows"])
def test_a_token_of_huge_values_costs_its_neighbours_no_precision(
    tmp_path: Path, weights: npt.NDArray[np.float32]
) -> None:
    x = RANDOM.normal(size=(1, 6, len(weights))).astype(np.float32)
    onnx.save(matrix(weights), tmp_path / "m.onnx")
    quantize(tmp_path / "m.onnx", tmp_path / "q.onnx")
    quantized = open_graph(tmp_path / "q.onnx")
    (calm,) = quantized.run(None, {"x": x})
    x[0, 2] *= 1000.0
    (upset,) = quantized.run(None, {"x": x})
    others = [0, 1, 3, 4, 5]
    error = np.abs(upset[0, others] - (x @ weights)[0, others]).max()
    assert error < 2 * np.abs(calm[0, others] - (x @ weights)[0, others]).max() < 0.5


def test_weights_of_a_quantised_graph_are_signed_bytes_with_a_range_for_each_column(tmp_path: Path) -> None:
    onnx.save(matrix(WIDE), tmp_path / "m.onnx")
    quantize(tmp_path / "m.onnx", tmp_path / "q.onnx")
    shapes = {w.name: (w.data_type, list(w.dims)) for w in onnx.load(tmp_path / "q.onnx").graph.initializer}
    assert (TensorProto.INT8, [16, 32]) in shapes.values()
    assert (TensorProto.FLOAT, [32]) in shapes.values()
    assert (TensorProto.FLOAT, [16, 32]) not in shapes.values()

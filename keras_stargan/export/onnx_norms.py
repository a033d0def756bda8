"""Instance normalization as the one operation that ONNX has for it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np


def fuse_instance_normalization(graph: Any, nodes: list) -> list:
    """Replaces what our layer computes in ten operations.

    Graphs become half as long, and runtimes have a kernel for it.

    Args:
        graph: a `tf2onnx.graph.Graph` with TensorFlow's operations.
        nodes: its nodes.

    Returns:
        The nodes afterwards.
    """
    from tf2onnx.graph_matcher import GraphMatcher

    # Constant folding removes scales of 1 and shifts of 0.
    for scaled, shifted in itertools.product((True, False), repeat=2):
        matcher = GraphMatcher(_pattern(scaled, shifted), allow_reorder=True)
        for match in list(matcher.match_ops(nodes)):
            _replace(graph, match)
        nodes = graph.get_nodes()
    return nodes


def _pattern(scaled: bool, shifted: bool) -> Any:
    """The pattern of x * factor + (shift - mean * factor)."""
    from tf2onnx.graph_matcher import OpTypePattern

    def node(kind, *inputs, name=None):
        return OpTypePattern(kind, name=name, inputs=list(inputs) or None)

    mean = node("Mean", node("*"), node("Const", name="axes"), name="mean")
    squares = node("SquaredDifference", node("*"), node("StopGradient"))
    variance = node("Mean", squares, node("Const"))
    factor = node("Rsqrt", node("Add|AddV2", variance, node("Const", name="epsilon")))
    if scaled:
        factor = node("Mul", factor, node("Const", name="scale"))
    shift = node("Mul", node("Neg", mean), node("Mul" if scaled else "Rsqrt"))
    if shifted:
        shift = node("Add|AddV2", shift, node("Const", name="shift"))
    return node("Add|AddV2", node("Mul", node("*"), factor), shift, name="result")


def _replace(graph: Any, match: Any) -> None:
    """Replaces one match."""
    from tf2onnx.utils import make_name

    mean, result = match.get_op("mean"), match.get_op("result")
    shape = graph.get_shape(result.output[0])
    axes = match.get_op("axes").get_tensor_value(as_list=False).tolist()
    if shape is None or len(shape) != 4 or axes != [1, 2]:
        return

    def per_channel(name: str, default: float) -> str:
        found = match.get_op(name)
        values = found.get_tensor_value(as_list=False) if found else default
        values = np.broadcast_to(np.reshape(values, -1), shape[3]).astype("float32")
        return graph.make_const(make_name(name), values).output[0]

    scale, shift = per_channel("scale", 1.0), per_channel("shift", 0.0)
    epsilon = match.get_op("epsilon").get_tensor_value(as_list=False)
    # These transpositions meet those around convolutions, and tf2onnx removes both.
    first = graph.make_node("Transpose", [mean.input[0]], attr={"perm": [0, 3, 1, 2]})
    normalized = graph.make_node(
        "InstanceNormalization",
        [first.output[0], scale, shift],
        attr={"epsilon": float(np.ravel(epsilon)[0])},
    )
    last = graph.make_node(
        "Transpose",
        [normalized.output[0]],
        attr={"perm": [0, 2, 3, 1]},
        shapes=[shape],
        dtypes=[graph.get_dtype(result.output[0])],
    )
    graph.replace_all_inputs(result.output[0], last.output[0])
    graph.remove_node(result.name)

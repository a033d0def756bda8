"""Endpoints as ONNX files, and such files as functions."""

from __future__ import annotations

import logging
import pathlib
import tempfile
from typing import TYPE_CHECKING, Any

from keras_stargan.export.formats import Arrays

if TYPE_CHECKING:
    from keras_stargan.methods.endpoints import Endpoint

NEEDS = "needs tf2onnx, onnx and onnxruntime: pip install 'keras-stargan[export]'"
# The newest set of operations that tf2onnx knows and browsers' runtimes have.
OPSET = 18
# What ONNX Runtime computes in integers faster than in floats.
QUANTIZED = ["Conv", "Gemm", "MatMul"]


def write(
    endpoint: Endpoint,
    path: pathlib.Path,
    precision: str,
    batch_size: int | None,
    samples: list[Arrays],
) -> None:
    """Writes an endpoint as an ONNX file.

    Args:
        endpoint: of a trained model.
        path: the file.
        precision: `"float32"`, `"float16"` or `"int8"`.
        batch_size: images in a batch; None for any number.
        samples: for int8, batches of typical inputs by name.

    Raises:
        ImportError: without the extra `export`.
    """
    graph = onnx_of(endpoint, batch_size)
    import onnx

    if precision == "int8":
        _quantize(graph, path, samples)
        return
    if precision == "float16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        graph = convert_float_to_float16(graph, keep_io_types=True)
    onnx.save(graph, path)


def onnx_of(endpoint: Endpoint, batch_size: int | None) -> Any:
    """An endpoint as an `onnx.ModelProto` in float32.

    Args:
        endpoint: of a trained model.
        batch_size: images in a batch; None for any number.

    Raises:
        ImportError: without the extra `export`.
        ValueError: if ONNX has no operation for something that the endpoint does.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ImportError(f"An export as ONNX {NEEDS}") from error
    from keras_stargan.export.graphs import graph_of
    from keras_stargan.export.onnx_norms import fuse_instance_normalization

    function, specs = graph_of(endpoint, batch_size)
    # It logs each pass; what ONNX lacks it logs, too, and writes a broken file.
    logger = logging.getLogger("tf2onnx")
    level, reports = logger.level, _Reports()
    logger.setLevel(logging.ERROR)
    logger.addHandler(reports)
    try:
        graph, _ = tf2onnx.convert.from_function(
            function,
            specs,
            opset=OPSET,
            custom_rewriter=[fuse_instance_normalization],
        )
    finally:
        logger.removeHandler(reports)
        logger.setLevel(level)
    if reports.messages:
        # Each operation in turn; the first few say enough.
        raise ValueError("; ".join(reports.messages)[:400])
    axes = {1: "height", 2: "width"}
    for value in (*graph.graph.input, *graph.graph.output):
        for axis, side in enumerate(value.type.tensor_type.shape.dim):
            if axis == 0 and batch_size is None:
                side.dim_param = "batch"
            elif not side.dim_value and axis in axes:
                side.dim_param = axes[axis]
    return graph


class _Reports(logging.Handler):
    """Collects what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _quantize(graph: Any, path: pathlib.Path, samples: list[Arrays]) -> None:
    """Writes a graph whose convolutions and products have 8 bits.

    What depends on a style stays in floats: each style has ranges of its own, which one
    range for all of them does not fit.
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Samples(CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter(samples)

        def get_next(self) -> Arrays | None:
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as scratch:
        given, prepared = pathlib.Path(scratch, "a.onnx"), pathlib.Path(scratch, "b")
        onnx.save(graph, given)
        quant_pre_process(given, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Samples(),
            op_types_to_quantize=QUANTIZED,
            nodes_to_exclude=_after_styles(onnx.load(prepared).graph),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def _after_styles(graph: Any) -> list[str]:
    """Names of the nodes that depend on a style, if it changes what is convolved.

    A style comes in by products with matrices, which give the scales and shifts of
    normalized channels.
    """
    names: list[str] = []
    depends: set[str] = set()
    convolves = False
    for node in graph.node:  # Each comes after those that it depends on.
        if node.op_type in ("Gemm", "MatMul") or depends & set(node.input):
            depends |= set(node.output)
            names.append(node.name)
            convolves |= node.op_type == "Conv"
    return names if convolves else []


def load(path: pathlib.Path, threads: int | None) -> Any:
    """An ONNX file as a function of arrays by name.

    Args:
        path: the file.
        threads: how many compute; None leaves it to ONNX Runtime.

    Raises:
        ImportError: without the extra `export`.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"An export as ONNX {NEEDS}") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    outputs = [output.name for output in session.get_outputs()]

    def run(arrays: Arrays) -> Arrays:
        return dict(zip(outputs, session.run(outputs, arrays), strict=True))

    return run

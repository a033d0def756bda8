"""Endpoints as OpenVINO files, and such files as functions."""

from __future__ import annotations

import pathlib
import tempfile
from typing import TYPE_CHECKING, Any

from keras_stargan.export.formats import Arrays
from keras_stargan.export.onnx_files import onnx_of

if TYPE_CHECKING:
    from keras_stargan.methods.endpoints import Endpoint

NEEDS = "pip install 'keras-stargan[export]'"
# What int8 leaves in floats: normalization, residual sums and transposed convolutions
# lose much there and gain little time.
IN_FLOATS = ["MVN", "Add", "Multiply", "ConvolutionBackpropData"]


def write(
    endpoint: Endpoint,
    path: pathlib.Path,
    precision: str,
    batch_size: int | None,
    samples: list[Arrays],
) -> None:
    """Writes an endpoint as OpenVINO's two files, `path` (.xml) and the weights (.bin).

    It goes through ONNX, where tensors have the order of axes that OpenVINO's kernels
    have.

    Args:
        endpoint: of a trained model.
        path: the file whose name ends in .xml.
        precision: `"float32"`, `"float16"` or `"int8"`.
        batch_size: images in a batch; None for any number.
        samples: for int8, batches of typical inputs by name.

    Raises:
        ImportError: without the extra `export`.
    """
    openvino = import_openvino()

    with tempfile.TemporaryDirectory() as scratch:
        file = pathlib.Path(scratch, "model.onnx")
        file.write_bytes(onnx_of(endpoint, batch_size).SerializeToString())
        graph = openvino.Core().read_model(file)
        if precision == "int8":
            try:
                import nncf
            except ImportError as error:
                raise ImportError(f"int8 of OpenVINO needs nncf: {NEEDS}") from error
            graph = nncf.quantize(
                graph,
                nncf.Dataset(samples),
                subset_size=len(samples),
                ignored_scope=nncf.IgnoredScope(
                    types=IN_FLOATS, names=_after_styles(graph), validate=False
                ),
            )
        openvino.save_model(graph, path, compress_to_fp16=precision == "float16")


def _after_styles(graph: Any) -> list[str]:
    """Names of the operations that depend on a style, as in ONNX files."""
    names: dict[str, None] = {}  # In order, and quickly found.
    convolves = False
    for one in graph.get_ordered_ops():
        sources = (
            value.get_source_output().get_node().get_friendly_name()
            for value in one.inputs()
        )
        if one.get_type_name() == "MatMul" or any(name in names for name in sources):
            names[one.get_friendly_name()] = None
            convolves |= one.get_type_name() == "Convolution"
    return [*names] if convolves else []


def load(path: pathlib.Path, threads: int | None) -> Any:
    """An OpenVINO file as a function of arrays by name.

    Args:
        path: the file whose name ends in .xml.
        threads: how many compute; None leaves it to OpenVINO.

    Raises:
        ImportError: without the extra `export`.
    """
    openvino = import_openvino()
    # On some processors OpenVINO would compute in bfloat16.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = openvino.Core().compile_model(path, "CPU", settings)
    outputs = [output.any_name for output in compiled.outputs]

    def run(arrays: Arrays) -> Arrays:
        found = compiled(arrays)
        return {name: found[name] for name in outputs}

    return run


def import_openvino() -> Any:
    """The package; raises `ImportError` where it is not installed."""
    try:
        import openvino
    except ImportError as error:
        raise ImportError(f"An export as OpenVINO needs openvino: {NEEDS}") from error
    return openvino

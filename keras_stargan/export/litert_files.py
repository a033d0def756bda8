"""Endpoints as LiteRT (TensorFlow Lite) files, and such files as functions."""

from __future__ import annotations

import pathlib
import re
import tempfile
from typing import TYPE_CHECKING, Any

from keras_stargan.export.formats import Arrays

if TYPE_CHECKING:
    from keras_stargan.methods.endpoints import Endpoint


def write(
    endpoint: Endpoint,
    path: pathlib.Path,
    precision: str,
    batch_size: int | None,
    samples: list[Arrays],
) -> None:
    """Writes an endpoint as a LiteRT file; inputs and outputs stay float32.

    In int8 the weights have 8 bits, and each convolution finds the range of its input
    when it runs. Ranges fixed beforehand would also put the normalization layers into
    8 bits, which spoils them.

    Args:
        endpoint: of a trained model.
        path: the file.
        precision: `"float32"`, `"float16"` or `"int8"`.
        batch_size: images in a batch.
        samples: not needed.

    Raises:
        ValueError: if LiteRT has no operation for something that the endpoint does.
    """
    import tensorflow as tf

    from keras_stargan.export.graphs import graph_of

    function = graph_of(endpoint, batch_size)[0].get_concrete_function()
    module = tf.Module()
    module.weights_in_use = list(function.variables)
    with tempfile.TemporaryDirectory() as folder:
        # Only from a SavedModel does the converter take the names of the tensors.
        tf.saved_model.save(module, folder, signatures=function)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        try:
            path.write_bytes(converter.convert())
        except Exception as error:
            # Of many lines, the first that says what LiteRT does not have.
            reason = re.search(r"'tf\.\w+' op .*", str(error))
            raise ValueError(reason[0] if reason else error) from error


def load(path: pathlib.Path, threads: int | None) -> Any:
    """A LiteRT file as a function of arrays by name.

    Args:
        path: the file.
        threads: how many compute; None leaves it to LiteRT.

    Raises:
        ImportError: without the extra `export`.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            "An export as LiteRT needs ai-edge-litert: "
            "pip install 'keras-stargan[export]'"
        ) from error
    runner = Interpreter(str(path), num_threads=threads).get_signature_runner()
    return lambda arrays: runner(**arrays)

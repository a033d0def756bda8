"""The signatures of a model as functions of arrays, for servers."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]

# TensorFlow's name of a data type is DT_ and one of these, or NumPy's in capitals.
_TYPE_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}


class Spec(NamedTuple):
    """What an input or an output is.

    Args:
        shape: its axes; None where any length is right.
        dtype: NumPy's name of the data type, or "string".
    """

    shape: tuple[int | None, ...]
    dtype: str


class Signature(NamedTuple):
    """A function of arrays.

    Args:
        function: takes arrays by the names of `inputs` and returns arrays by the names
            of `outputs`; strings are arrays of `bytes` objects. Raises `ValueError` if
            the inputs are wrong.
        inputs: what it takes.
        outputs: what it returns.
    """

    function: Callable[..., Arrays]
    inputs: dict[str, Spec]
    outputs: dict[str, Spec]

    @property
    def joins(self) -> bool:
        """Whether the first axis of all inputs and outputs is the batch."""
        specs = [*self.inputs.values(), *self.outputs.values()]
        return bool(self.inputs) and all(
            spec.shape and spec.shape[0] is None for spec in specs
        )


def load_signatures(
    path: str | os.PathLike, *companions: str | os.PathLike
) -> dict[str, Signature]:
    """The signatures of a model, or of a SavedModel that was exported.

    Args:
        path: what `load_model` takes; or the folder of a SavedModel, or one with
            versions of a SavedModel, of which the latest is taken.
        *companions: further files, as for `load_model`.

    Returns:
        Each signature by its name.

    Raises:
        ValueError: as `load_model`.
    """
    import tensorflow as tf

    folder = saved_model_folder(path)
    if folder is not None:
        # What the signatures need lives as long as `kept`.
        kept = tf.saved_model.load(str(folder))
        functions = kept.signatures
    else:
        from keras_stargan.export.saved_model import signatures_of
        from keras_stargan.methods.loading import load_model

        kept = load_model(path, *companions)
        functions = signatures_of(kept)
    return {name: _signature(one, kept) for name, one in functions.items()}


def saved_model_folder(path: str | os.PathLike) -> pathlib.Path | None:
    """The SavedModel at a path, or the latest of its versions; None if there is none.

    Args:
        path: `models/faces/1`, or `models/faces`, where TensorFlow Serving looks for
            folders with a number.
    """
    path = pathlib.Path(path)
    versions = [one for one in path.glob("*/") if one.name.isdecimal()]
    candidates = [path, *sorted(versions, key=lambda one: -int(one.name))]
    for folder in candidates:
        if (folder / "saved_model.pb").exists():
            return folder
    return None


def signature_def(name: str, signature: Signature) -> dict[str, Any]:
    """A signature as TensorFlow Serving's metadata describe it.

    Of an output, the name of the tensor is left open: it says where the tensor is in
    the graph of a SavedModel, which no client needs.
    """

    def described(spec: Spec, tensor: str) -> dict[str, Any]:
        axes = (-1 if axis is None else axis for axis in spec.shape)
        return {
            "dtype": f"DT_{_TYPE_NAMES.get(spec.dtype, spec.dtype.upper())}",
            "tensor_shape": {
                "dim": [{"size": str(axis), "name": ""} for axis in axes],
                "unknown_rank": False,
            },
            "name": tensor,
        }

    return {
        "inputs": {
            key: described(spec, f"{name}_{key}:0")
            for key, spec in signature.inputs.items()
        },
        "outputs": {
            key: described(spec, "") for key, spec in signature.outputs.items()
        },
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }


def _signature(function: Any, kept: Any) -> Signature:
    """A TensorFlow function as a function of arrays."""
    import tensorflow as tf

    def spec(one: Any) -> Spec:
        return Spec(tuple(one.shape), one.dtype.name)

    given = tf.nest.flatten(function.structured_input_signature)
    inputs = {one.name: spec(one) for one in given}
    outputs = {name: spec(one) for name, one in function.structured_outputs.items()}

    def run(**arrays: np.ndarray) -> Arrays:
        tensors = {
            name: tf.constant(array, inputs[name].dtype)
            for name, array in arrays.items()
        }
        try:
            results = function(**tensors)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(_in_words(error.message)) from error
        return {name: value.numpy() for name, value in results.items()}

    run.kept = kept  # type: ignore[attr-defined]
    return Signature(run, inputs, outputs)


def _in_words(message: str) -> str:
    """TensorFlow's message without the names of the graph's nodes."""
    message = re.sub(r"\{\{.*?\}\}", "", message)
    lines = (line.strip() for line in message.splitlines())
    words = [line for line in lines if line and not line.startswith("[[")]
    return " ".join(words[1:] if "Graph execution error" in words[0] else words)

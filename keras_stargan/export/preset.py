"""Small files of trained models, which are shipped with the package."""

from __future__ import annotations

import os
import pathlib
import tempfile
import zipfile

import numpy as np
import tensorflow as tf

from keras_stargan.files.whole import whole_path
from keras_stargan.methods.base import TranslationModel
from keras_stargan.networks.weights import copy_weights


def write_preset(model: TranslationModel, path: str | os.PathLike) -> int:
    """Writes a trained model as a small `.keras` file, for `keras_stargan/presets`.

    The file keeps the weights that translate or classify, rounded to the precision of
    float16. Networks that only train are left out: their weights are 0 in the file.
    (`keras_stargan.load_model` fills them in again when it loads a preset.) The file is
    compressed; Keras can read it as it is.

    Args:
        model: a trained model.
        path: the file, which ends in `.keras`. An earlier file is replaced.

    Returns:
        The size of the file in bytes.
    """
    used = _weights_in_use(model)
    small = type(model).from_config(model.get_config())
    copy_weights(model, small)
    for weight, target in zip(model.weights, small.weights, strict=True):
        if "float" in weight.dtype:
            value = np.asarray(weight).astype("float16") * (id(weight) in used)
            target.assign(value.astype(weight.dtype))
    path = pathlib.Path(path)
    with tempfile.TemporaryDirectory() as folder, whole_path(path) as temporary:
        plain = pathlib.Path(folder, "model.keras")
        small.save(plain)
        # Of all methods that Python can read, LZMA gives the smallest file.
        with (
            zipfile.ZipFile(plain) as source,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_LZMA) as target,
        ):
            for name in source.namelist():
                target.writestr(name, source.read(name))
    return path.stat().st_size


def _weights_in_use(model: TranslationModel) -> set[int]:
    """The identities of the weights that any endpoint uses."""
    used = set()
    for function, inputs in model.endpoints().values():
        specs = [tf.TensorSpec(each.shape, each.dtype) for each in inputs.values()]
        traced = tf.function(lambda *values, f=function: f(*values), autograph=False)
        variables = traced.get_concrete_function(*specs).variables
        used |= {id(variable) for variable in variables}
    return {id(weight) for weight in model.weights if id(weight.value) in used}

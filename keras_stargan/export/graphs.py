"""Endpoints as TensorFlow functions that converters take."""

from __future__ import annotations

import tensorflow as tf

from keras_stargan.methods.endpoints import Endpoint
from keras_stargan.networks.converters import for_converters


def graph_of(
    endpoint: Endpoint, batch_size: int | None
) -> tuple[tf.types.experimental.PolymorphicFunction, list[tf.TensorSpec]]:
    """An endpoint as a TensorFlow function, and the tensors that it takes.

    Args:
        endpoint: of a trained model.
        batch_size: rows of each tensor; None for any number.
    """
    specs = [
        tf.TensorSpec((batch_size, *tensor.shape[1:]), tensor.dtype, name)
        for name, tensor in endpoint.inputs.items()
    ]

    def function(*tensors):
        with for_converters():
            return endpoint.function(**dict(zip(endpoint.inputs, tensors, strict=True)))

    return tf.function(function, specs, autograph=False), specs

"""The gradient of a network by its input, the one thing each backend does apart."""

from collections.abc import Callable

import tensorflow as tf


def input_gradient(function: Callable, inputs: tf.Tensor) -> tf.Tensor:
    """The gradient of `sum(function(inputs))` by `inputs`, itself differentiable.

    Args:
        function: maps `inputs` to a tensor of any shape.
        inputs: a float tensor.

    Returns:
        A tensor of the shape of `inputs`.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        outputs = function(inputs)
    return tape.gradient(outputs, inputs)

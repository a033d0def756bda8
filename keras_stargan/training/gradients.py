"""The gradient of a network by its input."""

from collections.abc import Callable

import keras

from keras_stargan.training.backends import training_backend


def input_gradient(function: Callable, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """The gradient of `sum(function(inputs))` by `inputs`, itself differentiable.

    Args:
        function: maps `inputs` to a tensor of any shape.
        inputs: a float tensor.

    Returns:
        A tensor of the shape of `inputs`.
    """
    return training_backend().input_gradient(function, inputs)

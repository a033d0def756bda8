"""What each Keras backend does in its own way in training."""

import types
from collections.abc import Callable

import keras


def training_backend() -> types.ModuleType:
    """The module that trains on the backend that Keras runs on.

    Raises:
        RuntimeError: on another backend than TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"Models train on TensorFlow, but Keras runs on {keras.backend.backend()}; "
            "set the environment variable KERAS_BACKEND=tensorflow before Keras is "
            "imported. (A trained model can be used on any backend.)"
        )
    from keras_stargan.training.backends import tensorflow

    return tensorflow


def compiled(function: Callable) -> Callable:
    """A function of tensors that runs as one graph, where the backend can do that.

    Called operation by operation, a network takes several times as long for a single
    image. On other backends than TensorFlow, the function stays as it is.

    Args:
        function: takes and gives tensors with a row for each image. It may use weights
            that change.
    """
    if keras.backend.backend() != "tensorflow":
        return function
    from keras_stargan.training.backends import graphs

    return graphs.compiled(function)

"""What each Keras backend does in its own way in training."""

import types

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

"""Activation functions that are exact in double precision."""

import keras
from keras import ops


def leaky_relu(inputs: keras.KerasTensor, negative_slope: float) -> keras.KerasTensor:
    """Returns x where x > 0, and `negative_slope` times x elsewhere.

    TensorFlow's operation rounds the slope to single precision, even for float64
    inputs, which changes results by 1e-7 of their value. For float64, this function
    computes the definition instead; for other types, it is `keras.ops.leaky_relu`.

    Args:
        inputs: of any shape.
        negative_slope: from 0 to 1.
    """
    if keras.backend.standardize_dtype(inputs.dtype) != "float64":
        return ops.leaky_relu(inputs, negative_slope)
    return ops.maximum(inputs, negative_slope * inputs)


@keras.saving.register_keras_serializable("keras_stargan")
class LeakyReLU(keras.layers.LeakyReLU):
    """Keras' layer with `leaky_relu` as its function."""

    def call(self, inputs):
        return leaky_relu(inputs, self.negative_slope)

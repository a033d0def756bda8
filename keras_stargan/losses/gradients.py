"""Penalties on the gradient of a discriminator by its input."""

import keras
from keras import ops


def gradient_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """E[(||grad D_src(x)||_2 - 1)^2] (StarGAN, equation 8).

    Args:
        gradients: `(batch, height, width, channels)`, of the sum of an image's
            patch scores by its pixels. The norm is over all of an image.
    """
    squares = ops.sum(ops.square(gradients), axis=(1, 2, 3))
    return ops.mean(ops.square(ops.sqrt(squares) - 1.0))

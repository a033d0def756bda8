"""Penalties on the discriminator's gradient with respect to its input."""

import keras
from keras import ops


def gradient_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """E[(||grad D_src(x)||_2 - 1)^2] (StarGAN, equation 8).

    Args:
        gradients: `(batch, height, width, channels)`: the gradient of the sum of each
            image's patch scores with respect to the image. The norm is that of
            the whole image.
    """
    squares = ops.sum(ops.square(gradients), axis=(1, 2, 3))
    return ops.mean(ops.square(ops.sqrt(squares) - 1.0))

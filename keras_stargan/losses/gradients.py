"""Penalties on the discriminator's gradient with respect to its input."""

import keras
from keras import ops


def mixed_images(
    real: keras.KerasTensor, fake: keras.KerasTensor, alpha: keras.KerasTensor
) -> keras.KerasTensor:
    """Xhat = alpha x + (1 - alpha) G(x, c) (StarGAN, equation 8).

    Args:
        real: real images x, `(batch, height, width, channels)`.
        fake: their translations, of the same shape.
        alpha: `(batch,)`, the share of each real image.
    """
    alpha = ops.reshape(alpha, (-1, 1, 1, 1))
    return alpha * real + (1.0 - alpha) * fake


def gradient_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """E[(||grad D_src(x)||_2 - 1)^2] (StarGAN, equation 8).

    Args:
        gradients: `(batch, height, width, channels)`: the gradient of the sum of each
            image's patch scores with respect to the image. The norm is that of
            the whole image.
    """
    squares = ops.sum(ops.square(gradients), axis=(1, 2, 3))
    return ops.mean(ops.square(ops.sqrt(squares) - 1.0))

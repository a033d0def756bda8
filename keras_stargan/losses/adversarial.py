"""Adversarial losses, and the penalty on gradients of StarGAN v2."""

import keras
from keras import ops


def adversarial_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[log D(x)], or -E[log(1 - D(x))] (StarGAN v2, equation 1).

    Args:
        logits: `(batch,)`, of which D(x) is the sigmoid.
        real: whether the images are, or are to be taken for, real ones.
    """
    return ops.mean(ops.softplus(-logits if real else logits))


def wasserstein_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[D(x)], or E[D(x)] (StarGAN, equation 8).

    Args:
        logits: `(batch,)`, D(x).
        real: whether the images are, or are to be taken for, real ones.
    """
    return ops.mean(-logits if real else logits)


def r1_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """(1/2) E[||grad D(x)||^2] (StarGAN v2, appendix).

    Args:
        gradients: `(batch, height, width, channels)`, of an image's logit by its
            pixels.
    """
    return 0.5 * ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))

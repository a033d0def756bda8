"""Adversarial losses, and the penalty on gradients of StarGAN v2."""

import keras
from keras import ops


def adversarial_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[log D(x)], or -E[log(1 - D(x))] (StarGAN v2, equation 1).

    Args:
        logits: of any shape, such as `(batch,)`; D(x) is their sigmoid.
        real: whether the images are, or are to be taken for, real ones.
    """
    return ops.mean(ops.softplus(-logits if real else logits))


def wasserstein_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[D(x)], or E[D(x)] (StarGAN, equation 8).

    Args:
        logits: of any shape, such as `(batch,)`: D(x).
        real: whether the images are, or are to be taken for, real ones.
    """
    return ops.mean(-logits if real else logits)


def least_squares_loss(scores: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """E[(D(x) - 1)^2], or E[D(x)^2] (LSGAN; CycleGAN, section 4).

    Args:
        scores: of any shape, such as `(batch, height, width, 1)`: D(x).
        real: whether the images are, or are to be taken for, real ones.
    """
    return ops.mean(ops.square(scores - 1.0 if real else scores))


# By the names that the published code of CycleGAN and pix2pix gives them.
ADVERSARIAL_LOSSES = {
    "lsgan": least_squares_loss,
    "vanilla": adversarial_loss,
    "wgangp": wasserstein_loss,
}


def r1_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """(1/2) E[||grad D(x)||^2] (StarGAN v2, appendix).

    Args:
        gradients: `(batch, height, width, channels)`, of an image's logit by its
            pixels.
    """
    return 0.5 * ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))

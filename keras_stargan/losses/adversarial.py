"""Adversarial losses, and StarGAN v2's penalty on the discriminator's gradient."""

from collections.abc import Callable

import keras
from keras import ops


def adversarial_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[log D(x)] if `real`, else -E[log(1 - D(x))] (StarGAN v2, equation 1).

    Args:
        logits: the discriminator's, of any shape, such as `(batch,)`. Their sigmoid is
            D(x).
        real: whether the discriminator should call the images real. In the
            generator's loss, it is True for translated images.
    """
    return ops.mean(ops.softplus(-logits if real else logits))


def wasserstein_loss(logits: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """-E[D(x)] if `real`, else E[D(x)] (StarGAN, equation 8).

    Args:
        logits: D(x), of any shape, such as `(batch,)`.
        real: as for `adversarial_loss`.
    """
    return ops.mean(-logits if real else logits)


def least_squares_loss(scores: keras.KerasTensor, real: bool) -> keras.KerasTensor:
    """E[(D(x) - 1)^2] if `real`, else E[D(x)^2] (LSGAN; CycleGAN, section 4).

    Args:
        scores: D(x), of any shape, such as `(batch, height, width, 1)`.
        real: as for `adversarial_loss`.
    """
    return ops.mean(ops.square(scores - 1.0 if real else scores))


# By the names that the published code of CycleGAN and pix2pix gives them.
ADVERSARIAL_LOSSES = {
    "lsgan": least_squares_loss,
    "vanilla": adversarial_loss,
    "wgangp": wasserstein_loss,
}


def named_adversarial_loss(name: str) -> Callable[..., keras.KerasTensor]:
    """The adversarial loss of a name in `ADVERSARIAL_LOSSES`.

    Raises:
        ValueError: if there is none.
    """
    if name not in ADVERSARIAL_LOSSES:
        raise ValueError(
            f"adversarial must be one of {', '.join(ADVERSARIAL_LOSSES)}; received "
            f"{name!r}."
        )
    return ADVERSARIAL_LOSSES[name]


def r1_penalty(gradients: keras.KerasTensor) -> keras.KerasTensor:
    """(1/2) E[||grad D(x)||^2] (StarGAN v2, appendix).

    Args:
        gradients: `(batch, height, width, channels)`: the gradient of each image's
            logit with respect to the image.
    """
    return 0.5 * ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))

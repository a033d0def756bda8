"""What DIAT's players minimize: unweighted terms, as StarGAN's paper has them."""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_stargan import losses

# Version 2 of DIAT's paper has a Wasserstein loss, version 1 that of a GAN.
ADVERSARIAL = {"wgan": losses.wasserstein_loss, "gan": losses.adversarial_loss}


def identity_loss(
    source: Sequence[keras.KerasTensor],
    translated: Sequence[keras.KerasTensor],
    weights: Sequence[float] | None,
    distance: str,
) -> keras.KerasTensor:
    """Sum over the layers of w_l mean|F_l(x) - F_l(G(x))|, or of its square.

    StarGAN's paper writes |x - F(G(x))|, an image less features, and can only mean
    this.

    Args:
        source: F(x), a tensor for each layer. There is no gradient through it.
        translated: F(G(x)), tensors of the same shapes.
        weights: w_l, the weight of each layer; None for 1.
        distance: `"l1"`, or `"squared"` as in DIAT's paper.
    """
    of = {"l1": ops.abs, "squared": ops.square}[distance]
    layers = zip(source, translated, weights or [1.0] * len(source), strict=True)
    return sum(w * ops.mean(of(ops.stop_gradient(a) - b)) for a, b, w in layers)


def discriminator_losses(
    discriminator: Callable,
    real: keras.KerasTensor,
    fake: keras.KerasTensor,
    alpha: keras.KerasTensor,
    adversarial: str,
    input_gradient: Callable,
) -> dict[str, keras.KerasTensor]:
    """The terms of L_D: `real`, `fake` and, with `"wgan"`, the penalty `gp`.

    Args:
        discriminator: x -> D(x), patch scores.
        real: images y of the target domain, `(batch, height, width, 3)` in [-1, 1].
        fake: translations G(x), of the same shape.
        alpha: `(batch,)`, the share of y in xhat = alpha y + (1 - alpha) G(x).
        adversarial: a key of `ADVERSARIAL`.
        input_gradient: (function, x) -> gradient of sum(function(x)) by x.
    """
    loss = ADVERSARIAL[adversarial]
    scores = discriminator(real), discriminator(fake)
    terms = {"real": loss(scores[0], True), "fake": loss(scores[1], False)}
    if adversarial == "wgan":
        gradient = input_gradient(discriminator, losses.mixed_images(real, fake, alpha))
        terms["gp"] = losses.gradient_penalty(gradient)
    return terms

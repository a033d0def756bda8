"""What each player of StarGAN minimises (StarGAN, equations 2 to 6 and 8).

Each function returns the unweighted terms by name. Images are
`(batch, height, width, 3)` in [-1, 1], labels `(batch, labels.size)`.
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_stargan.losses import gradient_penalty, l1_loss, mixed_images


def discriminator_losses(
    discriminator: Callable,
    real: keras.KerasTensor,
    fake: keras.KerasTensor,
    labels: keras.KerasTensor,
    alpha: keras.KerasTensor,
    classification_loss: Callable,
    input_gradient: Callable,
    without: Sequence[str] = (),
) -> dict[str, keras.KerasTensor]:
    """The terms of L_D.

    Args:
        discriminator: x -> (D_src(x), D_cls(x)).
        real: real images x.
        fake: their translations G(x, c).
        labels: the real images' own labels c'.
        alpha: `(batch,)`, the share of the real image in
            xhat = alpha x + (1 - alpha) G(x, c).
        classification_loss: (labels, logits) -> -log D_cls(labels | x).
        input_gradient: (function, x) -> gradient of sum(function(x)) by x; the
            only thing here that each Keras backend does in its own way.
        without: `("gp",)` to leave the gradient penalty out.

    Returns:
        `real` = -E[D_src(x)], `fake` = E[D_src(G(x, c))], `cls` = L_cls^real and
        `gp`, the gradient penalty.
    """
    # Real and fake images in one pass, which reads the weights once.
    sources, logits = discriminator(ops.concatenate([real, fake]))
    real_source, fake_source = ops.split(sources, 2)
    real_logits, _ = ops.split(logits, 2)
    terms = {
        "real": -ops.mean(real_source),
        "fake": ops.mean(fake_source),
        "cls": classification_loss(labels, real_logits),
    }
    if "gp" not in without:
        mixed = mixed_images(real, fake, alpha)
        gradients = input_gradient(lambda x: discriminator(x)[0], mixed)
        terms["gp"] = gradient_penalty(gradients)
    return terms


def generator_losses(
    generator: Callable,
    discriminator: Callable,
    real: keras.KerasTensor,
    labels: keras.KerasTensor,
    target_labels: keras.KerasTensor,
    classification_loss: Callable,
) -> dict[str, keras.KerasTensor]:
    """The terms of L_G.

    Args:
        generator: [x, c] -> G(x, c).
        discriminator: x -> (D_src(x), D_cls(x)).
        real: real images x.
        labels: their own labels c'.
        target_labels: the labels c to translate to.
        classification_loss: (labels, logits) -> -log D_cls(labels | x).

    Returns:
        `fake` = -E[D_src(G(x, c))], `cls` = L_cls^fake and
        `rec` = E[|x - G(G(x, c), c')|_1].
    """
    fake = generator([real, target_labels])
    source, logits = discriminator(fake)
    return {
        "fake": -ops.mean(source),
        "cls": classification_loss(target_labels, logits),
        "rec": l1_loss(real, generator([fake, labels])),
    }

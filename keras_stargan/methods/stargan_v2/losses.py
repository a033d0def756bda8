"""What each player of StarGAN v2 minimises (StarGAN v2, equations 1 to 5).

Each function returns the unweighted terms by name. Images are
`(batch, height, width, 3)` in [-1, 1], domains `(batch,)` whole numbers, styles
`(batch, style_dim)`, masks as the generator takes them. Each serves latent- and
reference-guided updates alike: styles come from F(z, y~) or from E(x_ref, y~).
"""

from collections.abc import Callable, Sequence

import keras
from keras import ops

from keras_stargan.losses import (
    adversarial_loss,
    gradient_penalty,
    l1_loss,
    mixed_images,
    mode_seeking_loss,
    r1_penalty,
    wasserstein_loss,
)
from keras_stargan.networks.global_batch import global_mean


def discriminator_losses(
    discriminator: Callable,
    real: keras.KerasTensor,
    domains: keras.KerasTensor,
    fake: keras.KerasTensor,
    target_domains: keras.KerasTensor,
    input_gradient: Callable,
    other_fake: keras.KerasTensor | None = None,
    without: Sequence[str] = (),
) -> dict[str, keras.KerasTensor]:
    """The terms of L_D.

    Args:
        discriminator: [x, y] -> logits of D_y(x).
        real: real images x.
        domains: their own domains y.
        fake: their translations G(x, s~).
        target_domains: the translations' domains y~.
        input_gradient: (function, x) -> gradient of sum(function(x)) by x; the
            only thing here that each Keras backend does in its own way.
        other_fake: other translations G(x, s~2), with the mode-seeking term: they are
            judged, too, each time beside the real images.
        without: `("reg",)` to leave the R1 penalty out.

    Returns:
        `real` = -E[log D_y(x)], `fake` = -E[log(1 - D_y~(G(x, s~)))] and `reg`, the
        R1 penalty on real images, with its 1/2.
    """

    def logits(images):
        return discriminator([images, domains])

    def of_fakes(images):
        return adversarial_loss(discriminator([images, target_domains]), real=False)

    terms = {
        "real": adversarial_loss(logits(real), real=True),
        "fake": of_fakes(fake),
    }
    if "reg" not in without:
        terms["reg"] = r1_penalty(input_gradient(logits, real))
    if other_fake is not None:
        terms["real"] = 2.0 * terms["real"]
        terms["fake"] = terms["fake"] + of_fakes(other_fake)
    return terms


def wasserstein_discriminator_losses(
    discriminator: Callable,
    real: keras.KerasTensor,
    domains: keras.KerasTensor,
    fake: keras.KerasTensor,
    target_domains: keras.KerasTensor,
    alpha: keras.KerasTensor,
    input_gradient: Callable,
    without: Sequence[str] = (),
) -> dict[str, keras.KerasTensor]:
    """The terms of L_D in configuration B, which has StarGAN's adversarial loss.

    Args:
        discriminator: as for `discriminator_losses`, like all but `alpha`.
        real: real images x.
        domains: their own domains y.
        fake: their translations G(x, s~).
        target_domains: the translations' domains y~.
        alpha: `(batch,)`, the share of the real image in
            xhat = alpha x + (1 - alpha) G(x, s~).
        input_gradient: (function, x) -> gradient of sum(function(x)) by x.
        without: `("reg",)` to leave the penalty out.

    Returns:
        `real` = -E[D_y(x)], `fake` = E[D_y~(G(x, s~))] and `reg`, the penalty on the
        gradient of D_y between them (StarGAN, equation 8).
    """

    def logits(images):
        return discriminator([images, domains])

    terms = {
        "real": wasserstein_loss(logits(real), real=True),
        "fake": wasserstein_loss(discriminator([fake, target_domains]), real=False),
    }
    if "reg" not in without:
        mixed = mixed_images(real, fake, alpha)
        terms["reg"] = gradient_penalty(input_gradient(logits, mixed))
    return terms


def generator_losses(
    generator: Callable,
    style_encoder: Callable,
    discriminator: Callable,
    real: keras.KerasTensor,
    domains: keras.KerasTensor,
    target_domains: keras.KerasTensor,
    styles: keras.KerasTensor,
    other_styles: keras.KerasTensor,
    masks: keras.KerasTensor | None = None,
    make_masks: Callable | None = None,
    adversarial: Callable = adversarial_loss,
    latents: Sequence[keras.KerasTensor] | None = None,
) -> dict[str, keras.KerasTensor]:
    """The terms of L_G,F,E.

    Args:
        generator: [x, s] -> G(x, s), or [x, s, masks] with a high-pass filter.
        style_encoder: [x, y] -> E_y(x).
        discriminator: [x, y] -> logits of D_y(x).
        real: real images x.
        domains: their own domains y.
        target_domains: the domains y~ to translate to.
        styles: of those domains, s~1.
        other_styles: others of those domains, s~2, for the diversity term.
        masks: of the real images, for a generator with a high-pass filter.
        make_masks: images -> their masks, with `masks`; for the way back.
        adversarial: `wasserstein_loss` in configuration B.
        latents: the latent codes of both styles, for MSGAN's mode-seeking term.

    Returns:
        `adv` = -E[log D_y~(G(x, s~1))], `sty` = |s~1 - E_y~(G(x, s~1))|_1,
        `ds` = |G(x, s~1) - G(x, s~2)|_1, which is to grow, and
        `cyc` = |x - G(G(x, s~1), E_y(x))|_1. With `latents` also `ms`, a ratio of
        distances between latent codes and images (MSGAN, equation 3); `adv` is then
        that of both translations.
    """
    extra = [] if masks is None else [masks]
    fake = generator([real, styles, *extra])
    moved = generator([real, other_styles, *extra])
    # A diversity that moves the first image only, as published.
    other = ops.stop_gradient(moved)
    # Masks are given facts about an image: no gradient through the landmarks.
    back = [] if masks is None else [make_masks(ops.stop_gradient(fake))]
    cycled = generator([fake, style_encoder([real, domains]), *back])
    terms = {
        "adv": adversarial(discriminator([fake, target_domains]), real=True),
        "sty": l1_loss(styles, style_encoder([fake, target_domains])),
        "ds": l1_loss(fake, other),
        "cyc": l1_loss(real, cycled),
    }
    if latents is not None:
        judged = discriminator([moved, target_domains])
        terms["adv"] = terms["adv"] + adversarial(judged, real=True)
        distances = (global_mean(l1_loss(*pair)) for pair in ((fake, moved), latents))
        terms["ms"] = mode_seeking_loss(*distances)
    return terms

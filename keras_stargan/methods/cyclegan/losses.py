"""What each player of CycleGAN minimizes (CycleGAN, section 3 and equation 3).

Each function returns the unweighted terms by name. Images are
`(batch, height, width, 3)` in [-1, 1]. `adversarial` is one of
`keras_stargan.losses.ADVERSARIAL_LOSSES`: (scores, real) -> a scalar.
"""

from collections.abc import Callable

import keras

from keras_stargan.losses import l1_loss


def generator_losses(
    generator_ab: Callable,
    generator_ba: Callable,
    discriminator_a: Callable,
    discriminator_b: Callable,
    images_a: keras.KerasTensor,
    images_b: keras.KerasTensor,
    adversarial: Callable,
    with_identity: bool = True,
) -> tuple[dict[str, keras.KerasTensor], dict[str, keras.KerasTensor]]:
    """The terms of L_G, and the translations.

    Args:
        generator_ab: a -> b.
        generator_ba: b -> a.
        discriminator_a: images -> scores, which are to be those of real images of A.
        discriminator_b: the same of B.
        images_a: real images of A.
        images_b: real images of B.
        adversarial: the adversarial loss.
        with_identity: whether a generator is also given images of its target domain,
            which it is to leave as they are.

    Returns:
        The terms `adversarial_a` and `adversarial_b`, `cycle_a` = |BA(AB(a)) - a|,
        `cycle_b`, and `identity_a` = |BA(a) - a| and `identity_b`; and the
        translations `fake_a` and `fake_b`.
    """
    fake_b, fake_a = generator_ab(images_a), generator_ba(images_b)
    terms = {
        "adversarial_a": adversarial(discriminator_a(fake_a), True),
        "adversarial_b": adversarial(discriminator_b(fake_b), True),
        "cycle_a": l1_loss(generator_ba(fake_b), images_a),
        "cycle_b": l1_loss(generator_ab(fake_a), images_b),
    }
    if with_identity:
        terms["identity_a"] = l1_loss(generator_ba(images_a), images_a)
        terms["identity_b"] = l1_loss(generator_ab(images_b), images_b)
    return terms, {"fake_a": fake_a, "fake_b": fake_b}


def discriminator_losses(
    discriminator_a: Callable,
    discriminator_b: Callable,
    images: dict[str, keras.KerasTensor],
    adversarial: Callable,
) -> dict[str, keras.KerasTensor]:
    """The terms of L_D: `real_a`, `fake_a`, `real_b` and `fake_b`.

    Args:
        discriminator_a: images -> scores, of domain A.
        discriminator_b: the same of B.
        images: the images to judge, by the terms' names.
        adversarial: the adversarial loss.
    """
    judges = {"a": discriminator_a, "b": discriminator_b}
    return {
        f"{kind}_{domain}": adversarial(
            judge(images[f"{kind}_{domain}"]), kind == "real"
        )
        for domain, judge in judges.items()
        for kind in ("real", "fake")
    }

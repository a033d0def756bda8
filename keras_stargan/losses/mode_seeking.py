"""The term that makes different latents give different images (MSGAN)."""

import keras


def mode_seeking_loss(
    image_distance: keras.KerasTensor, latent_distance: keras.KerasTensor
) -> keras.KerasTensor:
    """1 / (E|G(x, z1) - G(x, z2)| / E|z1 - z2| + 1e-5) (MSGAN, equation 3).

    The paper maximizes the ratio; the published code minimizes this reciprocal. It is
    a ratio of means over the whole batch, so under replicas both arguments must be
    `keras_stargan.networks.global_batch.global_mean` of a replica's own means.

    Args:
        image_distance: mean absolute difference of the two translations of each image,
            a scalar. Both of them carry gradients.
        latent_distance: mean absolute difference of their latent codes, a scalar.
    """
    return 1.0 / (image_distance / latent_distance + 1e-5)

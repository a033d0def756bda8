"""Augmentation of batches, as pure functions of the drawn numbers.

keras-cv's layers draw from generators that keep a state, with which a resumed
run would see other pictures; here the caller draws, so nothing has a state.
"""

import tensorflow as tf


def flip_horizontally(images: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Mirror the chosen pictures of a batch left to right.

    Args:
        images: tensor of shape `(batch, height, width, channels)`.
        chosen: booleans of shape `(batch,)`.

    Returns:
        A tensor of the shape and type of `images`.
    """
    chosen = chosen[:, tf.newaxis, tf.newaxis, tf.newaxis]
    return tf.where(chosen, tf.reverse(images, axis=[2]), images)

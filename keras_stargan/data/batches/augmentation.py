"""Augmentation of batches, as pure functions of the drawn numbers.

keras-cv's layers draw from generators that keep a state, with which a resumed
run would see other pictures; here the caller draws, so nothing has a state.
"""

import math

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


def resized_crops(
    images: tf.Tensor,
    chosen: tf.Tensor,
    draws: tf.Tensor,
    scale: tuple[float, float] = (0.8, 1.0),
    ratio: tuple[float, float] = (0.9, 1.1),
) -> tf.Tensor:
    """Crop the chosen pictures of a batch at random, and resize them to what they were.

    Args:
        images: floats of shape `(batch, size, size, channels)`.
        chosen: booleans of shape `(batch,)`.
        draws: numbers from U[0, 1) of shape `(batch, 4)`: a crop's area, ratio of
            sides, and place.
        scale: the least and the largest area of a crop, of the picture's.
        ratio: the least and the largest ratio of width to height; its logarithm is
            drawn evenly.

    Returns:
        A tensor of the shape of `images`.
    """
    area = scale[0] + draws[:, 0] * (scale[1] - scale[0])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    root = tf.exp((low + draws[:, 1] * (high - low)) / 2)
    # A crop as large as the picture may be wider than it.
    sides = tf.stack([tf.sqrt(area) / root, tf.sqrt(area) * root], axis=1)
    sides = tf.minimum(sides, 1.0)
    sides = tf.where(chosen[:, tf.newaxis], sides, 1.0)
    start = draws[:, 2:] * (1.0 - sides)
    return tf.image.crop_and_resize(
        images,
        tf.concat([start, start + sides], axis=1),
        tf.range(tf.shape(images)[0]),
        images.shape[1:3],
    )

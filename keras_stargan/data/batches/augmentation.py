"""Augmentation of batches, as pure functions of random numbers.

keras-cv's layers draw random numbers from generators that keep a state, so that a
resumed run would see other images than an unbroken one. Here the caller draws the
numbers, from the seed and the step, and nothing has a state.
"""

import math

import tensorflow as tf


def flip_horizontally(images: tf.Tensor, chosen: tf.Tensor) -> tf.Tensor:
    """Mirrors the chosen images of a batch left to right.

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
    """Crops the chosen images of a batch, and resizes them to their old size.

    Args:
        images: floats of shape `(batch, size, size, channels)`.
        chosen: booleans of shape `(batch,)`.
        draws: numbers from U[0, 1) of shape `(batch, 4)`. They decide each crop's
            area, its ratio of width to height, and where it lies (row, column).
        scale: the least and the largest area of a crop, as a share of the image's.
        ratio: the least and the largest ratio of width to height. The ratio's
            logarithm is distributed uniformly.

    Returns:
        A tensor of the shape of `images`.
    """
    area = scale[0] + draws[:, 0] * (scale[1] - scale[0])
    low, high = math.log(ratio[0]), math.log(ratio[1])
    root = tf.exp((low + draws[:, 1] * (high - low)) / 2)
    # A crop with the area of the image may be wider than the image.
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


def enlarged_crops(
    images: tf.Tensor, draws: tf.Tensor, factor: float = 286 / 256
) -> tf.Tensor:
    """Enlarge the pictures of a batch, and cut a random square of the old size out.

    Args:
        images: floats from 0 to 255, of shape `(batch, size, size, channels)`.
        draws: numbers from U[0, 1) of shape `(batch, 2)`: where each square lies.
        factor: how many times as large the pictures become.

    Returns:
        A tensor of the shape of `images`, rounded to whole numbers from 0 to 255.
    """
    size = images.shape[1]
    enlarged_size = round(size * factor)
    enlarged = tf.image.resize(images, [enlarged_size] * 2, method="bicubic")
    # Bicubic curves swing beyond the values that they connect.
    enlarged = tf.clip_by_value(tf.round(enlarged), 0.0, 255.0)
    starts = tf.cast(draws * (enlarged_size - size + 1), tf.int32)
    rows, columns = (starts[:, i, tf.newaxis] + tf.range(size) for i in (0, 1))
    enlarged = tf.gather(enlarged, rows, axis=1, batch_dims=1)
    return tf.gather(enlarged, columns, axis=2, batch_dims=1)

"""Batches of CycleGAN: images of two domains that do not belong together."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_stargan.data.batches.augmentation import enlarged_crops, flip_horizontally
from keras_stargan.data.batches.pipeline import (
    check_start,
    gather_images,
    numbered_batches,
    only_rows,
    shuffled_indices,
)
from keras_stargan.data.image_set import ImageSet


def unpaired_dataset(
    image_set: ImageSet,
    batch_size: int = 1,
    seed: int = 0,
    start_step: int = 0,
    flip: bool = True,
    crop: bool = True,
    rows: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Infinite dataset of batches with images of two domains, A and B.

    An epoch has as many images of each domain as the larger one has pictures. The
    pictures of A come in a shuffled order, those of B are drawn at random with
    replacement, so that no pair of pictures comes again and again. The batches are
    cut out of one endless row of epochs, so a batch may span two. A batch depends on
    `seed` and its number alone: a resumed run that starts at step k gets exactly what
    an unbroken run gets after k batches.

    Args:
        image_set: the pictures. Its label set is categorical and has two names: the
            first is A, the second is B. The pictures stay where they are; only those
            of a batch are copied.
        batch_size: images of each domain in a batch. Defaults to 1, as published.
        seed: decides what is drawn; in [0, 2**63).
        start_step: number of the first batch.
        flip: whether to mirror each picture left to right with probability 1/2.
        crop: whether to enlarge each picture by 286/256 and to cut a random square of
            its old size out. (The published code enlarges the original file instead
            of the picture in the set.)
        rows: as for `training_dataset`.

    Returns:
        A dataset of dictionaries: `images_a` and `images_b`, float32 of shape
        `(batch_size, size, size, 3)` in [-1, 1].

    Raises:
        ValueError: for labels that are not two categorical ones, a domain without
            pictures, a batch size below 1, a negative start step, or a seed outside
            its range.
    """
    names, kind = image_set.label_set.names, image_set.label_set.kind
    if kind != "categorical" or len(names) != 2:
        raise ValueError(
            "Unpaired batches need pictures of two domains: a categorical label set "
            f"of two names; received a {kind} one ({', '.join(names)})."
        )
    check_start(start_step, seed, batch_size)
    domains = np.argmax(image_set.labels, axis=1)
    indices_a, indices_b = (np.flatnonzero(domains == domain) for domain in (0, 1))
    for name, indices in zip(names, (indices_a, indices_b), strict=True):
        if not len(indices):
            raise ValueError(f"There is no picture of the domain {name}.")
    epoch = max(len(indices_a), len(indices_b))

    def pictures(indices, draws):
        """The pictures of some indices; `draws` is (batch, 3) of U[0, 1)."""
        images = gather_images(image_set, indices)
        if crop:
            images = enlarged_crops(images, draws[:, 1:])
        if flip:
            images = flip_horizontally(images, draws[:, 0] < 0.5)
        return images / 127.5 - 1.0

    def batch(step):
        order = shuffled_indices(step * batch_size, batch_size, epoch, seed)
        draws = tf.random.stateless_uniform([batch_size, 7], seed=[seed, step])
        order, draws = only_rows(order, rows), only_rows(draws, rows)
        random_b = tf.cast(draws[:, 0] * len(indices_b), tf.int64)
        return {
            "images_a": pictures(
                tf.gather(indices_a, order % len(indices_a)), draws[:, 1:4]
            ),
            "images_b": pictures(tf.gather(indices_b, random_b), draws[:, 4:]),
        }

    return numbered_batches(batch, start_step)

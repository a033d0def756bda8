"""Batches of StarGAN v2: sources and references, balanced over the domains."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_stargan.data.batches.augmentation import flip_horizontally, resized_crops
from keras_stargan.data.batches.pipeline import (
    check_start,
    gather_images,
    numbered_batches,
    only_rows,
)
from keras_stargan.data.image_set import ImageSet


def reference_dataset(
    image_set: ImageSet,
    batch_size: int,
    seed: int = 0,
    start_step: int = 0,
    augment: bool = True,
    rows: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Infinite dataset of source images and, independently, pairs of references.

    All domains are equally likely, however many images they have, and within
    a domain all images are (StarGAN v2, appendix). Images are drawn with replacement.
    A batch depends on `seed` and its number alone: a resumed run that starts at step k
    gets exactly what an unbroken run gets after k batches.

    Args:
        image_set: the images, with categorical labels: the domains. They stay where
            they are; only those of a batch are copied.
        batch_size: images in a batch.
        seed: decides what is drawn; in [0, 2**63).
        start_step: number of the first batch.
        augment: whether to crop each image with probability 1/2, to 0.8 to 1 of its
            area and a ratio of width to height from 0.9 to 1.1, and to mirror it left
            to right with probability 1/2.
        rows: as for `training_dataset`.

    Returns:
        A dataset of `((images, domains), (references, other_references,
        reference_domains))`: images float32 of shape `(batch_size, size, size, 3)` in
        [-1, 1], domains int32 of shape `(batch_size,)`.

    Raises:
        ValueError: for labels that are not categorical, a domain without images, a
            batch size below 1, a negative start step, or a seed outside its range.
    """
    names, kind = image_set.label_set.names, image_set.label_set.kind
    if kind != "categorical":
        raise ValueError(
            "StarGAN v2 needs images of which each is of exactly one domain: "
            f"a categorical label set; received a {kind} one ({', '.join(names)})."
        )
    check_start(start_step, seed, batch_size)
    domains = np.argmax(image_set.labels, axis=1)
    counts = np.bincount(domains, minlength=len(names))
    if not np.all(counts):
        missing = [names[i] for i in np.flatnonzero(counts == 0)]
        raise ValueError(f"There is no image of the domain {', '.join(missing)}.")
    # The images' indices, sorted by domain.
    order = tf.constant(np.argsort(domains, kind="stable"))
    firsts = np.cumsum(counts) - counts

    def random_images(chosen, draws):
        """An image of each chosen domain; `draws` is (batch, 7) from U[0, 1)."""
        sizes = tf.gather(tf.constant(counts, tf.float32), chosen)
        within = tf.cast(draws[:, 0] * sizes, tf.int64)
        indices = tf.gather(tf.constant(firsts), chosen) + within
        images = gather_images(image_set, tf.gather(order, indices))
        if augment:
            images = flip_horizontally(images, draws[:, 1] < 0.5)
            images = resized_crops(images, draws[:, 2] < 0.5, draws[:, 3:])
        return images / 127.5 - 1.0

    def batch(step):
        draws = tf.random.stateless_uniform([batch_size, 23], seed=[seed, step])
        draws = only_rows(draws, rows)
        # The draws are multiples of 2**-23 below 1, so n times a draw never rounds
        # up to n.
        sources, targets = tf.unstack(
            tf.cast(draws[:, :2] * len(names), tf.int32), axis=1
        )
        images, references, others = (
            random_images(chosen, draws[:, start : start + 7])
            for chosen, start in ((sources, 2), (targets, 9), (targets, 16))
        )
        return (images, sources), (references, others, targets)

    return numbered_batches(batch, start_step)

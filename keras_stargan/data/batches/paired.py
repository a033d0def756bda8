"""Batches of pix2pix: images of two domains that belong together."""

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


def paired_dataset(
    image_set: ImageSet,
    batch_size: int = 1,
    seed: int = 0,
    start_step: int = 0,
    flip: bool = True,
    crop: bool = True,
    rows: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Infinite dataset of batches with pairs of images, one of domain A and one of B.

    The pairs are reshuffled every epoch, in which each comes once. The batches are cut
    out of one endless row of epochs, so a batch may span two. A batch depends on `seed`
    and its number alone: a resumed run that starts at step k gets exactly what an
    unbroken run gets after k batches.

    Args:
        image_set: the pictures, aligned: the two pictures of a subject are a pair. The
            label set is categorical and has two names: the first is A, the second is
            B. The pictures stay where they are; only those of a batch are copied.
        batch_size: pairs in a batch. Defaults to 1, as published.
        seed: decides what is drawn; in [0, 2**63).
        start_step: number of the first batch.
        flip: whether to mirror each pair left to right with probability 1/2, both
            pictures or none.
        crop: whether to enlarge the pictures of a pair by 286/256 and to cut the same
            random square of their old size out. (The published code enlarges the
            original files instead of the pictures in the set.)
        rows: as for `training_dataset`; of pairs.

    Returns:
        A dataset of dictionaries: `images_a` and `images_b`, float32 of shape
        `(batch_size, size, size, 3)` in [-1, 1]. Row i of both is one pair.

    Raises:
        ValueError: for a set that is not aligned, labels that are not two categorical
            ones, a domain without pictures, a picture whose subject has none of the
            other domain, a batch size below 1, a negative start step, or a seed
            outside its range.
    """
    names, kind = image_set.label_set.names, image_set.label_set.kind
    if kind != "categorical" or len(names) != 2 or not image_set.aligned:
        raise ValueError(
            "Paired batches need pictures of two domains that belong together, as "
            "pairs:FOLDER reads them, or two domains of drawn people: an aligned "
            "image set with a categorical label set of two names; received a "
            f"{kind} one ({', '.join(names)}) with aligned={image_set.aligned}."
        )
    check_start(start_step, seed, batch_size)
    domains = np.argmax(image_set.labels, axis=1)
    for number, name in enumerate(names):
        if number not in domains:
            raise ValueError(f"There is no picture of the domain {name}.")
    # An image that has no partner is an error here, before training.
    partners = image_set.ground_truth_indices(
        np.arange(len(image_set)), image_set.labels[:, ::-1]
    )
    indices_a = np.flatnonzero(domains == 0)
    indices_b = partners[indices_a]

    def batch(step):
        order = shuffled_indices(step * batch_size, batch_size, len(indices_a), seed)
        draws = tf.random.stateless_uniform([batch_size, 3], seed=[seed, step])
        order, draws = only_rows(order, rows), only_rows(draws, rows)

        def pictures(indices):
            images = gather_images(image_set, tf.gather(indices, order))
            if crop:
                images = enlarged_crops(images, draws[:, 1:])
            if flip:
                images = flip_horizontally(images, draws[:, 0] < 0.5)
            return images / 127.5 - 1.0

        return {"images_a": pictures(indices_a), "images_b": pictures(indices_b)}

    return numbered_batches(batch, start_step)

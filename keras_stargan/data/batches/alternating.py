"""Batches of several data sets in turn."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_stargan.data.batches.pipeline import training_dataset
from keras_stargan.data.image_set import ImageSet
from keras_stargan.labels import LabelSpace


def alternating_dataset(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    start_step: int = 0,
    flip: bool = True,
) -> tf.data.Dataset:
    """Endless batches of one data set after the other (StarGAN, section 3.2).

    Batch k is of set k modulo their number, with unified labels. Of one set alone,
    it is what `training_dataset` gives.

    Args:
        image_sets: of pictures of one size; their label sets make the `LabelSpace`
            that the model is made with.
        batch_size: as for `training_dataset`.
        seed: as for `training_dataset`.
        start_step: number of the first batch.
        flip: as for `training_dataset`.

    Returns:
        A dataset of `(images, labels)`: float32 of shape
        `(batch_size, size, size, 3)` in [-1, 1], and float32 of shape
        `(batch_size, LabelSpace.size)`.

    Raises:
        ValueError: for sets of different sizes or without names of their own, or as
            `training_dataset`.
    """
    space = LabelSpace(tuple(image_set.label_set for image_set in image_sets))
    sizes = [image_set.images.shape[1] for image_set in image_sets]
    if len(set(sizes)) > 1:
        raise ValueError(
            "The pictures of all data sets must be of one size; received "
            f"{' and '.join(f'{size} px' for size in sizes)}."
        )
    count = len(image_sets)
    if count == 1:
        return training_dataset(image_sets[0], batch_size, seed, start_step, flip)

    def unified(place: int) -> tf.data.Dataset:
        # Steps k with k % count == place, from start_step on, are that set's own
        # steps k // count.
        first = (start_step - place + count - 1) // count
        dataset = training_dataset(
            image_sets[place], batch_size, seed + place, first, flip
        )
        width = len(space.sets[place])
        mask = space.unify(np.zeros((1, width)), place)
        names = space.unify(np.eye(width), place) - mask

        def unify(images, labels):
            return images, labels @ names + mask

        return dataset.map(unify)

    turns = tf.data.Dataset.counter(start_step).map(lambda step: step % count)
    dataset = tf.data.Dataset.choose_from_datasets(
        [unified(place) for place in range(count)], turns
    )
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return dataset.with_options(options)

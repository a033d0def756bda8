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
    rows: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Infinite dataset that takes one batch from each data set in turn.

    Batch k is of data set k modulo the number of sets, with labels of the common
    `LabelSpace` (StarGAN, section 3.2). A single set gives what `training_dataset`
    gives.

    Args:
        image_sets: all with images of one size. The model must be made with the
            `LabelSpace` of their label sets.
        batch_size: as for `training_dataset`.
        seed: as for `training_dataset`.
        start_step: number of the first batch.
        flip: as for `training_dataset`.
        rows: as for `training_dataset`.

    Returns:
        A dataset of `(images, labels)`: float32 of shape
        `(batch_size, size, size, 3)` in [-1, 1], and float32 of shape
        `(batch_size, LabelSpace.size)`.

    Raises:
        ValueError: if the sets differ in the images' size or share a name, or as
            `training_dataset`.
    """
    space = LabelSpace(tuple(image_set.label_set for image_set in image_sets))
    sizes = [image_set.images.shape[1] for image_set in image_sets]
    if len(set(sizes)) > 1:
        raise ValueError(
            "The images of all data sets must be of one size; received "
            f"{' and '.join(f'{size} px' for size in sizes)}."
        )
    count = len(image_sets)
    if count == 1:
        return training_dataset(image_sets[0], batch_size, seed, start_step, flip, rows)

    def unified(index: int) -> tf.data.Dataset:
        # The steps k from start_step on with k % count == index are the set's own
        # steps k // count.
        first = (start_step - index + count - 1) // count
        dataset = training_dataset(
            image_sets[index], batch_size, seed + index, first, flip, rows
        )
        width = len(space.sets[index])
        mask = space.unify(np.zeros((1, width)), index)
        names = space.unify(np.eye(width), index) - mask

        def unify(images, labels):
            return images, labels @ names + mask

        return dataset.map(unify)

    turns = tf.data.Dataset.counter(start_step).map(lambda step: step % count)
    return tf.data.Dataset.choose_from_datasets(
        [unified(index) for index in range(count)], turns
    )

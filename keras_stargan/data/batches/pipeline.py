"""Batches for training."""

from collections.abc import Callable, Sequence

import tensorflow as tf

from keras_stargan.data.batches.augmentation import flip_horizontally
from keras_stargan.data.image_set import ImageSet


def training_dataset(
    image_set: ImageSet,
    batch_size: int,
    seed: int = 0,
    start_step: int = 0,
    flip: bool = True,
    rows: Sequence[int] | None = None,
) -> tf.data.Dataset:
    """Infinite dataset of shuffled batches of an image set.

    Images are reshuffled every epoch; epochs are concatenated and cut into full
    batches, so a batch may span two epochs. A batch depends on `seed` and its number
    alone: a resumed run that starts at step k gets exactly what an unbroken run gets
    after k batches.

    Args:
        image_set: the images. They stay where they are, in memory or memory-mapped;
            only those of a batch are copied.
        batch_size: images in a batch, at most `len(image_set)`.
        seed: decides the order of each epoch and the flips; in [0, 2**63).
        start_step: number of the first batch.
        flip: whether to mirror each image left to right with probability 1/2.
        rows: which rows of each batch are made, all of them for None. No other image
            is read; the rows are those of the whole batch.

    Returns:
        A dataset of `(images, labels)`: float32 of shape
        `(batch_size, size, size, 3)` in [-1, 1], and float32 of shape
        `(batch_size, len(label_set))`; with `rows`, as many rows as these.

    Raises:
        ValueError: for a batch size outside 1..`len(image_set)`, a negative
            start step, or a seed outside its range.
    """
    n = len(image_set)
    if not 1 <= batch_size <= n:
        raise ValueError(
            f"batch_size must be in 1..{n}, the number of images; received "
            f"{batch_size}."
        )
    check_start(start_step, seed)
    all_labels = tf.constant(image_set.labels, tf.float32)

    def batch(step):
        indices = shuffled_indices(step * batch_size, batch_size, n, seed)
        indices = only_rows(indices, rows)
        images = gather_images(image_set, indices)
        if flip:
            drawn = tf.random.stateless_uniform([batch_size], seed=[seed, step])
            drawn = only_rows(drawn, rows)
            images = flip_horizontally(images, drawn < 0.5)
        return images / 127.5 - 1.0, tf.gather(all_labels, indices)

    return numbered_batches(batch, start_step)


def gather_images(image_set: ImageSet, indices: tf.Tensor) -> tf.Tensor:
    """Some images of a set: float32 `(n, size, size, 3)`, values from 0 to 255.

    Args:
        image_set: the images, in memory or memory-mapped; only some are copied.
        indices: int64, `(n,)` with a known n.
    """
    all_images = image_set.images
    # Not tf.gather: TensorFlow would copy all images into its own memory.
    images = tf.numpy_function(
        lambda rows: all_images.take(rows, axis=0), [indices], tf.uint8, stateful=False
    )
    images.set_shape((*indices.shape, *all_images.shape[1:]))
    return tf.cast(images, tf.float32)


def only_rows(tensor: tf.Tensor, rows: Sequence[int] | None) -> tf.Tensor:
    """Some rows of a tensor, in this order; all of them for None.

    What is drawn for a batch goes through it before any image is read. So a worker
    that makes some rows draws what the others draw, and reads only its own images.

    Args:
        tensor: with a row for each image of the batch.
        rows: the rows' numbers.
    """
    if rows is None:
        return tensor
    return tf.gather(tensor, tf.constant(list(rows), tf.int64))


def shuffled_indices(start: tf.Tensor, count: int, length: int, seed: int) -> tf.Tensor:
    """Part of an infinite sequence of indices that is reshuffled every epoch.

    Args:
        start: where in the sequence the part begins, a scalar int64 tensor.
        count: number of indices in the part.
        length: number of indices in an epoch, in which each of 0 to `length` - 1
            occurs once.
        seed: decides the order of each epoch.

    Returns:
        int64 tensor `(count,)`.
    """
    positions = start + tf.range(count, dtype=tf.int64)
    seeds = tf.fill([count], tf.constant(seed, tf.int64))
    epochs = positions // length
    # Not tf.random.experimental.index_shuffle: it fails on a batch of seeds, and
    # with its 4 rounds 50 times too many indices stay where they were.
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % length,
        seed=tf.stack([seeds, epochs, 0 * epochs], axis=1),
        max_index=tf.constant(length - 1, tf.int64),
        rounds=16,
    )


def check_start(start_step: int, seed: int, batch_size: int = 1) -> None:
    """Raises `ValueError` for a number that no batches can be made with."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be 1 or more; received {batch_size}.")
    if start_step < 0:
        raise ValueError(f"start_step must be 0 or more; received {start_step}.")
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be in [0, 2**63); received {seed}.")


def numbered_batches(make_batch: Callable, start_step: int) -> tf.data.Dataset:
    """Infinite dataset whose batches are made from their numbers, in order.

    As many are made at a time as there are cores, at most 16; two more wait.

    Args:
        make_batch: takes a batch's number, a scalar int64 tensor, and gives the batch.
        start_step: number of the first batch.
    """
    options = tf.data.Options()
    options.deterministic = True
    # The thread that tunes a pipeline sleeps up to a minute between its looks, and
    # training cannot end before it wakes.
    options.autotune.enabled = False
    # Replicas share each batch; there are no files that they could share instead.
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = tf.data.Dataset.counter(start_step)
    dataset = dataset.map(make_batch, num_parallel_calls=tf.data.AUTOTUNE)
    # Not AUTOTUNE, whose number of batches in memory grows without a bound.
    return dataset.prefetch(2).with_options(options)

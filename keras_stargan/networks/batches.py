"""Calling a network with more inputs than fit into one batch."""

from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_stargan.networks.converters import is_for_converters


def in_batches(function: Callable, batch_size: int, *arrays: np.ndarray) -> np.ndarray:
    """Calls a function batch by batch, and concatenates its results.

    Args:
        function: takes a batch of each array, and gives a tensor with a row for each
            row of the batch.
        batch_size: number of rows in a batch; the last batch may have fewer.
        *arrays: arrays of the same length, which is at least 1.

    Returns:
        An array with a row for each row of the arrays.
    """
    # Not `predict`: under MirroredStrategy, it may leave a replica without any row.
    batches = [
        function(*(array[i : i + batch_size] for array in arrays))
        for i in range(0, len(arrays[0]), batch_size)
    ]
    return np.concatenate([ops.convert_to_numpy(batch) for batch in batches])


def translate_rows(
    function: Callable, images: keras.KerasTensor, chosen: keras.KerasTensor
) -> keras.KerasTensor:
    """Translates some images of a batch, and leaves the others as they are.

    Args:
        function: images -> images of the same shape and type. It is not run where no
            image is chosen, except in graphs made `for_converters`.
        images: `(n, height, width, channels)`.
        chosen: `(n,)` booleans.
    """

    def translated():
        return ops.where(chosen[:, None, None, None], function(images), images)

    if is_for_converters():
        return translated()
    return ops.cond(ops.any(chosen), translated, lambda: images)

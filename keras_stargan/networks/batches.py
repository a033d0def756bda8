"""Calling a network with more inputs than fit into one batch."""

import contextlib
import contextvars
from collections.abc import Callable, Iterator

import keras
import numpy as np
from keras import ops


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


_BRANCHES = contextvars.ContextVar("branches", default=True)


@contextlib.contextmanager
def without_branches() -> Iterator[None]:
    """Makes graphs in which `translate_rows` always runs the function.

    Converters to other runtimes do not look into the branches of a graph, or lose the
    shapes in them.
    """
    token = _BRANCHES.set(False)
    try:
        yield
    finally:
        _BRANCHES.reset(token)


def translate_rows(
    function: Callable, images: keras.KerasTensor, chosen: keras.KerasTensor
) -> keras.KerasTensor:
    """Translates some images of a batch, and leaves the others as they are.

    Args:
        function: images -> images of the same shape and type. It is not run where no
            image is chosen, except in graphs made `without_branches`.
        images: `(n, height, width, channels)`.
        chosen: `(n,)` booleans.
    """

    def translated():
        return ops.where(chosen[:, None, None, None], function(images), images)

    if not _BRANCHES.get():
        return translated()
    return ops.cond(ops.any(chosen), translated, lambda: images)

"""Using a network on many inputs."""

from collections.abc import Callable

import numpy as np
from keras import ops


def in_batches(function: Callable, batch_size: int, *arrays: np.ndarray) -> np.ndarray:
    """What a function gives for arrays of any length, batch by batch.

    Args:
        function: takes a part of each array, gives a tensor with as many rows.
        batch_size: rows of a part, at most.
        *arrays: of one length, at least 1.
    """
    # Not `predict`, which under MirroredStrategy may leave a replica without any.
    batches = [
        function(*(array[i : i + batch_size] for array in arrays))
        for i in range(0, len(arrays[0]), batch_size)
    ]
    return np.concatenate([ops.convert_to_numpy(batch) for batch in batches])

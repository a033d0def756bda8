"""Means over the global batch, of which a replica has only a part.

Most losses are means over images, and the training engine adds up the replicas' losses
by their shares. A layer or a loss that is no such mean (batch normalization, a ratio of
means) needs the mean over the images of all replicas instead. The engine says within
`one_replica` how to get it; elsewhere, all images are here.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras


class Replica(NamedTuple):
    """What a replica knows of the global batch.

    Args:
        total: takes a tensor of this replica and gives the sum over all replicas.
        share: this replica's part of the images, a scalar from 0 to 1.
        rows: the number of images in the global batch, a scalar.
    """

    total: Callable[[Any], Any]
    share: Any
    rows: Any


_replica: contextvars.ContextVar[Replica | None] = contextvars.ContextVar(
    "_replica", default=None
)


@contextlib.contextmanager
def one_replica(replica: Replica | None) -> Iterator[None]:
    """Within it, `global_mean` and `global_rows` are about all replicas' images.

    Args:
        replica: the replica whose images the code within it is given; None if they are
            all images.
    """
    token = _replica.set(replica)
    try:
        yield
    finally:
        _replica.reset(token)


def global_mean(mean: keras.KerasTensor) -> keras.KerasTensor:
    """The mean over the global batch, of this replica's mean over its own images.

    Args:
        mean: of any shape.
    """
    replica = _replica.get()
    if replica is None:
        return mean
    return replica.total(mean * keras.ops.cast(replica.share, mean.dtype))


def global_rows(values: keras.KerasTensor) -> keras.KerasTensor:
    """The number of images in the global batch, an integer.

    Args:
        values: with a row for each image of this replica.
    """
    replica = _replica.get()
    return keras.ops.shape(values)[0] if replica is None else replica.rows

"""The one home of chance in training: draws that follow from seed and step alone."""

import zlib
from collections.abc import Sequence

import tensorflow as tf

# The same numbers on every kind of device.
_ALGORITHM = "philox"


class Draws:
    """Random numbers for one step, each a pure function of (seed, step, name).

    No state moves when a number is drawn, so that a step is a pure function of
    the model's state and its batch: a resumed run draws what a run never stopped
    would have drawn, in whatever order the numbers are asked for.

    Args:
        seed: the run's seed.
        step: the global step, an integer or a scalar integer tensor.
    """

    def __init__(self, seed: int, step: tf.Tensor | int) -> None:
        self._seed = tf.stack([tf.cast(seed, tf.int64), tf.cast(step, tf.int64)])

    def _named(self, name: str) -> tf.Tensor:
        return tf.random.fold_in(self._seed, zlib.crc32(name.encode()), alg=_ALGORITHM)

    def uniform(self, name: str, shape: Sequence[int]) -> tf.Tensor:
        """Float32 numbers from U[0, 1)."""
        return tf.random.stateless_uniform(shape, self._named(name), alg=_ALGORITHM)

    def normal(self, name: str, shape: Sequence[int]) -> tf.Tensor:
        """Float32 numbers from N(0, 1)."""
        return tf.random.stateless_normal(shape, self._named(name), alg=_ALGORITHM)

    def integers(self, name: str, shape: Sequence[int], high: int) -> tf.Tensor:
        """Whole numbers from 0 to `high` - 1, int32."""
        return tf.random.stateless_uniform(
            shape, self._named(name), 0, high, "int32", alg=_ALGORITHM
        )

    def permutation(self, name: str, length: tf.Tensor | int) -> tf.Tensor:
        """The numbers 0 to `length` - 1 in a random order."""
        return tf.random.experimental.stateless_shuffle(
            tf.range(length), self._named(name), alg=_ALGORITHM
        )

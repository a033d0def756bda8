"""Two replicas on a CPU, for all tests of a process."""

import functools

import tensorflow as tf

DEVICES = ["CPU:0", "CPU:1"]


@functools.cache
def two_replicas():
    """One strategy: the collectives of a second one would have the first one's keys.

    TensorFlow then takes two of other shapes for one, and stops.
    """
    return tf.distribute.MirroredStrategy(DEVICES)

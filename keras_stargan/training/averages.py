"""Moving averages of weights."""

import keras
import tensorflow as tf


def move_averages(
    strategy: tf.distribute.Strategy,
    averages: keras.Model,
    network: keras.Model,
    decay: float,
) -> None:
    """Moves one network's weights towards another's, on each replica.

    To be called outside the replicas.

    Args:
        strategy: that the networks were made under.
        averages: the network that moves.
        network: one of the same structure.
        decay: how much of its own weights the first keeps.
    """

    def move(old, new):
        old.assign(new + decay * (old - new))

    for average, weight in zip(averages.weights, network.weights, strict=True):
        strategy.extended.update(average.value, move, args=(weight.value,))

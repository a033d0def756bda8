"""The weights of networks: made, copied, or made without values."""

import concurrent.futures
import contextvars
from collections.abc import Callable
from typing import TypeVar

import keras

from keras_stargan.networks.converters import for_converters

T = TypeVar("T")

_without_values = contextvars.ContextVar("_without_values", default=False)


def make_weights(network: keras.Model, *inputs: keras.KerasTensor) -> None:
    """Calls a network once on symbols, by which all its layers make their weights.

    Args:
        network: whose layers have none yet.
        *inputs: what it takes, as `keras.Input` gives it.
    """
    # Or Keras would call it a second time, to build it.
    network.built = True
    # TensorFlow would keep the graphs of gradients that instance normalization brings.
    with for_converters():
        network(inputs[0] if len(inputs) == 1 else list(inputs))


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Gives a network the weights of another one that is made alike.

    Within `shapes_only`, where there are no values, this does nothing.

    Args:
        source: the network that has the values.
        target: the network that gets them.
    """
    if not _without_values.get():
        target.set_weights(source.get_weights())


def shapes_only(make: Callable[[], T]) -> T:
    """Makes networks whose weights have shapes but no values.

    No memory is taken for the weights, so that sizes from an untrusted file can be
    compared with the file before a network of such sizes is made.

    Args:
        make: makes the networks. It may not copy weights other than by `copy_weights`.

    Returns:
        What `make` returned. Only the names and shapes of the weights can be used.
    """

    def run() -> T:
        _without_values.set(True)
        with keras.StatelessScope(initialize_variables=False):
            return make()

    # Keras remembers, for each thread, which weights have no values yet, and would give
    # them values with the next network made in this thread.
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()

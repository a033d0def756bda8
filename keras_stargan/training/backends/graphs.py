"""Graphs of TensorFlow: made sooner, and forgotten when they are finished."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import ops


def compiled(function: Callable) -> Callable:
    """A function as graphs, one for each shape of a row, for any number of rows."""

    @functools.cache
    def graph(*specs: tf.TensorSpec) -> Callable:
        def traced(*tensors: tf.Tensor) -> Any:
            with gradients_forgotten():
                return function(*tensors)

        # One graph for all numbers of rows: the same image always gives the same.
        return tf.function(traced, input_signature=specs, autograph=False)

    def run(*arrays: Any) -> Any:
        tensors = [tf.convert_to_tensor(array) for array in arrays]
        specs = [tf.TensorSpec((None, *t.shape[1:]), t.dtype) for t in tensors]
        return graph(*specs)(*tensors)

    return run


@contextlib.contextmanager
def unfused() -> Iterator[None]:
    """Switches the part of TensorFlow's graph optimizer off that fuses operations.

    In training it finds little to fuse, since gradients need what lies between, but
    takes seconds. On StarGAN v2's step it gives up and prints an error ("remapper
    failed").
    """
    before = tf.config.optimizer.get_experimental_options().get("remapping", True)
    tf.config.optimizer.set_experimental_options({"remapping": False})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"remapping": before})


@contextlib.contextmanager
def gradients_forgotten() -> Iterator[None]:
    """Lets TensorFlow forget the custom gradients of a graph that is finished.

    It keeps the function of each, and with it the graph and all that the graph uses,
    as long as the process lives. Nobody can take gradients through the graph later.
    """
    known = ops.gradient_registry._registry
    before = set(known)
    try:
        yield
    finally:
        for name in known.keys() - before:
            if name.startswith("CustomGradient-"):
                del known[name]


@contextlib.contextmanager
def traced_once(networks: Iterable[keras.Model]) -> Iterator[None]:
    """Makes one graph of each network instead of one of each of its calls.

    StarGAN v2 calls its generator eight times in a step, and the first step would wait
    for all of these graphs. Networks that keep statistics are left as they are: what
    they do depends on more than their inputs.
    """
    networks = [network for network in networks if not network.non_trainable_weights]
    for network in networks:
        # Not by Keras' own way, which would look for weights in it.
        function = tf.function(network.call, autograph=False)
        object.__setattr__(network, "call", function)
    try:
        yield
    finally:
        for network in networks:
            object.__delattr__(network, "call")

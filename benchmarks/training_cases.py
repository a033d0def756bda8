"""What several benchmarks of training share: batches, and counting operations."""

from collections.abc import Callable
from typing import Any


def random_batch(method: str, size: int, rows: int, domains: int) -> tuple:
    """A batch of random images, as `fit` takes it.

    Args:
        method: `"StarGAN"` or `"StarGANv2"`.
        size: height and width of the images.
        rows: how many there are.
        domains: of how many domains.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (rows, size, size, 3)).astype("float32")
    labels = rng.integers(0, domains, rows).astype("int32")
    if method == "StarGANv2":
        return (images, labels), (images, images[::-1], labels[::-1])
    return images, np.eye(domains, dtype="float32")[labels]


def operations_of(model: Any, names: tuple[str, ...], batch: tuple) -> float:
    """Floating point operations of a step, as TensorFlow counts them.

    Args:
        model: compiled.
        names: of the updates that are due.
        batch: as `fit` takes it.
    """
    import dataclasses
    import functools

    import tensorflow as tf
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    # As if they were due each time: else they are in a branch, which is not counted.
    updates = tuple(
        dataclasses.replace(update, every=1)
        for update in model.updates
        if update.name in names
    )
    step: Callable = functools.partial(model._trainer._step, updates, True)
    data = tf.nest.map_structure(tf.constant, batch)
    graph = tf.function(step, autograph=False).get_concrete_function(data).graph
    options = ProfileOptionBuilder(ProfileOptionBuilder.float_operation())
    return profile(graph, options=options.with_empty_output().build()).total_float_ops

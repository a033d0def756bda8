"""Computing what lies within a block a second time instead of keeping it."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras

_recomputes = contextvars.ContextVar("_recomputes", default=False)


@contextlib.contextmanager
def recomputation(on: bool) -> Iterator[None]:
    """Decides whether `call_block` saves memory while gradients are made.

    Args:
        on: whether it does.
    """
    token = _recomputes.set(on)
    try:
        yield
    finally:
        _recomputes.reset(token)


def call_block(block: keras.layers.Layer, *inputs: Any) -> Any:
    """Calls a block of a network that has no random numbers in it.

    Within `recomputation`, only its inputs are kept for the gradient, and what lies
    within it is computed a second time. Second derivatives are then not possible.

    Args:
        block: a layer.
        *inputs: what it is called with.
    """
    return keras.remat(block)(*inputs) if _recomputes.get() else block(*inputs)

"""Graphs for converters to other runtimes, which know fewer operations."""

import contextlib
import contextvars
from collections.abc import Iterator

_for_converters = contextvars.ContextVar("_for_converters", default=False)


@contextlib.contextmanager
def for_converters() -> Iterator[None]:
    """Makes graphs that converters understand; they compute the same as others.

    Such graphs have no branches, since converters do not look into them or lose the
    shapes there. Their convolutions are single operations, which converters know best.
    """
    token = _for_converters.set(True)
    try:
        yield
    finally:
        _for_converters.reset(token)


def is_for_converters() -> bool:
    """Whether a graph is being made within `for_converters`."""
    return _for_converters.get()

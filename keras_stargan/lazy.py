"""Packages whose names are imported when they are first used (PEP 562).

Importing Keras and TensorFlow takes seconds. A package that names its public objects
in this way can be imported, for its light parts, without them.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Makes the functions `__getattr__` and `__dir__` of a package.

    Args:
        package: the package's `__name__`.
        modules: maps each public name to the module that defines it.

    Returns:
        The two functions, to be assigned to these names in the package.

    Example:
        >>> __getattr__, __dir__ = lazy_names(
        ...     __name__, {"ImageSet": "keras_stargan.data.image_set"}
        ... )
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(modules[name]), name)
        setattr(sys.modules[package], name, value)  # Python asks only once.
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *modules})

    return get, names

"""How far an exported endpoint is from Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_stargan.export.formats import Arrays


class Difference(NamedTuple):
    """Of values from -1 to 1 the difference; of larger ones, the relative difference.

    Args:
        largest: of all values.
        mean: of all values.
        images: that were compared.
    """

    largest: float
    mean: float
    images: int


def compare(run: Callable[..., Arrays], arrays: Arrays, expected: Arrays) -> Difference:
    """Runs an exported endpoint and compares what it gives.

    Args:
        run: the endpoint, with arrays by name.
        arrays: its inputs.
        expected: what Keras gives.

    Raises:
        ValueError: if the names or shapes differ.
    """
    found = run(**arrays)
    shapes = [{n: v.shape for n, v in each.items()} for each in (found, expected)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"it gives {shapes[0]}, Keras {shapes[1]}.")
    differences = [
        np.abs(found[name] - values).ravel() / max(1.0, float(np.abs(values).max()))
        for name, values in expected.items()
    ]
    together = np.concatenate(differences)
    count = len(next(iter(arrays.values())))
    return Difference(float(together.max()), float(together.mean()), count)

"""The types that networks compute in and give."""

import keras


def output_dtype(policy: str | keras.DTypePolicy) -> str:
    """The type of a network's outputs and of losses.

    They are float32 also in half precision, where sums would lose too much, and
    float64 if everything is.

    Args:
        policy: the dtype policy of a model or a layer, or its name.
    """
    name = policy if isinstance(policy, str) else policy.compute_dtype
    return "float64" if name == "float64" else "float32"

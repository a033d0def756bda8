"""The types of networks' outputs."""

import keras


def output_dtype(policy: str | keras.DTypePolicy) -> str:
    """The type of a network's outputs and of losses.

    They are float32 in half precision too, since sums in half precision lose too many
    digits. They are float64 if the whole model is.

    Args:
        policy: the dtype policy of a model or a layer, or its name.
    """
    name = policy if isinstance(policy, str) else policy.compute_dtype
    return "float64" if name == "float64" else "float32"

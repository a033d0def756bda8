"""The labels of the published data sets."""

from collections.abc import Sequence

from keras_stargan.labels.label_set import LabelSet

# The paper's: hair colour, gender, age.
ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")


EXPRESSIONS = LabelSet(
    (
        "angry",
        "contemptuous",
        "disgusted",
        "fearful",
        "happy",
        "neutral",
        "sad",
        "surprised",
    ),
    name="RaFD",
)


def attribute_labels(names: Sequence[str]) -> LabelSet:
    """The label set of some of the 40 attributes; hair colours exclude each other.

    Args:
        names: of the attributes, in order.
    """
    hair = tuple(name for name in names if name in HAIR_COLORS)
    # One hair colour alone can be switched on and off.
    exclusive = (hair,) if len(hair) > 1 else ()
    return LabelSet(tuple(names), "binary", exclusive, name="CelebA")

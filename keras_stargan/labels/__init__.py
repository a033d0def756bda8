"""What the entries of a label mean: names, kinds, masks and targets."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.labels.label_set import KINDS, LabelSet, numbered_labels
    from keras_stargan.labels.label_space import LabelSpace

__all__ = ["KINDS", "LabelSet", "LabelSpace", "numbered_labels"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "KINDS": "keras_stargan.labels.label_set",
        "LabelSet": "keras_stargan.labels.label_set",
        "LabelSpace": "keras_stargan.labels.label_space",
        "numbered_labels": "keras_stargan.labels.label_set",
    },
)

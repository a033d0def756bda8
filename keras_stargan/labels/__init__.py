"""What the entries of a label mean: names, kinds, masks and targets."""

from keras_stargan.labels.label_set import KINDS, LabelSet, numbered_labels
from keras_stargan.labels.label_space import LabelSpace
from keras_stargan.labels.targets import Target

__all__ = ["KINDS", "LabelSet", "LabelSpace", "Target", "numbered_labels"]

"""Pictures with labels, from where they come, and batches of them for training."""

from keras_stargan.data.avatars import load_avatars
from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.pipeline import training_dataset
from keras_stargan.data.rafd import load_rafd

__all__ = ["ImageSet", "load_avatars", "load_rafd", "training_dataset"]

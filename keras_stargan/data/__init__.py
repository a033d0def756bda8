"""Pictures with labels, from where they come, and batches of them for training."""

from keras_stargan.data.alternating import alternating_dataset
from keras_stargan.data.attributes_csv import list_attributes_csv, load_attributes_csv
from keras_stargan.data.avatars import load_avatars
from keras_stargan.data.celeba import list_celeba, load_celeba
from keras_stargan.data.creatures import load_creatures
from keras_stargan.data.folders import list_folders, load_folders
from keras_stargan.data.image_files import ImageFiles
from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.pipeline import training_dataset
from keras_stargan.data.rafd import list_rafd, load_rafd
from keras_stargan.data.references import reference_dataset
from keras_stargan.data.tfds_reader import list_tfds, load_tfds

__all__ = [
    "ImageFiles",
    "ImageSet",
    "alternating_dataset",
    "list_attributes_csv",
    "list_celeba",
    "list_folders",
    "list_rafd",
    "list_tfds",
    "load_attributes_csv",
    "load_avatars",
    "load_celeba",
    "load_creatures",
    "load_folders",
    "load_rafd",
    "load_tfds",
    "reference_dataset",
    "training_dataset",
]

"""Labelled images: readers of data sets, drawn data sets, and batches for training."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.data.batches.alternating import alternating_dataset
    from keras_stargan.data.batches.paired import paired_dataset
    from keras_stargan.data.batches.pipeline import training_dataset
    from keras_stargan.data.batches.references import reference_dataset
    from keras_stargan.data.batches.unpaired import unpaired_dataset
    from keras_stargan.data.drawn.avatars import load_avatars
    from keras_stargan.data.drawn.creatures import load_creatures
    from keras_stargan.data.image_set import ImageSet
    from keras_stargan.data.readers.attributes_csv import (
        list_attributes_csv,
        load_attributes_csv,
    )
    from keras_stargan.data.readers.celeba import list_celeba, load_celeba
    from keras_stargan.data.readers.folders import list_folders, load_folders
    from keras_stargan.data.readers.image_files import ImageFiles
    from keras_stargan.data.readers.pairs import list_pairs, load_pairs
    from keras_stargan.data.readers.rafd import list_rafd, load_rafd
    from keras_stargan.data.readers.shards import load_shards
    from keras_stargan.data.readers.tfds_reader import list_tfds, load_tfds
    from keras_stargan.data.shard_writing import write_shards
    from keras_stargan.data.streamed_images import StreamedImages

__all__ = [
    "ImageFiles",
    "ImageSet",
    "StreamedImages",
    "alternating_dataset",
    "list_attributes_csv",
    "list_celeba",
    "list_folders",
    "list_pairs",
    "list_rafd",
    "list_tfds",
    "load_attributes_csv",
    "load_avatars",
    "load_celeba",
    "load_creatures",
    "load_folders",
    "load_pairs",
    "load_rafd",
    "load_shards",
    "load_tfds",
    "paired_dataset",
    "reference_dataset",
    "training_dataset",
    "unpaired_dataset",
    "write_shards",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ImageFiles": "keras_stargan.data.readers.image_files",
        "ImageSet": "keras_stargan.data.image_set",
        "StreamedImages": "keras_stargan.data.streamed_images",
        "alternating_dataset": "keras_stargan.data.batches.alternating",
        "list_attributes_csv": "keras_stargan.data.readers.attributes_csv",
        "list_celeba": "keras_stargan.data.readers.celeba",
        "list_folders": "keras_stargan.data.readers.folders",
        "list_pairs": "keras_stargan.data.readers.pairs",
        "list_rafd": "keras_stargan.data.readers.rafd",
        "list_tfds": "keras_stargan.data.readers.tfds_reader",
        "load_attributes_csv": "keras_stargan.data.readers.attributes_csv",
        "load_avatars": "keras_stargan.data.drawn.avatars",
        "load_celeba": "keras_stargan.data.readers.celeba",
        "load_creatures": "keras_stargan.data.drawn.creatures",
        "load_folders": "keras_stargan.data.readers.folders",
        "load_pairs": "keras_stargan.data.readers.pairs",
        "load_rafd": "keras_stargan.data.readers.rafd",
        "load_shards": "keras_stargan.data.readers.shards",
        "load_tfds": "keras_stargan.data.readers.tfds_reader",
        "paired_dataset": "keras_stargan.data.batches.paired",
        "reference_dataset": "keras_stargan.data.batches.references",
        "training_dataset": "keras_stargan.data.batches.pipeline",
        "unpaired_dataset": "keras_stargan.data.batches.unpaired",
        "write_shards": "keras_stargan.data.shard_writing",
    },
)

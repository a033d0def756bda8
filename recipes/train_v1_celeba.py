"""Trains StarGAN on attributes: CelebA's, or those of a CSV file of your own.

With --data_dir it reads CelebA: its pictures and list_attr_celeba.txt; with --csv any
table of files and attributes; with --tfds_name=celeb_a the set that TensorFlow
Datasets has prepared. The defaults are then the paper's. Without, it draws avatars with
five attributes, and the defaults are small enough for two cores and no GPU.
"""

import training  # isort: skip

import v1_training
from absl import flags

flags.DEFINE_string(
    "data_dir", None, "CelebA: a folder with its pictures and list_attr_celeba.txt."
)
flags.DEFINE_string(
    "csv", None, "A CSV file: a picture's file, then a column of 0 or 1 per attribute."
)
flags.DEFINE_string("tfds_name", None, "A set prepared by TensorFlow Datasets.")
flags.mark_flags_as_mutual_exclusive(["data_dir", "csv", "tfds_name"])
flags.DEFINE_list(
    "attributes",
    None,
    "Which attributes. Default: Black_Hair,Blond_Hair,Brown_Hair,Male,Young of CelebA, "
    "all of a CSV file.",
)
flags.DEFINE_integer(
    "test_images", 2000, "Pictures of CelebA that are held out.", lower_bound=1
)

KINDS = {"data_dir": "celeba", "csv": "csv", "tfds_name": "tfds"}

RECIPE = training.Recipe(
    v1_training.METHOD,
    work_dir="runs/v1_celeba",
    sources=lambda: (training.named_data(KINDS, "avatars:attributes"), []),
    published={"epochs": 20},
)
training.define_flags(RECIPE)

if __name__ == "__main__":
    training.run(RECIPE)

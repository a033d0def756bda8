"""Trains StarGAN on one label an image: RaFD's expressions, or folders of your own.

With --data_dir it reads the Radboud Faces Database, its files as they are handed out
(Rafd090_01_Caucasian_female_angry_frontal.jpg) or one folder for each expression;
with --folders any pictures in a folder for each domain. The defaults are then the
paper's. Without, it draws avatars with RaFD's eight expressions, and the defaults are
small enough for two cores and no GPU.
"""

import training  # isort: skip

import v1_training
from absl import flags

flags.DEFINE_string(
    "data_dir", None, "RaFD: a folder with its pictures, or one for each expression."
)
flags.DEFINE_string("folders", None, "A folder with a folder of pictures per domain.")
flags.DEFINE_string("tfds_name", None, "A set prepared by TensorFlow Datasets.")
flags.mark_flags_as_mutual_exclusive(["data_dir", "folders", "tfds_name"])

KINDS = {"data_dir": "rafd", "folders": "folders", "tfds_name": "tfds"}

RECIPE = training.Recipe(
    v1_training.METHOD,
    work_dir="runs/v1_rafd",
    sources=lambda: (training.named_data(KINDS, "avatars:expressions"), []),
    published={"epochs": 200, "save_every": 10},
)
training.define_flags(RECIPE)

if __name__ == "__main__":
    training.run(RECIPE)

"""Trains StarGAN v2 on AFHQ's animals, or on folders of your own pictures.

With --data_dir it reads AFHQ: train/cat, train/dog, train/wild and the same in val/ (or
test/); with --folders any pictures in a folder for each domain, which are split, or in
such a train/ and val/. The defaults are then the published ones. Without, it draws
creatures of three kinds, and the defaults are small enough for two cores and no GPU.
"""

import training  # isort: skip

import v2_training
from absl import flags

flags.DEFINE_string("data_dir", None, "AFHQ: a folder with train/ and val/.")
flags.DEFINE_string("folders", None, "A folder with a folder of pictures per domain.")
flags.DEFINE_string("tfds_name", None, "A set prepared by TensorFlow Datasets.")
flags.mark_flags_as_mutual_exclusive(["data_dir", "folders", "tfds_name"])
flags.DEFINE_string("fan", None, "wing.ckpt of the published code, for --w_hpf.")

KINDS = {"data_dir": "folders", "folders": "folders", "tfds_name": "tfds"}

RECIPE = training.Recipe(
    v2_training.METHOD,
    work_dir="runs/v2_afhq",
    sources=lambda: (training.named_data(KINDS, "creatures:species"), []),
    published={"lambda_ds": 2.0},
    small={"lambda_ds": 2.0},
)
training.define_flags(RECIPE)

if __name__ == "__main__":
    training.run(RECIPE)

"""Trains StarGAN v2 on CelebA-HQ's women and men.

With --data_dir it reads CelebA-HQ: train/female, train/male and the same in val/, faces
aligned, and needs the landmarks of --fan for the high-pass filter (or --w_hpf=0). The
defaults are then the published ones. Without, it draws faces of two kinds, without the
filter, and the defaults are small enough for two cores and no GPU.
"""

import training  # isort: skip

import v2_training
from absl import flags

flags.DEFINE_string("data_dir", None, "CelebA-HQ: a folder with train/ and val/.")
flags.DEFINE_string("tfds_name", None, "A set prepared by TensorFlow Datasets.")
flags.mark_flags_as_mutual_exclusive(["data_dir", "tfds_name"])
flags.DEFINE_string("fan", None, "wing.ckpt of the published code, for --w_hpf.")

KINDS = {"data_dir": "folders", "tfds_name": "tfds"}

RECIPE = training.Recipe(
    v2_training.METHOD,
    work_dir="runs/v2_celeba_hq",
    sources=lambda: (training.named_data(KINDS, "creatures:faces"), []),
    published={"w_hpf": 1.0},
    # With 1 or 2, latents give hardly more than one face after so few steps.
    small={"lambda_ds": 5.0},
)
training.define_flags(RECIPE)

if __name__ == "__main__":
    training.run(RECIPE)

"""Trains StarGAN v2 on CelebA-HQ's women and men.

With --data_dir it reads CelebA-HQ: train/female, train/male and the same in val/, faces
aligned, and needs the landmarks of --fan for the high-pass filter (or --w_hpf=0). The
defaults are then the published ones. Without data it draws faces of two kinds, without
the filter, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

CELEBA_HQ = Source("creatures:faces", {"data_dir": "folders", "tfds_name": "tfds"})
main = Recipe(
    "stargan_v2",
    "runs/v2_celeba_hq",
    {"CelebA-HQ": CELEBA_HQ},
    published={"w_hpf": 1.0},
    # With 1 or 2, latents give hardly more than one face after so few steps.
    small={"lambda_ds": 5.0},
).command("python recipes/train_v2_celeba_hq.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Trains StarGAN v2 on AFHQ's animals, or on folders of your own pictures.

With --data_dir it reads AFHQ: train/cat, train/dog, train/wild and the same in val/ (or
test/); with --folders any pictures in a folder for each domain, which are split, or in
such a train/ and val/. The defaults are then the published ones. Without data it draws
creatures of three kinds, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

AFHQ = Source(
    "creatures:species",
    {"data_dir": "folders", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe(
    "stargan_v2",
    "runs/v2_afhq",
    {"AFHQ": AFHQ},
    published={"lambda_ds": 2.0},
    small={"lambda_ds": 2.0},
).command("python recipes/train_v2_afhq.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

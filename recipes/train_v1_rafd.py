"""Trains StarGAN on one label an image: RaFD's expressions, or your own folders.

With --data_dir it reads the Radboud Faces Database, its files as they are handed out
(Rafd090_01_Caucasian_female_angry_frontal.jpg) or in a folder for each expression;
with --folders any pictures in a folder for each domain. The defaults are then the
paper's. Without data it draws avatars with RaFD's eight expressions, and the defaults
are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

RAFD = Source(
    "avatars:expressions",
    {"data_dir": "rafd", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe(
    "stargan",
    "runs/v1_rafd",
    {"RaFD": RAFD},
    published={"epochs": 200, "save_every": 10},
).command("python recipes/train_v1_rafd.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Trains StarGAN on attributes: CelebA's, or those of your own CSV file.

With --data_dir it reads CelebA: its pictures and list_attr_celeba.txt; with --csv any
table of files and attributes; with --tfds_name=celeb_a the set that TensorFlow
Datasets has prepared. The defaults are then the paper's. Without data it draws avatars
with five attributes, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

CELEBA = Source(
    "avatars:attributes", {"data_dir": "celeba", "csv": "csv", "tfds_name": "tfds"}
)
main = Recipe(
    "stargan", "runs/v1_celeba", {"CelebA": CELEBA}, published={"epochs": 20}
).command("python recipes/train_v1_celeba.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

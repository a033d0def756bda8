"""Trains IcGAN on attributes: CelebA's, or those of your own CSV file.

It is the method that StarGAN's paper compares with at 128x128: a GAN conditioned on
attributes, then encoders that invert it. With --data_dir it reads CelebA: its pictures
and list_attr_celeba.txt; with --csv any table of files and attributes; with
--tfds_name=celeb_a the set that TensorFlow Datasets has prepared. Without data it draws
avatars, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

FLAGS = {"data_dir": "celeba", "csv": "csv", "tfds_name": "tfds"}
CELEBA = Source("avatars:attributes", FLAGS)
main = Recipe("icgan", "runs/icgan", {"CelebA": CELEBA}).command(
    "python recipes/train_icgan.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

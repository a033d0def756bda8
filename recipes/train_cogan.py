"""Trains CoGAN, generators of pairs of images, on folders of your own pictures.

With --data_dir or --folders it reads any pictures in a folder for each of the two
domains, which are split, or in such a train/ and val/ (or test/). The defaults are then
the paper's for digits of 28 px. Without data it draws faces with blond and with other
hair, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

FACES = Source(
    "avatars:attributes",
    {"data_dir": "folders", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe("cogan", "runs/cogan", {"faces": FACES}).command(
    "python recipes/train_cogan.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

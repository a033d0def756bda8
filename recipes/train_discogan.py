"""Trains DiscoGAN, a model of two domains, on folders of your own pictures.

With --data_dir or --folders it reads any pictures in a folder for each of the two
domains, which are split, or in such a train/ and val/ (or test/). The defaults are then
the paper's. Without data it draws faces of two kinds, and the defaults are small enough
for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

FACES = Source(
    "creatures:faces",
    {"data_dir": "folders", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe("discogan", "runs/discogan", {"faces": FACES}).command(
    "python recipes/train_discogan.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Trains pix2pix, a model of one direction, on pairs of your own pictures.

With --data_dir it reads pairs of pictures: a folder of pictures that show A on the left
and B on the right, or two folders of equal file names; also in train/ and val/ (or
test/). The defaults are then the paper's, and --select=B,A turns the direction around.
Without data it draws people who are calm and happy, and the defaults are small enough
for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

PEOPLE = Source("avatars:expressions", {"data_dir": "pairs"})
main = Recipe("pix2pix", "runs/pix2pix", {"people": PEOPLE}).command(
    "python recipes/train_pix2pix.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

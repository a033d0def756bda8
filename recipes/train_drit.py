"""Trains DRIT, a model of two domains with many translations, on folders of pictures.

With --data_dir or --folders it reads any pictures in a folder for each of the two
domains, which are split, or in such a train/ and val/ (or test/). The defaults are then
those of the published code; where shapes change, as between cats and dogs, give
--form=transform. Without data it draws faces of two kinds, and the defaults are small
enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

FACES = Source(
    "creatures:faces",
    {"data_dir": "folders", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe("drit", "runs/drit", {"faces": FACES}).command(
    "python recipes/train_drit.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Trains DIAT, a model that translates one domain to another, on the RaFD or CelebA.

With --data_dir it reads faces from the folders of your data set; --select=neutral,happy
names the source and the target domain, and --identity the network whose features keep
the person. The defaults are then those of StarGAN's paper. Without data it draws faces
and makes them smile, and the defaults are small enough for two cores and no GPU.
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

FACES = Source(
    "avatars:expressions",
    {"data_dir": "rafd", "folders": "folders", "tfds_name": "tfds"},
)
main = Recipe("diat", "runs/diat", {"faces": FACES}).command(
    "python recipes/train_diat.py", __doc__
)

if __name__ == "__main__":
    sys.exit(program.run(main))

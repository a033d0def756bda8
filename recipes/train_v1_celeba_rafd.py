"""Trains one StarGAN on attributes and expressions at once, by the mask vector.

No data set has both labels, yet afterwards either can be changed on the pictures of
both (the paper's section 3.2). With --celeba_dir and --rafd_dir it reads CelebA and
RaFD, and the defaults are the published ones. Without data it draws avatars in two
styles: attributes in one, expressions in the other; the defaults are small enough for
two cores and no GPU.

--train_on=RaFD trains on the expressions alone, for comparison: figures.json says how
well expressions show on the pictures that never had any, there and here. With both,
it also says what the wrong mask does (the paper's section 5.5).
"""

import sys

from keras_stargan.cli import program
from keras_stargan.cli.train import Recipe, Source

CELEBA = Source("avatars:attributes", {"celeba_dir": "celeba"})
RAFD = Source("avatars:other_expressions", {"rafd_dir": "rafd"})
NEVER_TRAINED_ON = Source("avatars:expressions", {"celeba_dir": "celeba"})
main = Recipe(
    "stargan",
    "runs/v1_celeba_rafd",
    {"CelebA": CELEBA, "RaFD": RAFD},
    NEVER_TRAINED_ON,
    published={"steps_each": 200_000, "steps_per_epoch": 2000, "save_every": 5},
    small={"steps_each": 6000},
).command("python recipes/train_v1_celeba_rafd.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

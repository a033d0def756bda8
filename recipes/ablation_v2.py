"""Trains configurations A to F of StarGAN v2's ablation (table 1).

--help explains it.
"""

import sys

from keras_stargan.cli import ablation, program
from keras_stargan.cli.train import Recipe, Source

FACES = Source("creatures:faces", {"data_dir": "folders", "tfds_name": "tfds"})
main = ablation.command(
    Recipe(
        "stargan_v2",
        "runs/ablation_v2",
        {"CelebA-HQ": FACES},
        # Six runs, each for a quarter of an hour at most.
        small={"steps": 800, "ds_iter": 800, "lambda_ds": 5.0},
    ),
    "python recipes/ablation_v2.py",
)

if __name__ == "__main__":
    sys.exit(program.run(main))

r"""Trains configurations A to F of the ablation of StarGAN v2 (table 1).

    python recipes/ablation_v2.py --data_dir=celeba_hq --inception=inception_v3.pth \
        --lpips=alexnet.pth
    python recipes/ablation_v2.py --configurations=C,F    # no data: drawn faces

All configurations see the same pictures for as many steps. Each is a run of its own in
--output_dir, and goes on where it was if the program is started again. The table is
table.md, with the published figures beside ours, and keeps what it had of others.
"""

import sys

from keras_stargan.cli import compare, program
from keras_stargan.cli.train import Recipe, Source
from keras_stargan.methods.stargan_v2.published import ABLATION

FACES = Source("creatures:faces", {"data_dir": "folders", "tfds_name": "tfds"})
# Six runs, each for a quarter of an hour at most.
SMALL = {"steps": 800, "ds_iter": 800, "lambda_ds": 5.0}
recipe = Recipe("stargan_v2", "runs/ablation_v2", {"CelebA-HQ": FACES}, small=SMALL)
main = compare.command(recipe, ABLATION, "python recipes/ablation_v2.py", __doc__)

if __name__ == "__main__":
    sys.exit(program.run(main))

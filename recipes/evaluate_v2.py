"""Evaluates a StarGAN v2 as its paper does: FID, KID and LPIPS.

The same as `keras-stargan evaluate --by=diversity`; --help explains it.
"""

import sys

from keras_stargan.cli import evaluate, program

main = evaluate.of_diversity("python recipes/evaluate_v2.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

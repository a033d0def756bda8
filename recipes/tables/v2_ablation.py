"""Makes StarGAN v2's table 1: what each of its parts contributes.

The same as `keras-stargan table v2-ablation`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v2-ablation", "python recipes/tables/v2_ablation.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

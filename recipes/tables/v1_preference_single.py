"""Makes StarGAN's table 1: preferences among translations of one attribute.

The same as `keras-stargan table v1-preference-single`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v1-preference-single", "python recipes/tables/v1_preference_single.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Makes StarGAN's table 2: preferences among translations of several attributes.

The same as `keras-stargan table v1-preference-multi`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v1-preference-multi", "python recipes/tables/v1_preference_multi.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

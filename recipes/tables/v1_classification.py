"""Makes StarGAN's table 3: classification errors of translated expressions.

The same as `keras-stargan table v1-classification`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v1-classification", "python recipes/tables/v1_classification.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Makes StarGAN v2's table 3: realism and diversity by reference images.

The same as `keras-stargan table v2-reference`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v2-reference", "python recipes/tables/v2_reference.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Makes StarGAN v2's table 2: realism and diversity by latent codes.

The same as `keras-stargan table v2-latent`; --help explains it.
"""

import sys

from keras_stargan.cli import program, table

main = table.of("v2-latent", "python recipes/tables/v2_latent.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

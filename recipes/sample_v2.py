"""Shows what a StarGAN v2 does: grids of translations, and videos.

The same as `keras-stargan sample`; --help explains it.
"""

import sys

from keras_stargan.cli import program, sample

main = sample.COMMAND.named("python recipes/sample_v2.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

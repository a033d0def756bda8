"""Aligns faces in pictures, as StarGAN v2's faces are: upright, one place, one size.

The same as `keras-stargan align`; --help explains it.
"""

import sys

from keras_stargan.cli import align, program

main = align.COMMAND.named("python recipes/align_faces.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

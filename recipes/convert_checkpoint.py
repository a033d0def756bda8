"""Converts trained models: from and to checkpoints of the published PyTorch codes.

The same as `keras-stargan convert`; --help explains it.
"""

import sys

from keras_stargan.cli import convert, program

main = convert.COMMAND.named("python recipes/convert_checkpoint.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

"""Translates pictures with a trained StarGAN: files, folders or globs.

The same as `keras-stargan translate`; --help explains it.
"""

import sys

from keras_stargan.cli import program, translate

main = translate.COMMAND.named("python recipes/translate.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

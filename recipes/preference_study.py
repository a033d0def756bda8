"""Asks people which method's translations they prefer, on a page in the browser.

The same as `keras-stargan study`; --help explains it.
"""

import sys

from keras_stargan.cli import program, study

main = study.COMMAND.named("python recipes/preference_study.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

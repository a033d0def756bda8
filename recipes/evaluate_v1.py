"""Evaluates trained StarGANs as the paper does (section 5): a ResNet-18 judges.

The same as `keras-stargan evaluate --by=labels`; --help explains it.
"""

import sys

from keras_stargan.cli import evaluate, program

main = evaluate.of_labels("python recipes/evaluate_v1.py")

if __name__ == "__main__":
    sys.exit(program.run(main))

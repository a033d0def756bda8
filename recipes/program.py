"""What all recipes begin and end with; imported before TensorFlow."""

import os
import sys
from collections.abc import Callable

# oneDNN's convolutions are faster than TensorFlow's own, also on CPUs for which it is
# off by default (benchmarks/README.md).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from absl import app


def run(main: Callable[[list[str]], None]) -> None:
    """`main` as a program, with what a person can mend said plainly."""

    def guarded(argv: list[str]) -> None:
        try:
            main(argv)
        except (ValueError, OSError, ImportError, FloatingPointError) as error:
            sys.exit(f"Error: {error}")
        except KeyboardInterrupt:
            sys.exit(130)

    app.run(guarded)


def refuse_arguments(argv: list[str]) -> None:
    """Raises `ValueError` if there is anything but flags."""
    if argv[1:]:
        raise ValueError(f"Not a flag: {' '.join(argv[1:])}. See --help.")

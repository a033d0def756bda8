"""What every program begins and ends with."""

import os
import sys
from collections.abc import Callable, Sequence


def run(
    command: Callable[[Sequence[str]], None], arguments: Sequence[str] | None = None
) -> int:
    """Runs a command as a program: what a person can mend is said without a traceback.

    Args:
        command: takes the command line; imports TensorFlow only when that is right.
        arguments: the command line; by default that of the process.

    Returns:
        The exit status: 0, 1 after an error, 130 if interrupted.
    """
    # oneDNN's convolutions are faster than TensorFlow's own, also on CPUs where they
    # are off by default (benchmarks/README.md). TensorFlow reads this when imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # Of a gs:// file, TensorFlow would read 64 MB for each streamed picture.
    os.environ.setdefault("GCS_READAHEAD_BUFFER_SIZE_BYTES", str(2**19))
    try:
        command(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads the output has seen enough (`| head`); Python would complain when it
        # closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError, FloatingPointError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0

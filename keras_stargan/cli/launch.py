"""Starts several workers on this machine, which train one model together.

    keras-stargan launch --workers=2 -- train stargan --data=pictures
    keras-stargan launch --workers=2 --restarts=3 -- train --config=run.toml \
--output_dir=runs/mine
    keras-stargan launch --workers=2 -- python my_training.py

A worker is a process. All run the command after --, and get the environment variable
TF_CONFIG, which says who the others are; `train` also gets --strategy=multiworker. They
share the GPUs of this machine, or, without GPUs, its CPU cores. A line of output begins
with the number of its worker; worker 0 is the one that writes the run's folder.

If a worker fails, the others are ended, and the exit status is the failed worker's.
With --restarts, all are then started again and go on from the last checkpoint. Ctrl-C
and SIGTERM are passed on: the workers stop after the same step, with a checkpoint.

For workers on several machines, set TF_CONFIG yourself: docs/several_machines.md.
"""

import sys
from collections.abc import Sequence

from keras_stargan.cli.command import Command, Flags
from keras_stargan.experiments.launch import launch

# What starts this command line in another process.
_PROGRAM = "import sys; from keras_stargan.cli.main import main; sys.exit(main())"


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.integer("workers", 2, "How many workers to start.", least=1)
    flags.integer(
        "restarts",
        0,
        "How often all workers are started again after one has failed. Needs "
        "--output_dir in the command, which must know --resume.",
        least=0,
    )


def run(flags: Flags, inputs: Sequence[str]) -> None:
    """Starts the workers and waits for them."""
    if not inputs:
        raise ValueError("Say after -- what the workers run, such as -- train stargan.")
    name, *arguments = inputs
    work_dir = _work_dir(arguments)
    if flags.restarts and work_dir is None:
        raise ValueError(
            "--restarts looks into the run's folder to see whether there is something "
            "to go on with: give the command its --output_dir."
        )
    command = list(inputs)
    if name == "train":
        strategy = "--strategy=multiworker"
        command = [sys.executable, "-c", _PROGRAM, "train", *arguments, strategy]
    elif name == "python":
        command[0] = sys.executable
    status = launch(command, flags.workers, flags.restarts, work_dir)
    if status:
        sys.exit(status)


def _work_dir(arguments: Sequence[str]) -> str | None:
    """The run's folder in the command that the workers run."""
    flags = Flags()
    flags.string("output_dir", None, "")
    flags.alias("output", "output_dir")
    flags.alias("work_dir", "output_dir")
    flags.parse(arguments, known_only=True)
    return flags.output_dir


COMMAND = Command(
    "keras-stargan launch", __doc__, define, run, "-- COMMAND [arguments]"
)

"""A long run of a tiny model: memory, open files and threads must not grow.

    cd tests && python -m campaigns.long_run --number=200000 --output=../runs/long_run

trains StarGAN as `keras-stargan train` does, with checkpoints, TensorBoard and
`history.csv`, for so many steps. At the end of each epoch of 1,000 steps it adds a row
to `resources.csv` in the output folder. Interrupted, it goes on where it was when it
is called again. It ends with a summary in `long_run.json`, and with the exit status 1
if one of the limits below was exceeded.

`--leak_mb=1` keeps one more megabyte every 1,000 steps, to show that the campaign
notices it. Linux only, since it reads /proc.
"""

import argparse
import contextlib
import csv
import os
import pathlib
import sys
import time

import numpy as np

# Per 1,000 steps. A leak of 1 MB is ten times as much as the first limit.
MOST_MEGABYTES, MOST_OTHERS = 0.1, 0.05
# A process needs so many epochs until its buffers have their final size.
WARMUP = 10
FIELDS = ("process", "step", "seconds", "megabytes", "files", "threads")


def resources() -> dict[str, float]:
    """What this process holds: resident memory in MB, open files, threads."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return {
        "megabytes": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        "files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


def growth(
    rows: list[dict[str, float]], field: str, warmup: int = WARMUP
) -> float | None:
    """How much a field grows in 1,000 steps: the slope of a straight line.

    A run that was resumed consists of several processes, each of which starts with
    other resources. So the line has one slope, and a height for each process.

    Args:
        rows: with `process`, `step`, and the field.
        field: the field's name.
        warmup: how many rows of each process are left out.

    Returns:
        The slope, or None if there are too few rows.
    """
    steps, values = [], []
    for process in dict.fromkeys(row["process"] for row in rows):
        own = [row for row in rows if row["process"] == process][warmup:]
        if own:
            each = np.array([[row["step"] / 1000, row[field]] for row in own])
            x, y = (each - each.mean(axis=0)).T
            steps, values = [*steps, *x], [*values, *y]
    x, y = np.array(steps), np.array(values)
    return float(x @ y / (x @ x)) if x.any() else None


def verdict(rows: list[dict[str, float]], warmup: int = WARMUP) -> dict:
    """The growth of each resource in 1,000 steps, and whether all are in their limits.

    Args:
        rows: of `resources.csv`.
        warmup: as for `growth`.
    """
    found = {
        name: growth(rows, name, warmup) for name in ("megabytes", "files", "threads")
    }
    limits = {
        "megabytes": MOST_MEGABYTES,
        "files": MOST_OTHERS,
        "threads": MOST_OTHERS,
    }
    # Written so that a growth that is not known is not within the limits.
    within = all(
        slope is not None and slope <= limits[name] for name, slope in found.items()
    )
    return {"growth_per_1000_steps": found, "limits": limits, "flat": within}


def read_rows(path: pathlib.Path) -> list[dict[str, float]]:
    """The rows of `resources.csv`; none if there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def run(
    output: pathlib.Path,
    number: int,
    seed: int = 0,
    steps_per_epoch: int = 1000,
    leak_mb: float = 0.0,
    stop_after: float = float("inf"),
) -> list[dict[str, float]]:
    """Trains up to a step, from where the output folder is; gives all rows.

    Args:
        output: the folder.
        number: steps in all.
        seed: of the weights, the pictures and the run.
        steps_per_epoch: steps between two rows.
        leak_mb: memory that is lost on purpose in each epoch, in MB.
        stop_after: seconds after which the process stops as by Ctrl-C.
    """
    import keras
    import tensorflow as tf

    import keras_stargan
    from keras_stargan.data import ImageSet
    from keras_stargan.data.batches import BATCHES
    from keras_stargan.labels import LabelSet
    from keras_stargan.training import runs

    # The operations are too small to be shared by threads.
    with contextlib.suppress(RuntimeError):  # TensorFlow has begun, as in the tests.
        tf.config.threading.set_intra_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    label_set = LabelSet(("red", "green"))
    model = keras_stargan.StarGAN(
        image_size=8,
        labels=label_set,
        conv_dim=2,
        num_residual_blocks=1,
        num_discriminator_layers=2,
        seed=seed,
    )
    model.compile()
    rng = np.random.default_rng(seed)
    image_set = ImageSet(
        rng.integers(0, 256, (16, 8, 8, 3), "uint8"),
        np.tile(np.eye(2, dtype="uint8"), (8, 1)),
        label_set,
        np.arange(16),
    )
    path = output / "resources.csv"
    rows = read_rows(path)
    process = 1 + max((row["process"] for row in rows), default=0)
    start, lost = time.monotonic(), []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            lost.append(np.ones(int(leak_mb * 1e6), "uint8"))
            seconds = time.monotonic() - start
            row = {"process": process, "step": self.model.global_step}
            row |= {"seconds": round(seconds, 1)} | resources()
            rows.append(row)
            is_new = not path.exists()
            with path.open("a", newline="") as file:
                writer = csv.DictWriter(file, FIELDS)
                if is_new:
                    writer.writeheader()
                writer.writerow(row)
            if seconds > stop_after:
                raise KeyboardInterrupt

    output.mkdir(parents=True, exist_ok=True)
    runs.train(
        model,
        lambda step: BATCHES[model.batches]([image_set], 2, seed=seed, first_step=step),
        total_steps=number,
        steps_per_epoch=steps_per_epoch,
        work_dir=output,
        settings={"number": number, "seed": seed},
        callbacks=[Watch()],
        checkpoint_every=10,
        resume=True,
    )
    return rows


def main() -> None:
    """Runs the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=200_000, help="Steps in all.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument(
        "--leak_mb", type=float, default=0.0, help="MB to lose every 1,000 steps."
    )
    parser.add_argument(
        "--stop_after", type=float, default=float("inf"), help="Seconds."
    )
    flags = parser.parse_args()
    try:
        run(
            flags.output,
            flags.number,
            flags.seed,
            leak_mb=flags.leak_mb,
            stop_after=flags.stop_after,
        )
    except KeyboardInterrupt:
        print("Stopped; the same command goes on.")
    from keras_stargan.files.whole import write_json

    rows = read_rows(flags.output / "resources.csv")
    result = {"steps": rows[-1]["step"] if rows else 0, **verdict(rows)}
    write_json(flags.output / "long_run.json", result)
    print(result)
    sys.exit(not result["flat"])


if __name__ == "__main__":
    main()

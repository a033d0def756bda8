"""One of several workers, which `test_workers.py` starts and whose results it reads.

python worker_program.py FOLDER WORKERS
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import numpy as np
import tensorflow as tf

from keras_stargan.data import ImageSet
from keras_stargan.data.batches import BATCHES
from keras_stargan.methods import registry
from keras_stargan.training.checkpoints import restore_checkpoint, save_checkpoint
from keras_stargan.training.strategies import make_strategy
from keras_stargan.training.workers import (
    all_together,
    any_worker,
    check_agreement,
    distribute,
    worker_of,
)

# Images in a batch, and steps. Two and four workers share none of them evenly, and of
# four workers one gets nothing of three images.
CASES = {"stargan": (3, 2), "stargan_v2": (5, 1), "cyclegan": (5, 2), "icgan": (3, 2)}


def make_model(name):
    """A tiny model, in float64: a difference is an error instead of a rounding."""
    keras.utils.set_random_seed(0)
    make = registry.load(name)
    model = make(**registry.published(name).TINY, dtype="float64")
    # To trace the others' graphs would take longer than the steps.
    model.compile(run_eagerly=name != "stargan")
    return model


def batches_of(model, name, part=(0, 1)):
    """The batches that the method is trained on, from the present step on."""
    rng, size, image_sets = np.random.default_rng(0), model.image_size, []
    for label_set in model.labels.sets:
        labels = np.tile(np.eye(len(label_set)), (4, 1))
        images = rng.integers(0, 256, (len(labels), size, size, 3), "uint8")
        subjects = np.arange(len(labels))
        image_sets.append(ImageSet(images, labels, label_set, subjects))
    first, options = model.global_step, {"part": part}
    return BATCHES[model.batches](image_sets, CASES[name][0], 0, first, **options)


def train(model, name):
    """Trains on whole batches."""
    history = model.fit(
        batches_of(model, name), steps_per_epoch=CASES[name][1], verbose=0
    )
    return {key: values[0] for key, values in history.history.items()}


def values_of(model, logs):
    """What a training leaves: weights and mean losses."""
    return [*model.get_weights(), *(logs[key] for key in sorted(logs))]


def errors_of(strategy, worker):
    """What every worker is told where they do not agree, or one of them fails."""
    errors = []
    for check in (
        lambda: check_agreement(strategy, "step", 10 * worker.index),
        lambda: fail_in_last(strategy, worker),
    ):
        try:
            check()
        except (ValueError, RuntimeError) as error:
            errors.append(str(error))
    return errors


def fail_in_last(strategy, worker):
    with all_together(strategy, "read its file"):
        if worker.index == worker.count - 1:
            raise ValueError("There is no such file.")


def main(folder, workers):
    strategy = make_strategy("multiworker")
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    worker = worker_of(strategy)
    assert worker.count == workers
    names = list(CASES) if workers == 2 else ["stargan"]
    for name in names:
        with strategy.scope():
            model = make_model(name)
        if workers != 2:  # Goes on where the two workers were.
            restore_checkpoint(model, folder)
            assert model.global_step == CASES[name][1]
        if name == "cyclegan":  # As a run does it.
            part = batches_of(model, name, (worker.index, worker.count))
            dataset = distribute(strategy, part, is_part=True)
            logs = model.fit(dataset, steps_per_epoch=CASES[name][1], verbose=0).history
            logs = {key: values[0] for key, values in logs.items()}
        else:
            logs = train(model, name)
        values = values_of(model, logs)
        np.savez(folder / f"{name}-{worker.index}-of-{workers}.npz", *values)
        if workers == 2 and name == "stargan" and worker.is_chief:
            save_checkpoint(model, folder)
    found = {
        "errors": errors_of(strategy, worker),
        "any": [
            any_worker(strategy, worker.index == 1),
            any_worker(strategy, False),
        ],
    }
    (folder / f"found-{worker.index}-of-{workers}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), int(sys.argv[2]))

"""A run: a folder in which training can be interrupted and goes on where it was."""

import os
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import SETTINGS_FILE
from keras_stargan.training.callbacks import (
    Checkpoints,
    HistoryFile,
    Interruption,
    ProgressBar,
    StopOnNaN,
    TensorBoard,
)
from keras_stargan.training.checkpoints import restore_checkpoint, save_checkpoint
from keras_stargan.training.engine import AdversarialModel
from keras_stargan.training.updates import num_rows
from keras_stargan.training.workers import (
    all_together,
    check_agreement,
    copy_from_chief,
    distribute,
    worker_of,
)


def train(
    model: AdversarialModel,
    make_dataset: Callable[[int], tf.data.Dataset],
    total_steps: int,
    steps_per_epoch: int,
    work_dir: str | os.PathLike,
    settings: dict,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    checkpoint_every: int = 1,
    resume: bool = False,
    begin: Callable[[], None] | None = None,
    data_fault: Callable[[], Exception | None] = lambda: None,
) -> None:
    """Trains by `fit` up to a step, or from the last checkpoint up to it.

    Leaves checkpoints in `work_dir/checkpoints`, TensorBoard's files in `logs`
    and the losses of each epoch in `history.csv`. When interrupted (Ctrl-C), or when
    the next batch cannot be read, it saves a checkpoint of that very step first.

    Several workers call it alike, with one folder that all of them can read. The first
    of them, the chief, writes it. Before the first step they compare their settings and
    the step that each restored.

    Args:
        model: compiled.
        make_dataset: gives the batches from a given step on, so that a resumed
            run sees what an unbroken one would have seen. Of several workers, each
            gives its own rows of them (`keras_stargan.cluster.share`).
        total_steps: where training ends.
        steps_per_epoch: steps between two lines of the progress bar.
        work_dir: the run's folder.
        settings: of the run, kept in the folder as `settings.json`.
        callbacks: more of them. Those that write belong to the chief alone.
        checkpoint_every: in epochs.
        resume: whether to begin from the last checkpoint.
        begin: called before the first step, unless a checkpoint was restored. The
            weights of frozen networks that it leaves are those of the chief.
        data_fault: tells why a batch could not be made; None if it is not known.

    Raises:
        KeyboardInterrupt: after saving, if interrupted.
        ConnectionError: if another worker stopped.
        ValueError: if the checkpoints are of a model with other settings, or the
            workers do not agree.
        FloatingPointError: if a loss is no longer a number.
        Exception: what `data_fault` says, after saving, if a batch cannot be made.
    """
    work_dir = pathlib.Path(work_dir)
    checkpoints = work_dir / "checkpoints"
    strategy = model.distribute_strategy
    worker = worker_of(strategy)
    with all_together(strategy, "restore a checkpoint"):
        restored = resume and restore_checkpoint(
            model, checkpoints, tidy=worker.is_chief
        )
    check_agreement(strategy, "step", model.global_step)
    if resume and worker.is_chief:
        print(
            f"Resumed at step {model.global_step} of {total_steps}."
            if restored
            else f"There is no checkpoint in {checkpoints} yet; starting at step 0."
        )
    if worker.is_chief:
        write_json(work_dir / SETTINGS_FILE, settings)
    if begin is not None and not restored:
        begin()
        copy_from_chief(strategy, model.frozen_weights)
    with Interruption(strategy) as interruption:
        # Those of the chief, with the history before the checkpoint, since a row too
        # many is dropped on resuming.
        writing = [
            HistoryFile(work_dir / "history.csv"),
            Checkpoints(checkpoints, checkpoint_every),
            TensorBoard(work_dir / "logs", write_graph=False),
        ]
        callbacks = [
            *([ProgressBar()] if worker.is_chief else []),
            StopOnNaN(),
            *callbacks,
            *(writing if worker.is_chief else []),
            interruption,
        ]
        try:
            while (step := model.global_step) < total_steps:
                interruption.raise_if_requested()
                epoch, done = divmod(step, steps_per_epoch)
                left = total_steps - step
                # Whole epochs at once; what is left of a broken one, or of the
                # last, by itself.
                whole = left >= steps_per_epoch and not done
                dataset = make_dataset(step)
                if worker.count > 1:
                    # `fit` does not look into what is distributed.
                    with all_together(strategy, "use the training data"):
                        _check(model, next(iter(dataset)))
                    dataset = distribute(strategy, dataset, is_part=True)
                model.fit(
                    dataset,
                    initial_epoch=epoch,
                    epochs=epoch + (left // steps_per_epoch if whole else 1),
                    steps_per_epoch=steps_per_epoch
                    if whole
                    else min(steps_per_epoch - done, left),
                    callbacks=callbacks,
                    verbose=0,
                )
            interruption.raise_if_requested()
        except KeyboardInterrupt:
            if worker.is_chief:
                path = save_checkpoint(model, checkpoints)
                print(f"Interrupted at step {model.global_step}; saved {path}.")
                print("Go on with --resume.")
            raise
        except tf.errors.OpError as error:
            # Batches are made outside of the steps, so this step has not begun.
            if fault := data_fault():
                if worker.is_chief:
                    path = save_checkpoint(model, checkpoints)
                    print(f"Stopped at step {model.global_step}; saved {path}.")
                    print("When the data are mended, go on with --resume.")
                raise fault from error
            if worker.count > 1 and isinstance(error, tf.errors.UnavailableError):
                raise ConnectionError(
                    "Another worker has stopped, and training cannot go on without "
                    "it. Start all workers again with --resume: they go on from the "
                    "last checkpoint."
                ) from error
            raise


def _check(model: AdversarialModel, part: Any) -> None:
    """Raises `ValueError` if a worker's rows of a batch cannot be used."""
    batch = model.named_batch(part)
    if num_rows(batch):
        model.check_batch(batch)

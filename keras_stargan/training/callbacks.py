"""Callbacks that follow from the global step, so that a resumed run goes on alike."""

import csv
import math
import os
import pathlib
import shutil
import signal
import sys
import threading
import types
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_stargan.files.whole import write_text
from keras_stargan.images import save_png
from keras_stargan.training.checkpoints import save_checkpoint
from keras_stargan.training.workers import any_worker


class LearningRateSchedule(keras.callbacks.Callback):
    """Follows a method's published schedule of learning rates.

    Args:
        model: the compiled model, with the learning rates of the start. Its
            `learning_rate_factor` says what they are multiplied by at each step.
        total_steps: the length of training.
        steps_per_epoch: steps in one pass over the data.
    """

    def __init__(
        self, model: keras.Model, total_steps: int, steps_per_epoch: int
    ) -> None:
        super().__init__()
        # A float32 variable holds 0.0001 as 0.00009999999747; its shortest decimal is
        # the number that was asked for, and is multiplied without that error.
        self.rates = {
            name: float(str(keras.ops.convert_to_numpy(optimizer.learning_rate)))
            for name, optimizer in model.optimizers.items()
        }
        self.total_steps = total_steps
        self.steps_per_epoch = steps_per_epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Reads the step."""
        self._step = self.model.global_step

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Sets the learning rates."""
        factor = self.model.learning_rate_factor(
            self._step, self.total_steps, self.steps_per_epoch
        )
        for name, optimizer in self.model.optimizers.items():
            optimizer.learning_rate = self.rates[name] * factor
        self._step += self.model.steps_per_execution


class Checkpoints(keras.callbacks.Callback):
    """Saves the whole model, optimisers too, every so many epochs and at the end.

    Args:
        folder: where; see `save_checkpoint`.
        every: in epochs.
        keep: how many of the last to keep.
    """

    def __init__(
        self, folder: str | os.PathLike, every: int = 1, keep: int = 2
    ) -> None:
        super().__init__()
        self.folder = folder
        self.every = every
        self.keep = keep

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves when due."""
        if (epoch + 1) % self.every == 0:
            save_checkpoint(self.model, self.folder, self.keep)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Saves the last state."""
        save_checkpoint(self.model, self.folder, self.keep)


class SampleGrids(keras.callbacks.Callback):
    """Draws a grid of pictures every so many epochs and at the end.

    Args:
        draw: gives the grid, uint8 `(height, width, 3)`; called without arguments.
        folder: where `step-0001000.png` goes.
        every: in epochs.
        log_dir: where TensorBoard is to find it too, if anywhere.
    """

    def __init__(
        self,
        draw: Callable[[], np.ndarray],
        folder: str | os.PathLike,
        every: int = 1,
        log_dir: str | os.PathLike | None = None,
    ) -> None:
        super().__init__()
        self.draw = draw
        self.folder = pathlib.Path(folder)
        self.every = every
        self.writer = (
            tf.summary.create_file_writer(os.fspath(log_dir)) if log_dir else None
        )

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draws when due."""
        if (epoch + 1) % self.every == 0:
            self._save()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Draws the last state."""
        self._save()

    def _save(self) -> None:
        step = self.model.global_step
        path = self.folder / f"step-{step:07d}.png"
        if path.exists():
            return
        grid = self.draw()
        save_png(path, grid)
        if self.writer:
            with self.writer.as_default():
                tf.summary.image("samples", grid[None], step=step)
            self.writer.flush()


class HistoryFile(keras.callbacks.Callback):
    """Writes the mean losses and the rates of each epoch to a CSV file.

    The first column is the global step at the epoch's end. Training that starts
    from an earlier step than the file's end drops the rows that will come again.

    Args:
        path: the file.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        super().__init__()
        self.path = pathlib.Path(path)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keeps the rows up to the present step."""
        if not self.path.exists():
            return
        header, *rows = self.path.read_text().splitlines(keepends=True) or [""]
        step = self.model.global_step
        rows = [row for row in rows if int(row.split(",")[0]) <= step]
        write_text(self.path, "".join([header, *rows]))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Adds a row."""
        row = {"step": self.model.global_step, **(logs or {})}
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)


class TensorBoard(keras.callbacks.TensorBoard):
    """Writes the means of each epoch, for `tensorboard --logdir`.

    Keras' own also makes a summary of each step. Nobody writes it, but TensorFlow keeps
    memory for it: 5 MB in 1,000 steps.

    Args:
        log_dir: the folder.
        **kwargs: as for `keras.callbacks.TensorBoard`.
    """

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Counts the step."""
        super().on_train_batch_end(batch)


class ProgressBar(keras.callbacks.ProgbarLogger):
    """Keras' progress bar, never wider than the terminal; use it with `verbose=0`.

    A wider one leaves a line behind at each refresh, and a dozen named losses are
    wider. So it shows what fits, total losses first, and at the end of an epoch
    all. Where the output is no terminal, there is one line an epoch.
    """

    def set_params(self, params: dict) -> None:
        """Takes what Keras says of the training."""
        super().set_params(params | {"verbose": 1 if sys.stdout.isatty() else 2})

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Refreshes the bar."""
        space = shutil.get_terminal_size().columns - 55  # counter, bar and times
        logs, shown = logs or {}, {}
        for name in sorted(logs, key=lambda name: not name.endswith("/loss")):
            space -= len(name) + len(" - : 1.2345e-05")
            if space < 0:
                break
            shown[name] = logs[name]
        super().on_train_batch_end(batch, shown)


class Interruption(keras.callbacks.Callback):
    """Lets Ctrl-C and SIGTERM end training after the step under way.

    As a context manager it takes the signals over. Raised anywhere, as Python does
    it, the exception can get lost in a destructor or leave half an epoch's end. A
    second signal acts at once. A signal to one of several workers ends training in all
    of them, after the same step.

    Args:
        strategy: the strategy that the model is trained under.

    Raises:
        KeyboardInterrupt: at the end of the step.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        super().__init__()
        self._strategy = strategy or tf.distribute.get_strategy()

    def __enter__(self) -> "Interruption":
        self.requested = False
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, *exception) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _request(self, number: int, frame: types.FrameType | None) -> None:
        self.requested = True
        self.__exit__()
        print("\nStopping after this step.", flush=True)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Raises if a signal has come, unless the epoch is about to end."""
        if batch + 1 < self.params["steps"]:
            self.raise_if_requested()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Raises if a signal has come; as the last callback, after the others."""
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raises if a signal has come; all workers must ask at the same time."""
        if any_worker(self._strategy, self.requested):
            raise KeyboardInterrupt


class StopOnNaN(keras.callbacks.Callback):
    """Ends the run when a loss is no longer a number; nothing is saved after that.

    A loss is of the weights before its update.

    Raises:
        FloatingPointError: naming the step and the losses.
    """

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the losses."""
        wrong = [k for k, value in (logs or {}).items() if not math.isfinite(value)]
        if wrong:
            raise FloatingPointError(
                f"After step {self.model.global_step}, {', '.join(wrong)} "
                f"{'are' if len(wrong) > 1 else 'is'} not finite."
            )

"""How far a long loop is, in one line; Keras' own bar needs TensorFlow to start."""

import sys
import time


class Progress:
    """Prints how many items are done, and how much longer the rest will take.

    A terminal's line is rewritten twice a second. Where the output is no terminal, a
    log file for instance, there is a new line every 30 seconds and at the end.

    Args:
        total: number of items.
        unit: what the items are called, in the plural.
        verbose: 0 for silence, 1 to print.
    """

    def __init__(self, total: int, unit: str, verbose: int = 1) -> None:
        self.total = total
        self.unit = unit
        self.verbose = verbose
        self.done = 0
        self._started = self._printed = time.monotonic()
        self._is_terminal = sys.stdout.isatty()
        self._interval = 0.5 if self._is_terminal else 30.0

    def update(self, done: int) -> None:
        """Says how many items are done so far."""
        self.done = done
        now = time.monotonic()
        is_end = done >= self.total
        if not self.verbose or (not is_end and now - self._printed < self._interval):
            return
        self._printed = now
        elapsed = now - self._started
        text = f"{done}/{self.total} {self.unit}, {_duration(elapsed)}"
        if not is_end and done:
            text += f", {_duration(elapsed / done * (self.total - done))} left"
        if self._is_terminal:
            # "\033[K" clears what a longer text has left behind.
            print(f"\r{text}\033[K", end="\n" if is_end else "", flush=True)
        else:
            print(text, flush=True)

    def add(self, count: int) -> None:
        """Says how many more items are done."""
        self.update(self.done + count)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

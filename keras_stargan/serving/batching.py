"""Joins requests that arrive together, so that the model translates them at once."""

import asyncio
import collections
import dataclasses
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


class TooManyWaiting(Exception):
    """Raised instead of letting more rows wait than is allowed."""


@dataclasses.dataclass(eq=False)
class _Part:
    """Rows of one request that are translated together.

    Args:
        key: parts can be joined if their keys are equal.
        name: the signature's name.
        arrays: its inputs.
        rows: their number; None if the signature takes no batch.
        arrival: when it came, in seconds of `time.monotonic`.
        future: gets the outputs.
    """

    key: tuple
    name: str
    arrays: Arrays
    rows: int | None
    arrival: float
    future: asyncio.Future

    @property
    def places(self) -> int:
        """How much of a batch it takes."""
        return self.rows or 1


def batch_sizes(max_batch: int) -> tuple[int, ...]:
    """The sizes of batches that are run: powers of two, and the greatest."""
    powers = itertools.takewhile(
        lambda size: size < max_batch, (2**i for i in itertools.count())
    )
    return (*powers, max_batch)


class Batcher:
    """Runs requests in batches, in threads of its own, in the order of their arrival.

    Requests of one signature whose inputs have the same shapes, but for the number of
    rows, are joined. Batches have few different sizes, `batch_sizes`, since TensorFlow
    prepares itself for each new size; the last row is repeated to fill one up.

    A thread takes its next batch by itself, so that the model does not stand still
    while the event loop answers the requests of the last one. With two threads, the
    files of one batch are decoded or encoded, which keeps few cores busy, while the
    other batch is computed.

    Args:
        run: `(signature's name, inputs) -> outputs`, called in the threads. It raises
            `ValueError` if the inputs are wrong.
        max_batch: rows of a batch at most.
        batch_wait: seconds for which the first request of a batch waits for others.
        max_waiting: rows that may wait, besides those that are being run.
        at_once: batches that are run at the same time.
        observe: called with the number of rows of each batch.
    """

    def __init__(
        self,
        run: Callable[[str, Arrays], Arrays],
        max_batch: int,
        batch_wait: float,
        max_waiting: int,
        at_once: int = 1,
        observe: Callable[[int], Any] = lambda rows: None,
    ) -> None:
        self.max_waiting = max_waiting
        self._run = run
        self._sizes = batch_sizes(max_batch)
        self._batch_wait = batch_wait
        self._observe = observe
        # What the event loop and the threads share; `_changed` guards it.
        self._changed = threading.Condition()
        self._waiting: collections.deque[_Part] = collections.deque()
        self._stopping = False
        self._at_once = at_once
        self._threads: list[threading.Thread] = []

    @property
    def waiting(self) -> int:
        """The number of rows that wait."""
        with self._changed:
            return sum(p.places for p in self._waiting if not p.future.done())

    def start(self) -> None:
        """Begins to run batches. Called in the event loop."""
        loop = asyncio.get_running_loop()
        for number in range(self._at_once):
            name = f"model_{number}"
            thread = threading.Thread(target=self._work, args=(loop,), name=name)
            thread.start()
            self._threads.append(thread)

    async def stop(self) -> None:
        """Ends after the batches that are being run; what waits is cancelled."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        for part in self._waiting:
            part.future.cancel()

    async def submit(self, name: str, arrays: Arrays, joins: bool = True) -> Arrays:
        """Runs a signature.

        Args:
            name: the signature's name.
            arrays: its inputs, all with the same number of rows, at least one.
            joins: whether the first axis of all inputs and outputs is the batch.
                Otherwise the signature is run with just these inputs.

        Returns:
            The outputs.

        Raises:
            TooManyWaiting: if there is no room now.
            ValueError: if the inputs are wrong.
        """
        rows = len(next(iter(arrays.values()))) if joins else 1
        if self.waiting + rows > self.max_waiting:
            raise TooManyWaiting
        step = self._sizes[-1] if joins else rows
        parts = [
            self._part(name, arrays, slice(start, start + step) if joins else None)
            for start in range(0, rows, step)
        ]
        with self._changed:
            self._waiting += parts
            self._changed.notify()
        try:
            results = await asyncio.gather(*(part.future for part in parts))
        finally:
            for part in parts:  # A wrong part makes the others useless.
                part.future.cancel()
        if len(results) == 1:
            return results[0]
        return {key: np.concatenate([r[key] for r in results]) for key in results[0]}

    def _part(self, name: str, arrays: Arrays, rows: slice | None) -> _Part:
        key: tuple = (name, object())
        count = None
        if rows is not None:
            arrays = {key: array[rows] for key, array in arrays.items()}
            count = len(next(iter(arrays.values())))
            key = (name, *(array.shape[1:] for array in arrays.values()))
        future = asyncio.get_running_loop().create_future()
        return _Part(key, name, arrays, count, time.monotonic(), future)

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs batches until the end. This is what a thread does."""
        while parts := self._next_parts():
            results = self._run_parts(parts)
            loop.call_soon_threadsafe(_answer, parts, results)

    def _next_parts(self) -> Sequence[_Part]:
        """Waits for the next batch and takes it out of what waits; empty at the end."""
        with self._changed:
            while not self._stopping:
                self._waiting = collections.deque(
                    part for part in self._waiting if not part.future.done()
                )
                timeout = None
                if self._waiting:
                    first = self._waiting[0]
                    same = [part for part in self._waiting if part.key == first.key]
                    timeout = first.arrival + self._batch_wait - time.monotonic()
                    full = sum(part.places for part in same) >= self._sizes[-1]
                    if full or timeout <= 0:
                        parts = same[: self._fitting([part.places for part in same])]
                        for part in parts:
                            self._waiting.remove(part)
                        return parts
                self._changed.wait(timeout)
        return []

    def _fitting(self, rows: Sequence[int]) -> int:
        """How many of the first parts make the batch that is filled up least."""
        totals = [
            total for total in itertools.accumulate(rows) if total <= self._sizes[-1]
        ]
        filled = [total / self._padded(total) for total in totals]
        return max(range(len(totals)), key=lambda i: (filled[i], i)) + 1

    def _padded(self, rows: int) -> int:
        return next(size for size in self._sizes if size >= rows)

    def _run_parts(self, parts: Sequence[_Part]) -> list[Arrays | Exception]:
        """The outputs of each part, or what it raises. Called in a thread."""
        try:
            return self._run_joined(parts)
        except ValueError as error:
            if len(parts) == 1:
                return [error]
            # One of them is wrong; the others must not suffer.
            return [result for part in parts for result in self._run_parts([part])]
        except Exception as error:  # Such as too little memory: the server lives on.
            return [error] * len(parts)

    def _run_joined(self, parts: Sequence[_Part]) -> list[Arrays | Exception]:
        first = parts[0]
        if first.rows is None:
            return [self._run(first.name, first.arrays)]
        ends = [*itertools.accumulate(part.places for part in parts)]
        total = ends[-1]
        self._observe(total)
        places = np.minimum(np.arange(self._padded(total)), total - 1)
        joined = {
            name: np.concatenate([part.arrays[name] for part in parts])[places]
            for name in first.arrays
        }
        outputs = self._run(first.name, joined)
        return [
            {name: array[start:end] for name, array in outputs.items()}
            for start, end in itertools.pairwise([0, *ends])
        ]


def _answer(parts: Sequence[_Part], results: Sequence[Arrays | Exception]) -> None:
    """Gives each part its result. Called in the event loop."""
    for part, result in zip(parts, results, strict=True):
        if part.future.done():
            continue
        if isinstance(result, Exception):
            part.future.set_exception(result)
        else:
            part.future.set_result(result)

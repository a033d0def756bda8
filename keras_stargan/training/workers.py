"""Several workers: processes, maybe on several machines, that train one model."""

import contextlib
import dataclasses
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_stargan.cluster import share


@dataclasses.dataclass(frozen=True)
class Worker:
    """Which of several workers this process is.

    Args:
        index: its number, from 0.
        count: how many workers there are.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether it is the worker that writes files."""
        return self.index == 0


def worker_of(strategy: tf.distribute.Strategy) -> Worker:
    """Which worker this process is under a strategy.

    Args:
        strategy: any; all but `tf.distribute.MultiWorkerMirroredStrategy` have one
            worker.
    """
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec().as_dict() if resolver else {}
    tasks = [
        (job, i) for job in ("chief", "worker") for i in range(len(jobs.get(job, ())))
    ]
    if len(tasks) < 2:
        return Worker()
    return Worker(tasks.index((resolver.task_type, resolver.task_id)), len(tasks))


def gather_numbers(
    strategy: tf.distribute.Strategy, numbers: Sequence[int]
) -> np.ndarray:
    """What each worker says; all must ask at the same time.

    Args:
        strategy: whose workers.
        numbers: what this worker says.

    Returns:
        int64 `(workers, n)`.
    """
    worker = worker_of(strategy)
    said = np.zeros((worker.count, len(numbers)), "int64")
    said[worker.index] = numbers
    if worker.count == 1:
        return said
    return np.asarray(strategy.reduce("SUM", tf.constant(said), axis=None))


def any_worker(strategy: tf.distribute.Strategy, is_so: bool) -> bool:
    """Whether something is so for any worker; all must ask at the same time."""
    return bool(gather_numbers(strategy, [is_so]).any())


def check_agreement(strategy: tf.distribute.Strategy, name: str, number: int) -> None:
    """Raises `ValueError` in all workers if a number is not the same in each.

    Args:
        strategy: whose workers; all must ask at the same time.
        name: what the number is, for the error.
        number: this worker's.
    """
    numbers = gather_numbers(strategy, [number])[:, 0].tolist()
    if len(set(numbers)) > 1:
        each = ", ".join(f"{number} in worker {i}" for i, number in enumerate(numbers))
        raise ValueError(
            f"The workers do not agree: {name} is {each}. Give all of them the same "
            "command, the same data and the same folder for the run."
        )


def checksum(content: str | bytes) -> int:
    """A number that two contents have in common only if they are alike."""
    return zlib.crc32(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def all_together(strategy: tf.distribute.Strategy, what: str) -> Iterator[None]:
    """Ends all workers with an error if what is done within it fails in one of them.

    Without it, the others would wait for the one that failed.

    Args:
        strategy: whose workers; all must come here.
        what: what is done, for the error of the others.

    Raises:
        RuntimeError: if it failed in another worker.
    """
    try:
        yield
    except Exception:
        any_worker(strategy, True)
        raise
    failed = gather_numbers(strategy, [False])[:, 0]
    if failed.any():
        raise RuntimeError(
            f"Worker {int(failed.argmax())} could not {what}; its output says why."
        )


def copy_from_chief(strategy: tf.distribute.Strategy, variables: Sequence[Any]) -> None:
    """Gives the variables of all workers the chief's values.

    Args:
        strategy: whose workers; all must come here.
        variables: Keras variables, of the same shapes in all workers.
    """
    worker = worker_of(strategy)
    for variable in variables if worker.count > 1 else ():
        value = variable.numpy() if worker.is_chief else np.zeros_like(variable)
        total = strategy.reduce("SUM", tf.constant(value), axis=None)
        variable.assign(np.asarray(total))


def distribute(
    strategy: tf.distribute.Strategy, dataset: tf.data.Dataset, is_part: bool = False
) -> tf.distribute.DistributedDataset:
    """Gives each replica of this worker its rows of each batch, see `share`.

    Args:
        strategy: one of several workers.
        dataset: the batches, with at least one tensor.
        is_part: whether the batches are this worker's rows alone, instead of all rows,
            of which those of the other workers are left out.
    """
    worker = worker_of(strategy)
    local = strategy.num_replicas_in_sync // worker.count
    parts, first = (
        (local, 0) if is_part else (local * worker.count, local * worker.index)
    )

    def parts_of_batch(*batch):
        def part(number):
            chosen = share(tf.shape(tf.nest.flatten(batch)[0])[0], parts, number)
            own = tf.nest.map_structure(lambda values: values[chosen], batch)
            return own if len(own) > 1 else own[0]

        return tf.data.Dataset.range(first, first + local, output_type=tf.int32).map(
            part
        )

    def local_parts(context: tf.distribute.InputContext) -> tf.data.Dataset:
        count = dataset.cardinality()  # Negative: endless or unknown.
        counted = tf.data.experimental.assert_cardinality(
            count * local if count > 0 else count
        )
        return dataset.flat_map(parts_of_batch).apply(counted).prefetch(2 * local)

    return strategy.distribute_datasets_from_function(local_parts)

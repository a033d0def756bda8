"""Settings for a user's own pictures, and what a training step with them costs."""

from __future__ import annotations

import dataclasses
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_stargan.experiments.settings import Settings, defaults
from keras_stargan.labels import LabelSet
from keras_stargan.methods import registry

# The largest size that two cores train in hours instead of weeks.
_SIZE_WITHOUT_GPU = 64
_MEASURED_STEPS = 3


def propose(
    method: str, sides: Sequence[int], num_images: int, has_gpu: bool
) -> dict[str, Any]:
    """Proposes the settings that depend on the pictures and on the machine.

    Args:
        method: the method's name.
        sides: the shorter side of each picture, in pixels.
        num_images: the number of training pictures.
        has_gpu: whether there is a GPU.

    Returns:
        Values by the names of the settings: `image_size`, a power of two that half of
        the pictures reach; `batch_size`; `steps`, enough to see each picture 100 times;
        and without a GPU the widths of small networks, where the method has them.
    """
    published = defaults(method, is_drawn=False)
    largest = published["image_size"]
    if not has_gpu:
        largest = min(largest, _SIZE_WITHOUT_GPU)
    size = 2 ** int(np.log2(max(16, np.median(sides))))
    batch_size = min(published["batch_size"], num_images)
    steps = 100 * num_images // batch_size
    proposal = {
        "image_size": min(size, largest),
        "batch_size": batch_size,
        "steps": int(np.clip(round(steps, -3), 2000, 100_000)),
    }
    if not has_gpu:
        widths = ("conv_dim", "base_dim", "max_dim", "hidden_dim", "num_filters")
        small = registry.published(method).SMALL
        proposal |= {name: small[name] for name in widths if name in small}
    return proposal


@dataclasses.dataclass(frozen=True)
class Cost:
    """What training costs, measured.

    Args:
        step_seconds: seconds of a training step.
        peak_bytes: the memory that the process took at most.
        peak_gpu_bytes: the same of the GPU's memory; None without a GPU.
    """

    step_seconds: float
    peak_bytes: int
    peak_gpu_bytes: int | None


def measure(settings: Settings, label_sets: Sequence[LabelSet]) -> Cost:
    """Trains a model with some settings for a few steps on noise.

    Args:
        settings: of the run that is planned. Its data is not read.
        label_sets: the labels of each data set.
    """
    from keras_stargan.data import ImageSet
    from keras_stargan.experiments.run import make_model, training_batches
    from keras_stargan.training.backends import training_backend

    values = settings.values
    model = make_model(settings, label_sets)
    rng = np.random.default_rng(0)
    count, size = 2 * values["batch_size"] * len(label_sets[0]), values["image_size"]
    sets = [
        ImageSet(
            rng.integers(0, 256, (count, size, size, 3), "uint8"),
            np.eye(len(labels))[np.arange(count) % len(labels)],
            labels,
            # A subject has an image of each label, for methods that learn of pairs.
            np.arange(count) // len(labels),
            aligned=True,
        )
        for labels in label_sets
    ]
    model.pretrain(sets)
    model.make_train_function()
    iterator = iter(training_batches(settings, sets))
    # Updates are not due in each step: a whole round of them is measured.
    round_of_updates = max(update.every * update.batches for update in model.updates)
    for _ in range(round_of_updates):  # Each update is traced in its first step.
        model.train_function(iterator)
    steps = -(-_MEASURED_STEPS // round_of_updates) * round_of_updates
    start = time.perf_counter()
    for _ in range(steps):
        model.train_function(iterator)
    seconds = (time.perf_counter() - start) / steps
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts kibibytes, macOS bytes.
    peak *= 1 if sys.platform == "darwin" else 1024
    return Cost(seconds, peak, training_backend().peak_gpu_bytes())

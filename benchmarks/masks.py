"""Times a training step with a high-pass filter whose masks are computed in 3 places.

The masks are computed once in the step, as the package does; in the input pipeline, on
all cores and ahead of the step; or again in each update. FAN's weights are random,
since the time does not depend on them.
"""

import os
import time
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from absl import app, flags

import keras_stargan

flags.DEFINE_integer("image_size", 64, "Side of the pictures in pixels.")
flags.DEFINE_integer("base_dim", 32, "Channels of the networks' first layers.")
flags.DEFINE_integer("max_dim", 128, "Channels double up to this number.")
flags.DEFINE_integer("batch_size", 4, "Pictures in a step.")
flags.DEFINE_integer("rounds", 3, "Turns of each way.")
flags.DEFINE_integer("steps", 2, "Steps in a turn.")
FLAGS = flags.FLAGS


class InPipeline(keras_stargan.StarGANv2):
    """Takes batches that have masks already."""

    def make_masks(self, images: Any) -> Any:
        """The masks of the batch for real images; FAN's for translations."""
        given, self._given = self._given, None
        return super().make_masks(images) if given is None else given

    def prepare(self, batch: dict) -> dict:
        """Prepares all but the masks, which are there already."""
        batch = dict(batch)
        self._given = batch.pop("masks")
        return super().prepare(batch)


class InEachUpdate(keras_stargan.StarGANv2):
    """Computes the masks of the same images four times."""

    def _discriminator_losses(self, styles_from, batch, draws):
        batch = batch | {"masks": self.make_masks(batch["images"])}
        return super()._discriminator_losses(styles_from, batch, draws)

    def _generator_losses(self, styles_from, batch, draws):
        batch = batch | {"masks": self.make_masks(batch["images"])}
        return super()._generator_losses(styles_from, batch, draws)


def batches(model: keras_stargan.StarGANv2) -> Iterator[Any]:
    """Endless batches, with masks if the model takes them from the batch."""
    rng = np.random.default_rng(0)
    shape = (3, FLAGS.batch_size, FLAGS.image_size, FLAGS.image_size, 3)
    images, *references = rng.uniform(-1, 1, shape).astype("float32")
    domains, targets = rng.integers(0, 2, (2, FLAGS.batch_size))
    whole = {
        "images": images,
        "domains": domains,
        "references": references[0],
        "other_references": references[1],
        "target_domains": targets,
    }
    dataset = tf.data.Dataset.from_tensors(whole).repeat()
    if isinstance(model, InPipeline):

        def with_masks(batch):
            masks = keras_stargan.StarGANv2.make_masks(model, batch["images"])
            return batch | {"masks": masks}

        dataset = dataset.map(with_masks, num_parallel_calls=tf.data.AUTOTUNE)
    return iter(dataset.prefetch(tf.data.AUTOTUNE))


def main(argv: list[str]) -> None:
    """Times the ways in turns."""
    ways = {
        "once in the step": keras_stargan.StarGANv2,
        "in the input pipeline": InPipeline,
        "in each update": InEachUpdate,
    }
    steps = {}
    for name, kind in ways.items():
        model = kind(
            image_size=FLAGS.image_size,
            base_dim=FLAGS.base_dim,
            max_dim=FLAGS.max_dim,
            w_hpf=1.0,
        )
        model.compile()
        model.make_train_function()
        steps[name] = model.train_function, batches(model)
        model.train_function(steps[name][1])  # traces
    for _ in range(FLAGS.rounds):
        seconds = {}
        for name, (step, data) in steps.items():
            start = time.perf_counter()
            for _ in range(FLAGS.steps):
                step(data)
            seconds[name] = (time.perf_counter() - start) / FLAGS.steps
        first = next(iter(seconds.values()))
        text = (
            f"{name} {own:.2f} s, {own / first:.2f}" for name, own in seconds.items()
        )
        print("; ".join(text), flush=True)


if __name__ == "__main__":
    app.run(main)

"""Times a training step in two ways, in turns, and prints the ratio.

Each way runs in its own process, since oneDNN is switched on when TensorFlow starts.
The processes take turns, so that a machine whose speed changes treats both alike.
"""

import json
import os
import statistics
import subprocess
import sys
import time

from absl import app, flags

flags.DEFINE_enum(
    "compare", "onednn", ["onednn", "xla", "adam"], "What is on, then off."
)
flags.DEFINE_integer("image_size", 48, "Side of the pictures in pixels.")
flags.DEFINE_integer("conv_dim", 32, "Channels of the networks' first layers.")
flags.DEFINE_integer("num_residual_blocks", 3, "Residual blocks of the generator.")
flags.DEFINE_integer("num_discriminator_layers", 4, "Layers of the discriminator.")
flags.DEFINE_integer("batch_size", 8, "Pictures in a step.")
flags.DEFINE_integer("rounds", 3, "Turns of each way.")
flags.DEFINE_integer("cycles", 4, "Cycles of n_critic = 5 steps timed in a turn.")
flags.DEFINE_bool("on", None, "Time one way only and print seconds a step.")
FLAGS = flags.FLAGS


def seconds_per_step() -> float:
    """The median over cycles of five discriminator and one generator updates."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if FLAGS.compare == "onednn":
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = str(int(FLAGS.on))
    import keras
    import numpy as np

    import keras_stargan

    model = keras_stargan.StarGAN(
        image_size=FLAGS.image_size,
        conv_dim=FLAGS.conv_dim,
        num_residual_blocks=FLAGS.num_residual_blocks,
        num_discriminator_layers=FLAGS.num_discriminator_layers,
    )
    if FLAGS.compare == "adam" and not FLAGS.on:
        adams = [keras.optimizers.Adam(1e-4, beta_1=0.5) for _ in range(2)]
    else:
        adams = [keras_stargan.Adam() for _ in range(2)]
    adams = dict(zip(model.networks, adams, strict=True))
    model.compile(adams, jit_compile=FLAGS.compare == "xla" and FLAGS.on)
    rng = np.random.RandomState(0)
    size = FLAGS.image_size
    images = rng.uniform(-1, 1, (FLAGS.batch_size, size, size, 3)).astype("float32")
    labels = np.eye(8, dtype="float32")[rng.randint(0, 8, FLAGS.batch_size)]
    times = []
    for _ in range(FLAGS.cycles + 1):
        start = time.perf_counter()
        for _ in range(model.n_critic):
            model.train_on_batch(images, labels)
        times.append((time.perf_counter() - start) / model.n_critic)
    return statistics.median(times[1:])  # the first one traces


def main(argv: list[str]) -> None:
    """Times both ways in turns."""
    if FLAGS.on is not None:
        print(json.dumps(seconds_per_step()))
        return
    turns = []
    for _ in range(FLAGS.rounds):
        pair = []
        for way in ("--on", "--noon"):
            output = subprocess.run(
                [sys.executable, *argv, *FLAGS.flags_into_string().split(), way],
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            pair.append(json.loads(output.splitlines()[-1]))
        turns.append(pair)
        print(
            f"{FLAGS.compare} on {pair[0]:.3f} s, off {pair[1]:.3f} s a step, "
            f"off / on {pair[1] / pair[0]:.2f}"
        )
    ratio = statistics.median(off / on for on, off in turns)
    print(f"median off / on: {ratio:.2f}")


if __name__ == "__main__":
    app.run(main)

r"""What bounds a training step: where its time goes, and how fast convolutions are.

    python benchmarks/profile_step.py
    python benchmarks/profile_step.py --model=StarGANv2 --size=64 --width=32

Prints the share of each kind of operation in the time of all operations, the rate of
the convolutions, and the rate of one large matrix product in the same process, which is
about the most that the processor can do.
"""

import collections
import os
import pathlib
import tempfile
import time

from absl import app, flags
from training_cases import operations_of, random_batch

flags.DEFINE_enum("model", "StarGAN", ["StarGAN", "StarGANv2"], "What is trained.")
flags.DEFINE_integer("size", 64, "Height and width of the images.")
flags.DEFINE_integer("width", 64, "Channels of the first layers.")
flags.DEFINE_integer("max_dim", 128, "Most channels, of StarGAN v2.")
flags.DEFINE_integer("batch", 8, "Images in a step.")
flags.DEFINE_integer("steps", 3, "Steps that are profiled.")
FLAGS = flags.FLAGS

GROUPS = {
    "convolutions": ("Conv2D", "Conv2DBackprop", "DepthwiseConv"),
    "matrix products": ("MatMul", "Einsum"),
    "Adam": ("ResourceApplyAdam",),
    "copies": ("StridedSlice", "Concat", "Pad", "Split", "Slice", "Tile", "Transpose"),
    "pooling": ("AvgPool",),
}


def group_of(operation: str) -> str:
    """The group of an operation, by its name without TensorFlow's prefixes."""
    name = operation.removeprefix("_MklNative").removeprefix("_Mkl").lstrip("_")
    for group, beginnings in GROUPS.items():
        if name.startswith(beginnings):
            return group
    return "other elementwise operations and sums"


def times_of(run, steps: int) -> collections.Counter:
    """Seconds of each kind of operation in a step, added up over all threads."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(steps):
            run()
        tf.profiler.experimental.stop()
        (path,) = pathlib.Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
    found: collections.Counter = collections.Counter()
    for plane in space.planes:
        if "CPU" not in plane.name:
            continue
        for event in (event for line in plane.lines for event in line.events):
            name = plane.event_metadata[event.metadata_id].name
            # Operations are called NAME:KIND; "Run" is the call of the whole graph.
            _, colon, kind = name.partition(":")
            if colon and ":" not in kind and kind.split("#")[0] != "Run":
                found[group_of(kind.split("#")[0])] += event.duration_ps / 1e12 / steps
    return found


def product_rate() -> float:
    """Operations a second of a product of matrices of 2048 x 2048."""
    import tensorflow as tf

    matrix = tf.random.normal((2048, 2048))
    product = tf.function(tf.matmul)
    best = float("inf")
    for _ in range(6):
        start = time.perf_counter()
        product(matrix, matrix).numpy()
        best = min(best, time.perf_counter() - start)
    return 2 * 2048**3 / best


def main(_) -> None:
    """Profiles a step in which every update is due."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras_stargan

    batch = random_batch(FLAGS.model, FLAGS.size, FLAGS.batch, 3)
    if FLAGS.model == "StarGAN":
        layers = {"num_discriminator_layers": 4} if FLAGS.size == 48 else {}
        settings = {"conv_dim": FLAGS.width, "n_critic": 1}
        model = keras_stargan.StarGAN(FLAGS.size, 3, **settings, **layers)
    else:
        settings = {"base_dim": FLAGS.width, "max_dim": FLAGS.max_dim}
        model = keras_stargan.StarGANv2(FLAGS.size, num_domains=3, **settings)
    model.compile()

    def run():
        model.train_on_batch(*batch)

    times = []
    for _ in range(FLAGS.steps + 2):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    seconds = min(times[1:])
    found = times_of(run, FLAGS.steps)
    count = operations_of(model, tuple(model._updates_by_name), batch)
    peak, total = product_rate(), sum(found.values())
    print(f"{FLAGS.model}, {FLAGS.size} px, width {FLAGS.width}, batch {FLAGS.batch}:")
    print(f"{seconds:.3f} s a step in which all updates are due\n")
    print("| kind of operation | share of the time |\n| --- | --- |")
    for group, each in found.most_common():
        print(f"| {group} | {100 * each / total:.0f} % |")
    heavy = (found["convolutions"] + found["matrix products"]) / total
    print(f"\n{count / 1e9:.1f} GFLOP a step, as TensorFlow counts them.")
    print(f"The whole step: {count / seconds / 1e9:.0f} GFLOP/s.")
    print(
        f"Convolutions and products alone: {count / seconds / heavy / 1e9:.0f} GFLOP/s."
    )
    print(f"One large product: {peak / 1e9:.0f} GFLOP/s.")


if __name__ == "__main__":
    app.run(main)

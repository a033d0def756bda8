r"""How the cost of training grows: with the images, the networks, and the workers.

    python benchmarks/scaling.py                     # all but the workers
    python benchmarks/scaling.py --what=workers
    python benchmarks/scaling.py --what=memory
    python benchmarks/scaling.py --what=paper        # counts, and measures nothing

Every row is a process of its own that trains StarGAN (or StarGAN v2) on random images.
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from absl import app, flags
from training_cases import operations_of, random_batch

flags.DEFINE_list(
    "what", ["size", "width", "batch", "domains"], "Which tables; also workers, paper."
)
flags.DEFINE_string("model", "StarGAN", "StarGAN or StarGANv2.")
flags.DEFINE_integer("cycles", 4, "Cycles timed, after the first one.")
flags.DEFINE_string("case", None, "Run one case only; used by the program itself.")
FLAGS = flags.FLAGS

BASE = {"size": 64, "width": 32, "batch": 8, "domains": 8}
TABLES = {
    "size": [64, 128, 256],
    "width": [16, 32, 64],
    "batch": [1, 2, 4, 8, 16, 32],
    "domains": [2, 8, 32],
}
# Options of memory: in how many parts a batch is computed, and whether blocks are
# computed again.
MEMORY = [
    {**images, "accumulate": parts, "recompute": again}
    for images in (
        {"size": 128, "width": 32, "batch": 16},  # images fill the memory
        {"size": 64, "width": 64, "batch": 32},  # weights do
    )
    for parts, again in ((1, 0), (1, 1), (4, 0), (4, 1))
]
# What the paper calculation assumes of a GPU and of what is between GPUs.
GPU_FLOPS = 60e12  # reached in convolutions, of the 495e12 of TF32 on an H100
IN_MACHINE, BETWEEN_MACHINES = 200e9, 25e9  # bytes/s of a ring: NVLink, 200 Gbit/s


def make_model(size: int, width: int, domains: int, **options):
    """A compiled model."""
    import keras_stargan

    if FLAGS.model == "StarGANv2":
        model = keras_stargan.StarGANv2(
            size, num_domains=domains, base_dim=width, max_dim=8 * width
        )
    else:
        model = keras_stargan.StarGAN(size, domains, conv_dim=width)
    model.compile(**options)
    return model


def measure(case: dict) -> dict:
    """Seconds for a picture in a mean step, and the peak memory."""
    model = make_model(
        case["size"],
        case["width"],
        case["domains"],
        accumulate=case.get("accumulate", 1),
        recompute=bool(case.get("recompute", 0)),
    )
    batch = random_batch(FLAGS.model, case["size"], case["batch"], case["domains"])
    cycle = getattr(model, "n_critic", 1)
    times = []
    for _ in range(FLAGS.cycles + 1):
        start = time.perf_counter()
        for _ in range(cycle):
            model.train_on_batch(*batch)
        times.append((time.perf_counter() - start) / cycle)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"ms": 1000 * statistics.median(times[1:]) / case["batch"], "mib": peak}


def run(case: dict) -> dict:
    """Measures a case in a process of its own."""
    command = [sys.executable, sys.argv[0], f"--case={json.dumps(case)}"]
    command += [f"--model={FLAGS.model}", f"--cycles={FLAGS.cycles}"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(output.stdout.splitlines()[-1])


def print_row(*cells: object) -> None:
    """Prints a row of a Markdown table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def grow(name: str) -> None:
    """Prints how the cost of a picture grows with one number."""
    print_row(name, "ms a picture", "times the row before", "peak MiB")
    print_row(*["---"] * 4)
    before = None
    for value in TABLES[name]:
        found = run(BASE | {name: value})
        ratio = "" if before is None else f"{found['ms'] / before:.2f}"
        print_row(value, f"{found['ms']:.1f}", ratio, f"{found['mib']:.0f}")
        before = found["ms"]


def memory() -> None:
    """Prints what the options that save memory save and cost."""
    columns = ("size", "width", "batch", "parts", "recomputed")
    columns += ("peak MiB", "ms a picture")
    print_row(*columns)
    print_row(*["---"] * len(columns))
    for case in MEMORY:
        found = run(BASE | case)
        again = "yes" if case["recompute"] else "no"
        figures = f"{found['mib']:.0f}", f"{found['ms']:.1f}"
        of_images = (case[name] for name in ("size", "width", "batch"))
        print_row(*of_images, case["accumulate"], again, *figures)


def workers() -> None:
    """Prints how one process on one core compares with several on a core each."""
    from keras_stargan.cluster import tf_config
    from keras_stargan.experiments.launch import free_addresses

    cores = sorted(os.sched_getaffinity(0))
    print_row("workers", "batch of each", "ms a step", "efficiency")
    print_row(*["---"] * 4)
    alone = None
    for count in range(1, len(cores) + 1):
        addresses = free_addresses(count)
        found = []
        for index in range(count):
            case = json.dumps(BASE | {"workers": count})
            command = ["taskset", "-c", str(cores[index]), sys.executable, sys.argv[0]]
            command += [f"--case={case}", f"--cycles={FLAGS.cycles}"]
            found.append(
                subprocess.Popen(
                    command,
                    env=os.environ | {"TF_CONFIG": tf_config(addresses, index)},
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        outputs = [process.communicate()[0].splitlines()[-1] for process in found]
        step = max(json.loads(output)["ms"] for output in outputs) * BASE["batch"]
        alone = step if alone is None else alone
        print_row(count, BASE["batch"], f"{step:.0f}", f"{alone / step:.2f}")


def measure_worker(case: dict) -> dict:
    """The same for one of several workers, each with a full batch."""
    import tensorflow as tf

    from keras_stargan.training.strategies import make_strategy

    strategy = make_strategy("multiworker" if case["workers"] > 1 else "one")
    with strategy.scope():
        model = make_model(case["size"], case["width"], case["domains"])
    rows = case["batch"] * case["workers"]
    batch = random_batch(FLAGS.model, case["size"], rows, case["domains"])
    data = tf.data.Dataset.from_tensors(batch).repeat()
    times: list[float] = []

    import keras

    class Ticks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            times.append(time.perf_counter())

    cycle = model.n_critic
    steps = cycle * (FLAGS.cycles + 1)
    model.fit(data, steps_per_epoch=steps, callbacks=[Ticks()], verbose=0)
    marks = times[cycle - 1 :: cycle]
    each = [(after - before) / cycle for before, after in itertools.pairwise(marks)]
    return {"ms": 1000 * statistics.median(each) / case["batch"]}


def paper() -> None:
    """Prints what counted operations and bytes let many GPUs reach."""
    size, batch = {"StarGAN": (128, 16), "StarGANv2": (256, 8)}[FLAGS.model]
    width = {"StarGAN": 64, "StarGANv2": 64}[FLAGS.model]
    model = make_model(size, width, 8)
    data = random_batch(FLAGS.model, size, batch, 8)
    updates = model._updates_by_name
    print_row("update", "operations of a picture", "bytes of gradients")
    print_row(*["---"] * 3)
    cycle = getattr(model, "n_critic", 1)
    total, total_bytes = 0.0, 0.0
    for name, update in updates.items():
        count = operations_of(model, (name,), data) / batch
        size_of = 4 * sum(model.parameters[network] for network in update.networks)
        print_row(name, f"{count:.3g}", f"{size_of:.3g}")
        total, total_bytes = (
            total + count / update.every,
            total_bytes + size_of / update.every,
        )
    print()
    print_row("GPUs", "seconds of computing", "of adding gradients", "efficiency")
    print_row(*["---"] * 4)
    seconds = total * batch / GPU_FLOPS
    for machines, each in ((1, 1), (1, 8), (8, 8)):
        count = machines * each
        rate = IN_MACHINE if machines == 1 else BETWEEN_MACHINES
        # A ring sends each byte twice, but for its share.
        adding = 2 * total_bytes * (count - 1) / count / rate
        print_row(
            count,
            f"{seconds:.4f}",
            f"{adding:.4f}",
            f"{seconds / (seconds + adding):.2f}",
        )
    print(f"A mean step of {batch} pictures for each GPU; n_critic {cycle}.")


def main(argv: list[str]) -> None:
    """Prints the tables."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if FLAGS.case:
        case = json.loads(FLAGS.case)
        print(json.dumps((measure_worker if "workers" in case else measure)(case)))
        return
    others = {"workers": workers, "memory": memory, "paper": paper}
    for name in FLAGS.what:
        print(f"\n{FLAGS.model}, {name}; else {BASE}\n" if name in TABLES else "")
        others[name]() if name in others else grow(name)


if __name__ == "__main__":
    app.run(main)

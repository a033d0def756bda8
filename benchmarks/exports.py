r"""Times a model's exports beside Keras and the published PyTorch network.

    python benchmarks/exports.py
    python benchmarks/exports.py --model=creatures --published=../stargan-v2

Each case runs in a process of its own; the processes take turns, so that a machine
whose speed changes treats all alike. What is timed is one translation, from array to
array: of a model with styles, that of `translate_style`.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

from absl import app, flags

flags.DEFINE_string("model", "avatars", "As for keras_stargan.load_model.")
flags.DEFINE_string(
    "representative", None, "Data of typical pictures; by default those of the preset."
)
flags.DEFINE_string(
    "published", None, "Checkout of yunjey/stargan or clovaai/stargan-v2."
)
flags.DEFINE_list("batch_sizes", ["1", "16"], "Pictures in a call.")
flags.DEFINE_integer("rounds", 3, "Turns of each case.")
flags.DEFINE_integer("calls", 30, "Calls timed in a turn with one picture.")
flags.DEFINE_integer("threads", 2, "Threads that compute.")
flags.DEFINE_string("json", None, "Also write all figures to this file.")
flags.DEFINE_string("case", None, "Run one case only; used by the program itself.")
flags.DEFINE_string("folder", None, "Of the exports; used by the program itself.")
FLAGS = flags.FLAGS

PACKAGES = ("tensorflow", "keras", "onnxruntime", "ai-edge-litert", "openvino", "torch")
DATA = {"avatars": "avatars:expressions", "creatures": "creatures:species"}
DATA["attributes"] = "avatars:attributes"


def prepare(folder: pathlib.Path) -> list[str]:
    """Writes all exports, inputs and what Keras gives; returns the cases."""
    import numpy as np

    import keras_stargan
    from keras_stargan.experiments.data_sources import load_data
    from keras_stargan.export import export_model
    from keras_stargan.export.formats import FORMATS, PRECISIONS
    from keras_stargan.export.inputs import check_pictures, inputs_of, run_keras
    from keras_stargan.methods.loading import save_published

    model = keras_stargan.load_model(FLAGS.model)
    train_set, _ = load_data(
        FLAGS.representative or DATA[FLAGS.model], model.image_size
    )
    pictures = train_set.images[train_set.sample_evenly(80)]
    endpoints = model.endpoints()
    name = "translate_style" if "translate_style" in endpoints else "translate_label"
    arrays = inputs_of(
        model, {name: endpoints[name]}, check_pictures(pictures[-16:]), seed=1
    )[name]
    np.savez(folder / "inputs.npz", **arrays)
    np.savez(folder / "expected.npz", **run_keras(endpoints[name], arrays))
    (folder / "endpoint").write_text(name)
    cases = ["Keras:eager", "Keras:tf.function"]
    if FLAGS.published:
        save_published(model, folder / "published.ckpt")
        cases.append("PyTorch:float32")
    for format, about in FORMATS.items():
        for precision in PRECISIONS:
            for size in (None,) if about.any_batch else FLAGS.batch_sizes:
                export_model(
                    model,
                    folder / f"{format}-{precision}-{size or 'any'}",
                    format,
                    precision,
                    batch_size=size and int(size),
                    representative=pictures[:64],
                    endpoints=[name],
                    verbose=0,
                )
            cases.append(f"{format}:{precision}")
    return cases


def function_of(case: str, folder: pathlib.Path, batch_size: int) -> Callable:
    """A case as a function of arrays by name, which gives the translated images."""
    format, precision = case.split(":")
    name = (folder / "endpoint").read_text()
    if format == "PyTorch":
        return published_network(folder)
    if format == "Keras":
        import tensorflow as tf

        import keras_stargan
        from keras_stargan.export.graphs import graph_of

        tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
        endpoint = keras_stargan.load_model(FLAGS.model).endpoints()[name]
        if precision == "tf.function":
            graph, specs = graph_of(endpoint, batch_size)
            return lambda arrays: graph(*(arrays[spec.name] for spec in specs))[
                "translated"
            ].numpy()
        return lambda arrays: endpoint.function(
            **{each: tf.constant(values) for each, values in arrays.items()}
        )["translated"].numpy()
    from keras_stargan.export.formats import FORMATS

    rows = "any" if FORMATS[format].any_batch else batch_size
    path = folder / f"{format}-{precision}-{rows}" / f"{name}{FORMATS[format].suffix}"
    run = FORMATS[format].files.load(path, FLAGS.threads)
    return lambda arrays: run(arrays)["translated"]


def published_network(folder: pathlib.Path) -> Callable:
    """The published generator with the model's weights."""
    import torch

    torch.set_num_threads(FLAGS.threads)
    state = torch.load(folder / "published.ckpt", weights_only=True)
    checkout = pathlib.Path(FLAGS.published)
    names: dict = {}
    if (checkout / "core").exists():  # clovaai/stargan-v2
        source = (checkout / "core/model.py").read_text()
        state = state["generator"]
        base_dim = len(state["from_rgb.bias"])
        # Its width follows from the size of the images; ours need not. Two packages are
        # imported that the generator does not use.
        source = source.replace("2**14 // img_size", str(base_dim))
        for line in ("from munch import Munch", "from core.wing import FAN"):
            source = source.replace(line, "")
        exec(source, names)
        import numpy as np

        with np.load(folder / "inputs.npz") as inputs:
            size, style_dim = inputs["images"].shape[1], inputs["styles"].shape[1]
        widest = max(len(v) for k, v in state.items() if k.endswith("conv1.bias"))
        network = names["Generator"](size, style_dim, widest, w_hpf=0)
    else:  # yunjey/stargan
        exec((checkout / "model.py").read_text(), names)
        conv_dim, channels = state["main.0.weight"].shape[:2]
        blocks = sum(key.endswith("main.0.weight") for key in state) - 1
        network = names["Generator"](conv_dim, channels - 3, blocks)
    network.load_state_dict(state)
    # As its authors run it: the images' own statistics, not running averages.
    network.train()

    def run(arrays):
        images, conditions = (
            torch.from_numpy(arrays[name])
            for name in ("images", "styles" if "styles" in arrays else "labels")
        )
        with torch.inference_mode():
            translated = network(images.permute(0, 3, 1, 2), conditions)
            return translated.clip(-1, 1).permute(0, 2, 3, 1).numpy()

    return run


def measure(case: str, folder: pathlib.Path) -> dict:
    """Times one case, and compares it with Keras."""
    import numpy as np

    inputs, expected = (
        dict(np.load(folder / f"{name}.npz")) for name in ("inputs", "expected")
    )
    figures: dict = {"milliseconds": {}}
    for text in FLAGS.batch_sizes:
        count = int(text)
        arrays = {name: values[:count] for name, values in inputs.items()}
        run = function_of(case, folder, count)
        difference = np.abs(run(arrays) - expected["translated"][:count])
        figures["largest"], figures["mean"] = map(
            float, (difference.max(), difference.mean())
        )
        run(arrays)
        times = []
        for _ in range(max(3, FLAGS.calls // count)):
            start = time.perf_counter()
            run(arrays)
            times.append(time.perf_counter() - start)
        figures["milliseconds"][text] = 1000 * statistics.median(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return figures | {"peak_mb": peak / 1024}


def size_of(case: str, folder: pathlib.Path) -> float | None:
    """What an export has on disk in megabytes, without its description."""
    found = sorted(folder.glob(f"{case.replace(':', '-')}-*"))
    if not found:
        return None
    files = [each for each in found[0].iterdir() if each.name != "model.json"]
    return sum(each.stat().st_size for each in files) / 1e6


def table(results: dict[str, dict]) -> str:
    """The figures in Markdown."""
    batches = FLAGS.batch_sizes
    columns = ["", "MB", *(f"ms, batch {n}" for n in batches)]
    columns += [f"pictures/s, batch {batches[-1]}", "peak memory, MB"]
    columns += ["largest difference", "mean difference"]
    lines = [columns, ["---"] * len(columns)]
    for case, figures in results.items():
        times = figures["milliseconds"]
        megabytes = figures["megabytes"]
        lines.append(
            [
                case.replace(":", ", "),
                "" if megabytes is None else f"{megabytes:.2f}",
                *(f"{times[n]:.1f}" for n in batches),
                f"{1000 * int(batches[-1]) / times[batches[-1]]:.0f}",
                f"{figures['peak_mb']:.0f}",
                f"{figures['largest']:.1e}",
                f"{figures['mean']:.1e}",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(argv: list[str]) -> None:
    """Writes the exports, times all cases in turns and prints a table."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if FLAGS.case == "prepare":
        print(json.dumps(prepare(pathlib.Path(FLAGS.folder))))
        return
    if FLAGS.case:
        print(json.dumps(measure(FLAGS.case, pathlib.Path(FLAGS.folder))))
        return

    def run(case: str, folder: str):
        given = FLAGS.flags_into_string().splitlines()
        output = subprocess.run(
            [sys.executable, argv[0], *given, f"--case={case}", f"--folder={folder}"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        return json.loads(output.splitlines()[-1])

    with tempfile.TemporaryDirectory() as folder:
        cases = run("prepare", folder)
        turns: dict[str, list] = {case: [] for case in cases}
        for _ in range(FLAGS.rounds):
            for case in cases:
                turns[case].append(run(case, folder))
        results = {}
        for case, found in turns.items():
            results[case] = found[0] | {
                "megabytes": size_of(case, pathlib.Path(folder)),
                "peak_mb": max(each["peak_mb"] for each in found),
                "milliseconds": {
                    n: statistics.median(each["milliseconds"][n] for each in found)
                    for n in FLAGS.batch_sizes
                },
            }
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, {FLAGS.threads} threads"
    print(f"{FLAGS.model}; {machine}; load {os.getloadavg()[0]:.1f}")
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(table(results))
    text = json.dumps(
        {"model": FLAGS.model, "machine": machine, "versions": versions}
        | {"cases": results}
    )
    print(text)
    if FLAGS.json:
        pathlib.Path(FLAGS.json).write_text(text + "\n")


if __name__ == "__main__":
    app.run(main)

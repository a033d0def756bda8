"""Load test of `keras-stargan serve`: server, clients and bare model on one machine.

The bare model is the same signature, called with whole batches in a process of its own.
It and the server take turns, so that a machine whose speed changes treats both alike,
and the medians of all turns are compared.

Server and clients share the machine with the model. What the server costs besides the
model can also be seen in its CPU time per picture, which other programs hardly change.
"""

import base64
import contextlib
import http.client
import io
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
from absl import app, flags
from PIL import Image

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIGNATURE = "translate_bytes"
CLIENTS = (1, 4, 16, 32)
MANY = 16  # clients whose rate is multiplied for the overload
BATCHES = (1, 2, 4, 8, 16)
OVERLOAD = 4  # times what the server can do
MOST_OPEN = 1000  # requests of the overload that wait for an answer

flags.DEFINE_string(
    "model", None, "What `keras-stargan serve` takes. Default: an untrained StarGAN."
)
flags.DEFINE_integer("image_size", 64, "Side of the untrained model's pictures.")
flags.DEFINE_integer("conv_dim", 32, "Channels of its first layers.")
flags.DEFINE_integer("num_residual_blocks", 3, "Its residual blocks.")
flags.DEFINE_integer("rounds", 7, "Turns of bare model and server.")
flags.DEFINE_float("seconds", 2.0, "Seconds of each measurement.")
flags.DEFINE_integer("max_waiting", 64, "Pictures that may wait in the server.")
FLAGS = flags.FLAGS


def photo() -> bytes:
    """A JPEG file of the size of CelebA's."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), "uint8")
    file = io.BytesIO()
    Image.fromarray(pixels).resize((178, 218), Image.Resampling.BICUBIC).save(
        file, "JPEG"
    )
    return file.getvalue()


def make_model(path: str, image_size: int, conv_dim: int, blocks: int) -> None:
    """Writes an untrained StarGAN. Runs in a process of its own."""
    import keras_stargan

    keras_stargan.StarGAN(
        image_size=image_size,
        labels=keras_stargan.LabelSet(("angry", "happy", "sad")),
        conv_dim=conv_dim,
        num_residual_blocks=blocks,
        num_discriminator_layers=4,
    ).save(path)


def load_bare(model: str) -> None:
    """Begins the process of the bare model."""
    global bare
    from keras_stargan.serving.samples import PICTURES, sample_inputs, target_names
    from keras_stargan.serving.signatures import load_signatures

    signatures = load_signatures(model)
    inputs = sample_inputs(signatures[SIGNATURE], target_names(signatures))
    for name in set(PICTURES) & set(inputs):
        inputs[name][:] = [photo()]
    bare = signatures[SIGNATURE].function, inputs


def sample_row() -> dict[str, Any]:
    """The inputs of one picture, as JSON has them. Runs in the bare model's process."""
    _, inputs = bare
    return {
        name: {"b64": base64.b64encode(array[0]).decode()}
        if array.dtype == object
        else array[0].item()
        for name, array in inputs.items()
    }


def bare_load(batch: int, seconds: float) -> dict[str, float]:
    """Whole batches, one after the other. Runs in the bare model's process."""
    function, inputs = bare
    inputs = {name: np.repeat(array, batch, 0) for name, array in inputs.items()}
    function(**inputs)
    start, busy, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() < start + seconds:
        function(**inputs)
        count += batch
    return {
        "speed": count / (time.perf_counter() - start),
        "cpu": 1000 * (time.process_time() - busy) / count,
    }


class Connection:
    """A client's connection, which is kept between requests."""

    def __init__(self, port: int, path: str, body: bytes) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._request = ("POST", f"{path}:predict", body)

    def ask(self) -> int | str:
        """Sends a request; the code of the answer, or what went wrong."""
        try:
            self._http.request(*self._request)
            response = self._http.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            return type(error).__name__
        if response.status == 200 and b'"error":""' not in content:
            return "not translated"
        return response.status


def closed_load(
    clients: int, seconds: float, make: Callable[[], Connection]
) -> dict[str, Any]:
    """Each client asks again as soon as it has its answer."""
    times: list[float] = []
    codes: Counter = Counter()
    end = time.perf_counter() + seconds

    def client() -> None:
        connection = make()
        while (start := time.perf_counter()) < end:
            codes[connection.ask()] += 1
            times.append(time.perf_counter() - start)

    start, busy = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - start
    return {
        "speed": codes[200] / wall,
        "p50": 1000 * np.percentile(times, 50),
        "p99": 1000 * np.percentile(times, 99),
        "codes": dict(codes),
        "clients_cpu": 1000 * (time.process_time() - busy) / len(times),
    }


def open_load(
    rate: float, seconds: float, make: Callable[[], Connection]
) -> dict[str, Any]:
    """Requests come at a rate, whether or not the earlier ones have an answer."""
    local = threading.local()
    codes: Counter = Counter()

    def ask() -> None:
        if not hasattr(local, "connection"):
            local.connection = make()
        codes[local.connection.ask()] += 1

    start, sent = time.perf_counter(), 0
    with ThreadPoolExecutor(MOST_OPEN) as pool:
        while (now := time.perf_counter() - start) < seconds:
            for _ in range(int(now * rate) - sent):
                pool.submit(ask)
                sent += 1
            time.sleep(0.005)
    wall = time.perf_counter() - start
    return {"sent": sent, "codes": dict(codes), "speed": codes[200] / wall}


def load(
    kind: Callable, amount: float, seconds: float, port: int, path: str, body: bytes
) -> dict[str, Any]:
    """One of the two loads. Runs in the clients' process."""
    return kind(amount, seconds, lambda: Connection(port, path, body))


@contextlib.contextmanager
def serving(model: str, max_waiting: int) -> Iterator[tuple[int, str]]:
    """Runs the server in its own process; gives its port and the model's path."""
    main = "import sys; from keras_stargan.cli.main import main; sys.exit(main())"
    flags = [f"--model={model}", "--port=0", f"--max_waiting={max_waiting}"]
    command = [sys.executable, "-c", main, "serve", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            found = None
            while found is None:
                line = process.stdout.readline()
                if not line:
                    raise RuntimeError("the server did not start")
                found = re.match(r"http://127.0.0.1:(\d+)(/\S+)", line)
            yield int(found[1]), found[2]
        finally:
            process.terminate()
            print(f"The server's exit status: {process.wait(60)}")


def totals(port: int) -> np.ndarray:
    """Pictures that the server has translated, their batches, and its CPU seconds."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    rows = "keras_stargan_batch_pictures"
    names = (f"{rows}_sum", f"{rows}_count", "process_cpu_seconds_total")
    return np.array(
        [float(re.search(rf"^{name} (\S+)$", text, re.M)[1]) for name in names]
    )


def median(turns: list[dict[str, float]]) -> dict[str, float]:
    """The median of each figure."""
    return {key: float(np.median([one[key] for one in turns])) for key in turns[0]}


def measure(model: str) -> None:
    """Measures bare model and server in turns, and prints a table."""
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawn, load_bare, (model,)) as bare_process,
        ProcessPoolExecutor(1, spawn) as clients_process,
    ):
        row = bare_process.submit(sample_row).result()
        request = {"signature_name": SIGNATURE, "instances": [row]}
        with serving(model, FLAGS.max_waiting) as (port, path):
            there = (port, path, json.dumps(request).encode())

            def loaded(kind: Callable, amount: float) -> dict[str, Any]:
                arguments = (kind, amount, FLAGS.seconds, *there)
                return clients_process.submit(load, *arguments).result()

            turns: dict[str, list[dict[str, float]]] = defaultdict(list)
            for _ in range(FLAGS.rounds):
                for batch in BATCHES:
                    half = FLAGS.seconds / 2
                    found = bare_process.submit(bare_load, batch, half).result()
                    turns[f"bare {batch}"].append(found)
                for clients in CLIENTS:
                    before = totals(port)
                    found = loaded(closed_load, clients)
                    pictures, count, cpu = totals(port) - before
                    if set(codes := found.pop("codes")) != {200}:
                        raise RuntimeError(f"lost requests: {codes}")
                    found |= {"batch": pictures / count, "cpu": 1000 * cpu / pictures}
                    turns[f"server {clients}"].append(found)
            medians = {name: median(found) for name, found in turns.items()}
            report(medians)
            rate = OVERLOAD * medians[f"server {MANY}"]["speed"]
            found = loaded(open_load, rate)
            answered = sum(found["codes"].get(code, 0) for code in (200, 429))
            print(
                f"{OVERLOAD} times as many requests ({rate:.0f}/s): {found['sent']} "
                f"sent, answers {found['codes']}, lost {found['sent'] - answered}; "
                f"{found['speed']:.1f} pictures/s"
            )


def report(medians: dict[str, dict[str, float]]) -> None:
    """Prints the tables."""
    bare = {size: medians[f"bare {size}"] for size in BATCHES}
    most = max(one["speed"] for one in bare.values())
    print("| bare model, batch of | pictures/s | CPU ms per picture |\n|---|---|---|")
    for size, one in bare.items():
        print(f"| {size} | {one['speed']:.1f} | {one['cpu']:.1f} |")
    print(
        "\n| clients | pictures/s | of the bare model's best | batches of | p50 ms | "
        "p99 ms | server's CPU ms per picture | clients' |"
    )
    print("|---" * 8 + "|")
    for clients in CLIENTS:
        found = medians[f"server {clients}"]
        print(
            f"| {clients} | {found['speed']:.1f} | {found['speed'] / most:.0%} | "
            f"{found['batch']:.1f} | {found['p50']:.0f} | {found['p99']:.0f} | "
            f"{found['cpu']:.1f} | {found['clients_cpu']:.1f} |"
        )
    print()


def main(_: list[str]) -> None:
    """Measures --model or an untrained one."""
    with tempfile.TemporaryDirectory() as folder:
        model = FLAGS.model
        if model is None:
            model = str(pathlib.Path(folder) / "untrained.keras")
            sizes = (FLAGS.image_size, FLAGS.conv_dim, FLAGS.num_residual_blocks)
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, spawn) as process:
                process.submit(make_model, model, *sizes).result()
        measure(model)


if __name__ == "__main__":
    app.run(main)

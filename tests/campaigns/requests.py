"""Hostile requests to `keras-stargan serve` and to a SavedModel's signatures.

    cd tests && python -m campaigns.requests --number=20000 --connections=10000

Every hundredth request is a good one, whose answer must be right and come soon.
"""

import argparse
import base64
import collections
import contextlib
import json
import pathlib
import resource
import sys
import tempfile
import time

import numpy as np
from campaigns.mutated_pictures import saved
from campaigns.pictures import make_models
from PIL import Image
from rest_server import PREDICT, served

SECONDS = 5.0  # for a good request, whatever else the server does
_SEND_BY = 100  # a good request after so many hostile ones
_PICTURE = saved(Image.new("RGB", (20, 20), "teal"), "PNG")
_VALUES = (
    lambda rng: float(rng.choice([0.0, 1.5, -1e308, 1e39])),
    lambda rng: int(rng.choice([0, -1, 2**31, 2**63 - 1])),
    lambda rng: 10 ** int(rng.integers(20, 400)),
    lambda rng: None,
    lambda rng: bool(rng.integers(2)),
    lambda rng: "x" * int(rng.choice([0, 1, 1000, 1_000_000])),
    lambda rng: "\U0001f600\0\u202e",
    lambda rng: [],
    lambda rng: {},
    lambda rng: [[]] * int(rng.integers(1, 1000)),
    lambda rng: {"b64": "?"},
    lambda rng: {"b64": base64.b64encode(rng.bytes(100)).decode()},
    lambda rng: {"b64": 1},
    lambda rng: np.zeros(rng.integers(0, 5, size=rng.integers(0, 6))).tolist(),
)


def good_request() -> dict:
    """A request that must be answered."""
    row = {"encoded": {"b64": base64.b64encode(_PICTURE).decode()}, "target": "happy"}
    return {"signature_name": "translate_bytes", "instances": [row]}


def hostile_body(seed: int, number: int) -> tuple[str, bytes]:
    """What was done to a request, and its body; always the same of a number."""
    rng = np.random.default_rng((seed, number))
    how = ("value", "bytes", "depth", "number")[rng.choice(4, p=(0.6, 0.2, 0.1, 0.1))]
    if how == "value":
        given = good_request() if rng.integers(2) else _tensor_request()
        holder, keys = given, ["signature_name", "instances", "inputs", "more"]
        if rng.integers(4):
            holder = given["instances"][0]
            keys = [*holder, "more"]
        key = keys[rng.integers(len(keys))]
        holder[key] = _VALUES[rng.integers(len(_VALUES))](rng)
        return how, json.dumps(given).encode()
    if how == "bytes":
        content = bytearray(json.dumps(good_request()).encode())
        for at in rng.integers(len(content), size=rng.integers(1, 5)):
            content[at] = rng.integers(256)
        return how, bytes(content[: rng.integers(1, len(content) + 1)])
    if how == "depth":
        depth = int(rng.choice([60, 70, 500, 1000, 1024, 1025, 100_000]))
        value = "[" * depth + '"a"' + "]" * depth
        name = ("translate_bytes", "serving_default")[rng.integers(2)]
        text = f'{{"signature_name": "{name}", "inputs": {{"encoded": {value}, '
        return how, f'{text}"target": ["a"]}}}}'.encode()
    word = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000)[rng.integers(5)]
    text = json.dumps(_tensor_request()).replace("0.25", word, 1)
    return how, text.encode()


def _tensor_request() -> dict:
    images = np.full((16, 16, 3), 0.25).tolist()
    return {"instances": [{"images": images, "labels": [1.0, 0.0]}]}


def try_requests(client, numbers, seed: int) -> dict:
    """Sends hostile requests, and good ones between them.

    Args:
        client: of the server.
        numbers: of the requests.
        seed: of the requests.

    Returns:
        How many answers had which code, the slowest good answer in seconds, and what
        failed: an answer that is late, neither 200 nor a short 400 that says why, or
        another to the good request.
    """
    counts: collections.Counter = collections.Counter()
    failures, slowest = [], 0.0
    expected = client.post(PREDICT, good_request()).text
    for number in numbers:
        how, body = hostile_body(seed, number)
        answer = client.post(PREDICT, body)
        counts[f"{how} {answer.status}"] += 1
        if answer.status not in (200, 400):
            failures.append(f"{number}: {answer.status}: {answer.text[:200]}")
        if answer.status == 400 and not 20 < len(answer.text) < 2000:
            failures.append(f"{number}: {len(answer.text)} bytes of an error")
        if number % _SEND_BY == 0:
            slowest = max(slowest, _good(client, expected, failures))
    return {"counts": dict(counts), "slowest_good": slowest, "failures": failures}


def try_silence(client, count: int, say: bytes = b"") -> dict:
    """Opens connections that say nothing more, and asks beside them.

    Args:
        client: of the server.
        count: of connections.
        say: what each sends.

    Returns:
        As `try_requests`.
    """
    expected = client.post(PREDICT, good_request()).text
    failures, slowest, sockets = [], 0.0, []
    try:
        for number in range(count):
            one = client.connect()
            sockets.append(one)
            with contextlib.suppress(OSError):  # Closed where there are too many.
                one.sendall(say)
            if number % max(1, count // 20) == 0:
                slowest = max(slowest, _good(client, expected, failures))
        slowest = max(slowest, _good(client, expected, failures))
    finally:
        for one in sockets:
            one.close()
    slowest = max(slowest, _good(client, expected, failures))
    counts = {f"silent after {len(say)} bytes": count}
    return {"counts": counts, "slowest_good": slowest, "failures": failures}


def try_leaving(client, count: int) -> dict:
    """Sends requests, part of them or whole, and goes away before the answer."""
    body = json.dumps(good_request()).encode()
    header = (
        f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    whole = header.encode() + body
    expected = client.post(PREDICT, good_request()).text
    failures: list[str] = []
    slowest = 0.0
    for number in range(count):
        length = 1 + number * 7919 % len(whole) if number % 2 else len(whole)
        with client.connect() as one:
            one.sendall(whole[:length])
        if number % 50 == 0:
            slowest = max(slowest, _good(client, expected, failures))
    slowest = max(slowest, _good(client, expected, failures))
    counts = {"gone": count}
    return {"counts": counts, "slowest_good": slowest, "failures": failures}


def _good(client, expected: str, failures: list[str]) -> float:
    """The seconds that a good request takes."""
    start = time.monotonic()
    try:
        answer = client.post(PREDICT, good_request())
        if (answer.status, answer.text) != (200, expected):
            failures.append(f"a good request: {answer.status}: {answer.text[:200]}")
    except OSError as error:
        failures.append(f"a good request: {error}")
    seconds = time.monotonic() - start
    if seconds > SECONDS:
        failures.append(f"a good request: {seconds:.1f} seconds")
    return seconds


def try_signatures(signatures, number: int, seed: int) -> dict:
    """Calls a model's signatures with arrays of wrong types, shapes and values.

    Args:
        signatures: as `tf.saved_model.load(folder).signatures`.
        number: of calls.
        seed: of the arrays.

    Returns:
        How many calls of each signature gave an error and how many an answer. A call
        that ends the process ends this one.
    """
    import tensorflow as tf

    counts: collections.Counter = collections.Counter()
    names = [name for name in signatures if name != "label_names"]
    for each in range(number):
        rng = np.random.default_rng((seed, each))
        name = names[rng.integers(len(names))]
        specs = signatures[name].structured_input_signature[1]
        given = {key: _hostile_tensor(rng, spec) for key, spec in specs.items()}
        if rng.integers(10) == 0:
            given.popitem()
        try:
            signatures[name](**given)
            counts[f"{name} answered"] += 1
        except (TypeError, ValueError, tf.errors.OpError):
            counts[f"{name} refused"] += 1
    return {"counts": dict(counts), "failures": []}


def _hostile_tensor(rng, spec):
    import tensorflow as tf

    rows = int(rng.choice([0, 1, 1, 2, 3]))
    shape = [rows, *(axis or 16 for axis in spec.shape[1:])]
    if rng.integers(3) == 0:
        shape = rng.integers(0, 17, size=rng.integers(0, 5)).tolist()
    if spec.dtype == tf.string and rng.integers(6):
        shape = [min(axis, 3) for axis in shape[:3]]
        texts = [
            b"",
            _PICTURE,
            b"happy",
            b"\xff" * 1000,
            b"x" * 10**6,
            b"happy,sad",
            b",",
        ]
        return tf.constant(rng.choice(np.array(texts, object), size=shape), tf.string)
    dtype = spec.dtype if rng.integers(4) else tf.float64
    if dtype == tf.string:
        dtype = tf.int32
    if dtype.is_integer:
        return tf.constant(rng.choice([-(2**31), -1, 0, 2**31 - 1], size=shape), dtype)
    values = [0.0, 1.0, np.nan, np.inf, -np.inf, 1e30]
    return tf.cast(tf.constant(rng.choice(values, size=shape)), dtype)


def main() -> None:
    """Runs the campaign."""
    import tensorflow as tf

    from keras_stargan.serving.signatures import load_signatures

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=20_000, help="requests and calls")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=pathlib.Path, help="a JSON file of the results"
    )
    arguments = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as folder:
        models = pathlib.Path(folder)
        make_models(models)
        loaded = tf.saved_model.load(str(models / "exported"))
        with served(load_signatures(models / "exported")) as client:
            numbers = range(arguments.number)
            found = {
                "requests": try_requests(client, numbers, arguments.seed),
                "signatures": try_signatures(
                    loaded.signatures, arguments.number, arguments.seed
                ),
                "silent": try_silence(client, arguments.connections),
                "slow": try_silence(client, arguments.connections, b"POST / HTTP/1.1"),
                "gone": try_leaving(client, arguments.number // 10),
            }
    found["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    text = json.dumps(found, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text)
    sys.exit(any(part["failures"] for part in found.values() if isinstance(part, dict)))


if __name__ == "__main__":
    main()

"""`keras-stargan serve` under load: how it makes batches, and where its bounds are."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rest_server import PREDICT, doubling, served, until

from keras_stargan.serving.batching import batch_sizes
from keras_stargan.serving.samples import warm_up


@pytest.fixture(scope="module")
def doubler():
    with served({"serving_default": doubling()}, max_waiting=2) as client:
        yield client


class Gate:
    """A signature that doubles, but not before `open()`; it notes its batches."""

    def __init__(self):
        self.batches = []
        self.entered = threading.Event()
        self._gate = threading.Event()
        self.open = self._gate.set

    def __call__(self, x):
        self.batches.append(x.tolist())
        self.entered.set()
        assert self._gate.wait(60)
        if (x < 0).any():
            raise ValueError("x must not be negative")
        return {"y": 2 * x}


@pytest.fixture
def gated():
    """Gives a server whose model is at work and stands still, and what to ask with."""
    gate = Gate()
    with contextlib.ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(8))

        def start(**limits):
            signatures = {"serving_default": doubling(gate)}
            limits = {"at_once": 1} | limits
            client = stack.enter_context(served(signatures, **limits))
            stack.callback(gate.open)

            def ask(*values):
                return pool.submit(client.post, PREDICT, {"instances": values})

            first = ask(0)
            assert gate.entered.wait(60)
            return client, gate, ask, first

        yield start


def test_requests_that_wait_are_joined(gated):
    client, gate, ask, first = gated()
    waiting = [ask(1, 2), ask(3, 4)]
    until(lambda: client.waiting() == 4)
    gate.open()
    assert first.result().json() == {"predictions": [0]}
    answers = [one.result().json()["predictions"] for one in waiting]
    assert answers == [[2, 4], [6, 8]]
    assert [len(batch) for batch in gate.batches] == [1, 4]


def test_two_batches_are_run_at_the_same_time(gated):
    _, gate, ask, first = gated(at_once=2)
    second = ask(1)
    until(lambda: len(gate.batches) == 2)
    gate.open()
    answers = [one.result().json()["predictions"] for one in (first, second)]
    assert answers == [[0], [2]]


def test_a_batch_is_filled_up(gated):
    client, gate, ask, _ = gated()
    answer = ask(1, 2, 3)
    until(lambda: client.waiting() == 3)
    gate.open()
    assert answer.result().json() == {"predictions": [2, 4, 6]}
    assert gate.batches == [[0], [1, 2, 3, 3]]


def test_a_batch_needs_no_filling_if_the_rest_can_wait(gated):
    client, gate, ask, _ = gated(max_batch=8)
    waiting = [ask(value) for value in range(5)]
    until(lambda: client.waiting() == 5)
    gate.open()
    for one in waiting:
        one.result()
    assert [len(batch) for batch in gate.batches] == [1, 4, 1]


def test_a_large_request_is_split(gated):
    client, gate, ask, _ = gated(max_batch=4)
    answer = ask(*range(10))
    until(lambda: client.waiting() == 10)
    gate.open()
    assert answer.result().json()["predictions"] == [2 * i for i in range(10)]
    assert [len(batch) for batch in gate.batches] == [1, 4, 4, 2]


def test_a_wrong_request_fails_alone(gated):
    client, gate, ask, _ = gated()
    good, bad = ask(1), ask(-1)
    until(lambda: client.waiting() == 2)
    gate.open()
    assert good.result().json() == {"predictions": [2]}
    assert bad.result().status == 400
    assert bad.result().json() == {"error": "x must not be negative"}


def test_beyond_the_bound_requests_are_refused_and_none_is_lost(gated):
    client, gate, ask, first = gated(max_waiting=3)
    second = ask(1, 2)
    until(lambda: client.waiting() == 2)
    full = ask(3, 4).result()
    assert full.status == 429
    assert full.headers["Retry-After"] == "1"
    assert "try again" in full.json()["error"]
    assert "keras_stargan_rejected_total 1.0" in client.get("/metrics").text
    third = ask(5)
    until(lambda: client.waiting() == 3)
    assert ask(6).result().status == 429
    gate.open()
    answers = [one.result().status for one in (first, second, third)]
    assert answers == [200, 200, 200]
    assert ask(7).result().status == 200


def test_all_open_requests_together_have_a_bound(gated):
    body = '{"instances": [1]}'.ljust(1000)
    client, gate, _, _ = gated(max_request=1000, max_open=1500)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.post, PREDICT, body)
        until(lambda: client.waiting() == 1)
        assert client.post(PREDICT, body).status == 429
        gate.open()
        assert first.result().status == 200
    assert client.post(PREDICT, body).status == 200


def test_refused_requests_do_not_keep_others_out():
    header = f"POST {PREDICT} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n"
    limits = {"max_waiting": 1, "max_batch": 1, "at_once": 1, "max_request": 100}
    with (
        served({"serving_default": doubling()}, **limits) as client,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(3):
            refused = client.connect()
            stack.enter_context(refused)
            refused.sendall(f"{header}Expect: 100-continue\r\n\r\n".encode())
            # The server reads what it will throw away.
            assert b"100 Continue" in refused.recv(100)
        assert client.post(PREDICT, {"instances": [1]}).status == 200


def test_a_request_of_more_pictures_than_may_wait_is_too_large(doubler):
    answer = doubler.post(PREDICT, {"instances": [1, 2, 3]})
    assert answer.status == 413
    assert "3 rows; it may have 2" in answer.json()["error"]


def test_a_request_that_takes_too_long_gives_up_its_place(gated):
    client, _, ask, first = gated(timeout=0.2)
    late = ask(1)
    assert first.result().status == late.result().status == 504
    assert "within 0.2 seconds" in late.result().json()["error"]
    assert client.waiting() == 0


@pytest.mark.parametrize("begin", [b"", b"GET /healthz HTTP/1.1\r\nHost: h"])
@pytest.mark.parametrize("asks_before", [False, True])
def test_a_connection_is_closed_if_a_header_takes_too_long(begin, asks_before):
    signatures = {"serving_default": doubling()}
    with served(signatures, timeout=0.2) as client, client.connect() as slow:
        if asks_before:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            while not slow.recv(1000).endswith(b"ok\n"):
                pass
            begin = begin or b"G"  # Without any, it may stay open for longer.
        slow.sendall(begin)
        assert slow.recv(1000) == b""


def test_a_header_without_end_is_not_read():
    with (
        served({"serving_default": doubling()}) as client,
        client.connect() as endless,
        pytest.raises(OSError),
    ):
        endless.sendall(b"GET /healthz HTTP/1.1\r\n")
        while True:
            endless.sendall(b"X: " + b"x" * 1000 + b"\r\n")


def test_a_failure_of_the_model_is_told_and_survived():
    def fail(x):
        if x[0] == 0:
            raise MemoryError("too little memory")
        return {"y": x}

    with served({"serving_default": doubling(fail)}) as client:
        answer = client.post(PREDICT, {"instances": [0]})
        assert answer.status == 500
        assert answer.json() == {"error": "MemoryError: too little memory"}
        assert client.post(PREDICT, {"instances": [1]}).status == 200


def test_what_happens_is_counted():
    with served({"serving_default": doubling()}) as client:
        client.post(PREDICT, {"instances": [1, 2, 3]})
        client.post(PREDICT, {"instances": []})
        lines = client.get("/metrics").text.splitlines()
    for line in (
        'keras_stargan_requests_total{code="200"} 1.0',
        'keras_stargan_requests_total{code="400"} 1.0',
        "keras_stargan_pictures_total 3.0",
        "keras_stargan_batch_pictures_count 1.0",
        "keras_stargan_batch_pictures_sum 3.0",
        "keras_stargan_request_seconds_count 1.0",
        "keras_stargan_rejected_total 0.0",
        "keras_stargan_waiting_pictures 0.0",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("most", "sizes"), [(1, (1,)), (16, (1, 2, 4, 8, 16)), (12, (1, 2, 4, 8, 12))]
)
def test_batches_have_few_sizes(most, sizes):
    assert batch_sizes(most) == sizes


def test_every_size_is_tried_before_the_first_request():
    rows = []

    def note(x):
        rows.append(len(x))
        return {"y": x}

    def refuse(x):
        raise ValueError("not this one")

    signatures = {"a": doubling(note), "b": doubling(refuse)}
    (warning,) = warm_up(signatures, (), 4)
    assert rows == [1, 2, 4]
    assert warning == "b was not tried before the first request: not this one"


@pytest.mark.parametrize("value", ["1", True, None, [1, [2]], {"b64": "aa"}, 1e39])
def test_what_is_no_number_is_refused(doubler, value):
    answer = doubler.post(PREDICT, {"instances": [value]})
    assert answer.status == 400
    assert "x " in answer.json()["error"]

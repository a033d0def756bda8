"""The short form of `campaigns/requests.py`, and tests of the defects it found."""

import contextlib
import socket
import time

import numpy as np
import pytest
import tensorflow as tf
from campaigns import pictures, requests
from rest_server import PREDICT, doubling, served, until

from keras_stargan.serving import connections, server
from keras_stargan.serving.signatures import Signature, Spec, load_signatures


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    pictures.make_models(folder)
    return folder / "exported"


@pytest.fixture(scope="module")
def client(exported):
    with served(load_signatures(exported)) as client:
        yield client


def test_hostile_requests_are_refused_and_good_ones_answered(client):
    found = requests.try_requests(client, range(150), seed=0)
    assert found["failures"] == []
    assert {how.split()[0] for how in found["counts"]} == {
        "value",
        "bytes",
        "depth",
        "number",
    }


def test_clients_that_go_away_harm_nobody(client):
    assert requests.try_leaving(client, 30)["failures"] == []
    until(lambda: client.waiting() == 0)


def test_hostile_tensors_end_no_process(exported):
    loaded = tf.saved_model.load(str(exported))
    found = requests.try_signatures(loaded.signatures, 60, seed=0)
    refused = sum(n for how, n in found["counts"].items() if how.endswith("refused"))
    assert 0 < refused < 60


@pytest.fixture
def few_connections(monkeypatch):
    monkeypatch.setattr(server, "most_connections", lambda: 20)
    with served({"serving_default": doubling()}) as client:
        yield client


def test_silent_connections_do_not_keep_others_out(few_connections):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(few_connections.connect()) for _ in range(50)]
        assert few_connections.post(PREDICT, {"instances": [1]}).status == 200
        silent[0].settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            assert silent[0].recv(1) == b""
        silent[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert silent[-1].recv(1000).startswith(b"HTTP/1.1 200")


def test_connections_are_fewer_than_files_that_may_be_open():
    import resource

    most = connections.most_connections()
    assert 16 <= most < resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def test_an_answer_that_nobody_reads_is_dropped():
    def large(x):
        return {"y": np.zeros((len(x), 3_000_000), "float32")}

    signature = Signature(
        large, {"x": Spec((None,), "float32")}, {"y": Spec((None, None), "float32")}
    )
    with served({"serving_default": signature}, timeout=2.0) as client:
        body = b'{"instances": [1]}'
        head = (
            f"POST {PREDICT} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", client.port))
            deaf.settimeout(60)
            deaf.sendall(head.encode() + body)
            time.sleep(4)
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while some := deaf.recv(2**20):
                    received += len(some)
            # What the system had taken already; the answer has 12 MB.
            assert received < 9_000_000


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/v1/models/faces/versions/{'9' * 5000}:predict", "{}", (404, 405)),
        (f"/v1/models/{'x' * 20000}:predict", "{}", (404,)),
        (PREDICT, '{"signature_name": "' + "x" * 10**6 + '", "inputs": 1}', (400,)),
        (
            PREDICT,
            '{"signature_name": "translate_bytes", "inputs": {"target": ["a"], '
            '"encoded": ' + "[" * 1000 + '"a"' + "]" * 1000 + "}}",
            (400,),
        ),
    ],
    ids=["version", "model", "signature", "depth"],
)
def test_what_is_much_too_long_gets_a_short_error(client, path, body, status):
    answer = client.post(path, body)
    assert answer.status in status
    assert len(answer.json()["error"]) < 1100

"""A server for tests of `keras-stargan serve`, and a client that asks it."""

import contextlib
import json
import re
import signal
import socket
import threading
import time
import urllib.error
import urllib.request

from keras_stargan.serving.server import bind, make_server
from keras_stargan.serving.service import Limits, Service
from keras_stargan.serving.signatures import Signature, Spec

PREDICT = "/v1/models/faces:predict"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    def json(self):
        return json.loads(self.text)


class Client:
    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def connect(self):
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), 60)

    def get(self, path):
        return self._answer(path, None)

    def post(self, path, content):
        """Content is bytes, an iterator of bytes, a text, or what becomes JSON."""
        if isinstance(content, dict):
            content = json.dumps(content)
        if isinstance(content, str):
            content = content.encode()
        return self._answer(path, content)

    def waiting(self):
        """The number of rows that wait for the model."""
        text = self.get("/metrics").text
        return float(re.search(r"^keras_stargan_waiting_pictures (.*)$", text, re.M)[1])

    def _answer(self, path, content):
        request = urllib.request.Request(self.url + path, content)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error)


@contextlib.contextmanager
def served(signatures, version=1, **limits):
    service = Service("faces", signatures, Limits(**limits), version)
    started = threading.Event()
    with bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        running = make_server(service, started.set)
        thread = threading.Thread(target=running.run, args=([bound],))
        thread.start()
        try:
            assert started.wait(60)
            yield Client(port)
        finally:
            running.handle_exit(signal.SIGTERM, None)
            thread.join(60)
            assert not thread.is_alive()


def doubling(function=lambda x: {"y": 2 * x}):
    return Signature(
        function, {"x": Spec((None,), "float32")}, {"y": Spec((None,), "float32")}
    )


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)

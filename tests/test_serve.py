"""`keras-stargan serve`: TensorFlow Serving's REST form, addresses and command."""

import base64
import io
import re
import shlex
import signal
import socket
import struct
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from rest_server import PREDICT, Client, served, until

from keras_stargan import LabelSet, StarGAN
from keras_stargan.cli.serve import COMMAND, name_of
from keras_stargan.export import export_saved_model
from keras_stargan.serving import server
from keras_stargan.serving.client import RestClient, TranslationError
from keras_stargan.serving.samples import curl_line, target_names
from keras_stargan.serving.server import bind, make_app
from keras_stargan.serving.service import Limits, Service
from keras_stargan.serving.signatures import (
    load_signatures,
    saved_model_folder,
)

SIZE = 16
NAMES = ("angry", "happy", "sad")
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (2, SIZE, SIZE, 3)).astype("float32")
LABELS = np.eye(3, dtype="float32")[[0, 2]]


def picture_file(format, width=20, height=20):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, format)
    return buffer.getvalue()


def picture(width=20, height=20):
    return picture_file("PNG", width, height)


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def bytes_request(*rows):
    instances = [{"encoded": b64(file), "target": target} for file, target in rows]
    return {"signature_name": "translate_bytes", "instances": instances}


@pytest.fixture(scope="module")
def model():
    return StarGAN(
        image_size=SIZE,
        labels=LabelSet(NAMES),
        conv_dim=4,
        num_residual_blocks=1,
        num_discriminator_layers=2,
    )


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "faces"
    export_saved_model(model, path / "3")
    return path


@pytest.fixture(scope="module")
def signatures(exported):
    return load_signatures(exported)


@pytest.fixture(scope="module")
def client(signatures):
    with served(signatures, 3, max_pixels=10_000, max_request=500_000) as client:
        yield client


def test_rows_are_answered_with_rows(client, model):
    rows = [
        {"images": image.tolist(), "labels": label.tolist()}
        for image, label in zip(IMAGES, LABELS, strict=True)
    ]
    answer = client.post(PREDICT, {"instances": rows})
    found = answer.json()["predictions"]
    np.testing.assert_allclose(found, model.translate(IMAGES, LABELS), atol=1e-5)


def test_columns_are_answered_with_columns(client, model):
    inputs = {"images": IMAGES.tolist(), "labels": LABELS.tolist()}
    answer = client.post("/v1/models/faces/versions/3:predict", {"inputs": inputs})
    found = answer.json()["outputs"]
    np.testing.assert_allclose(found, model.translate(IMAGES, LABELS), atol=1e-5)


def test_several_outputs_in_columns_are_named(client):
    inputs = {"encoded": [b64(picture())], "target": ["sad"]}
    answer = client.post(
        PREDICT, {"signature_name": "translate_bytes", "inputs": inputs}
    )
    assert answer.json()["outputs"]["error"] == [""]


def test_a_file_comes_back_as_a_file(client, signatures):
    answer = client.post(PREDICT, bytes_request((picture(), "happy")))
    (row,) = answer.json()["predictions"]
    expected = signatures["translate_bytes"].function(
        encoded=np.array([picture()], object), target=np.array([b"happy"], object)
    )
    file = base64.b64decode(row["encoded_bytes"]["b64"])
    assert file == expected["encoded_bytes"][0]


@pytest.mark.parametrize(
    ("file", "target", "error"),
    [
        (b"no picture", "happy", "encoded cannot be read"),
        (picture(200, 100), "happy", "at most 10,000 pixels; received 200 x 100"),
        (picture(), "lion", "angry, happy, sad"),
    ],
)
def test_a_bad_entry_does_not_fail_the_others(client, file, target, error):
    request = bytes_request((picture(), "sad"), (file, target), (picture(), "sad"))
    first, bad, last = client.post(PREDICT, request).json()["predictions"]
    assert error in bad["error"]
    assert bad["encoded_bytes"]["b64"] == ""
    assert first == last
    assert first["error"] == ""
    assert first["encoded_bytes"]["b64"]


def gif(*frames):
    """A file that declares 20 x 20 pixels, with frames of other sizes."""
    start = picture_file("GIF")
    at = start.index(b"\x2c\0\0\0\0\x14\0\x14\0")
    frame = start[at:-1]
    sizes = (struct.pack("<HH", *size) for size in frames)
    return start[:at] + b"".join(frame[:5] + s + frame[9:] for s in sizes) + b";"


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([(20, 20), (20, 20)], ""),
        ([(20, 20), (6000, 6000)], "in all its frames together; received 36,000,400"),
        ([(20, 20)] * 30, "in all its frames together; received 12,000"),
    ],
)
def test_all_frames_of_a_gif_count(client, frames, error):
    content = gif(*frames)
    (row,) = client.post(PREDICT, bytes_request((content, "sad"))).json()["predictions"]
    assert error in row["error"]
    assert bool(error) == bool(row["error"])


def test_the_rest_client_works_with_it(client, model):
    rest = RestClient(client.url, "faces")
    assert rest.ready()
    with pytest.raises(TranslationError, match="encoded cannot be read") as raised:
        rest.translate([picture(), b"no picture"], "happy")
    translated, nothing = raised.value.pictures
    assert nothing is None
    assert translated.size == (SIZE, SIZE)
    inputs = {"images": IMAGES, "labels": LABELS}
    found = rest.predict("translate_label", **inputs)["translated"]
    np.testing.assert_allclose(found, model.translate(IMAGES, LABELS), atol=1e-5)


def test_names_are_told_for_no_inputs(client):
    request = {"signature_name": "label_names", "inputs": {}}
    assert client.post(PREDICT, request).json() == {"outputs": list(NAMES)}


def test_the_printed_line_works(client, signatures):
    assert target_names(signatures) == NAMES
    line = curl_line("/v1/models/faces", signatures, NAMES)
    *_, path, flag, body = shlex.split(line)
    assert flag == "-d"
    (row,) = client.post(path, body).json()["predictions"]
    assert row["error"] == ""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", '"instances" or "inputs"'),
        ('{"inputs": 1, "instances": 1}', '"instances" or "inputs"'),
        ('{"signature_name": 1, "inputs": 1}', "must be a string"),
        ('{"signature_name": "fly", "inputs": 1}', "'fly'; there are serving_default"),
        ('{"instances": []}', "at least one instance"),
        ('{"instances": [{"images": 1}]}', r"instances[0] must have images, labels"),
        ('{"inputs": [1]}', "takes images, labels"),
        ('{"inputs": {"images": [], "labels": []}}', "images must have the shape"),
        (
            '{"signature_name": "translate_bytes", "inputs": {"encoded": [], '
            '"target": []}}',
            "at least 1; they are: encoded 0, target 0",
        ),
        (
            '{"signature_name": "translate_bytes", "inputs": {"encoded": ["a"], '
            '"target": ["sad", "sad"]}}',
            "encoded 1, target 2",
        ),
        (
            '{"signature_name": "translate_bytes", "inputs": {"encoded": '
            '[{"b64": "?"}], "target": ["sad"]}}',
            "encoded has wrong base64",
        ),
        (
            '{"signature_name": "translate_bytes", "inputs": {"encoded": '
            '[["a"], ["b", "c"]], "target": ["sad", "sad"]}}',
            "lists of equal lengths",
        ),
        (
            '{"signature_name": "translate_bytes", "inputs": {"encoded": [1], '
            '"target": ["sad"]}}',
            "encoded must be a list of strings",
        ),
    ],
)
def test_wrong_requests_are_told_what_is_wrong(client, body, message):
    answer = client.post(PREDICT, body)
    assert answer.status == 400
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/v1/models/cats", "no model 'cats'; there is 'faces'"),
        ("/v1/models/faces/versions/4", "no version 4 of 'faces'; there is 3"),
        ("/v1/models/cats/metadata", "no model 'cats'"),
        ("/v2/models", "Not served: GET /v2/models"),
    ],
)
def test_other_addresses_are_not_found(client, path, message):
    answer = client.get(path)
    assert answer.status == 404
    assert message in answer.json()["error"]
    answer = client.post("/v1/models/cats:predict", {"instances": [1]})
    assert answer.status == 404


def chunks(count):
    for _ in range(count):
        yield b" " * 100_000


@pytest.mark.parametrize("content", [b" " * 600_000, chunks(6)])
def test_a_request_that_is_too_large_is_refused(client, content):
    answer = client.post(PREDICT, content)
    assert answer.status == 413
    assert "larger than 500,000 bytes" in answer.json()["error"]


def test_large_requests_and_small_ones_have_the_same_answers(client):
    # A small one is read by the event loop, a large one in a thread.
    noise = io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (90, 90, 3), "uint8")).save(noise, "PNG")
    row = (noise.getvalue(), "sad")
    (one,) = client.post(PREDICT, bytes_request(row)).json()["predictions"]
    several = client.post(PREDICT, bytes_request(row, row, row, row))
    assert several.json()["predictions"] == [one] * 4


def test_the_state_is_told(client):
    (state,) = client.get("/v1/models/faces").json()["model_version_status"]
    assert state == {
        "version": "3",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    assert client.get("/healthz").status == 200
    assert client.get("/readyz").status == 200


def test_metadata_are_those_of_tensorflow_serving(client, exported):
    from google.protobuf import json_format
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    content = (exported / "3" / "saved_model.pb").read_bytes()
    written = SavedModel.FromString(content).meta_graphs[0].signature_def
    # Internal to TensorFlow.
    del written["__saved_model_init_op"]
    for one in written.values():
        for output in one.outputs.values():
            output.name = ""
    expected = {
        name: json_format.MessageToDict(
            one,
            preserving_proto_field_name=True,
            always_print_fields_with_no_presence=True,
        )
        for name, one in written.items()
    }
    answer = client.get("/v1/models/faces/metadata").json()
    assert answer["model_spec"] == {
        "name": "faces",
        "signature_name": "",
        "version": "3",
    }
    assert answer["metadata"]["signature_def"]["signature_def"] == expected


def test_a_model_that_is_not_exported_is_served_too(model, signatures, tmp_path):
    model.save(tmp_path / "faces.keras")
    loaded = load_signatures(tmp_path / "faces.keras")
    assert {name: one[1:] for name, one in loaded.items()} == {
        name: one[1:] for name, one in signatures.items()
    }
    inputs = {"images": IMAGES, "labels": LABELS}
    np.testing.assert_allclose(
        loaded["serving_default"].function(**inputs)["translated"],
        model.translate(IMAGES, LABELS),
        atol=1e-5,
    )


def test_the_latest_version_is_taken(tmp_path):
    for version in ("2", "10", "old"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    assert saved_model_folder(tmp_path) == tmp_path / "10"
    assert saved_model_folder(tmp_path / "2") == tmp_path / "2"
    assert saved_model_folder(tmp_path / "nothing") is None


# Runs without TensorFlow. It says its port, and when its model is at work; the model
# goes on when it is told to.
SLOW_SERVER = """
import sys
from keras_stargan.serving.server import bind, make_server
from keras_stargan.serving.service import Limits, Service
from keras_stargan.serving.signatures import Signature, Spec

def double(x):
    print("at work", flush=True)
    sys.stdin.readline()
    return {"y": 2 * x}

spec = Spec((None,), "float32")
signatures = {"serving_default": Signature(double, {"x": spec}, {"y": spec})}
with bind("127.0.0.1", 0) as bound:
    port = bound.getsockname()[1]
    service = Service("faces", signatures, Limits())
    make_server(service, lambda: print(port, flush=True)).run(sockets=[bound])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_when_open_requests_are_answered(number):
    with (
        ThreadPoolExecutor() as pool,
        subprocess.Popen(
            [sys.executable, "-c", SLOW_SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            client = Client(int(process.stdout.readline()))
            answer = pool.submit(client.post, PREDICT, {"instances": [1]})
            assert process.stdout.readline() == "at work\n"
            process.send_signal(number)
            until(lambda: client.get("/readyz").status == 503)
            assert client.post(PREDICT, {"instances": [1]}).status == 503
            process.stdin.write("\n")
            process.stdin.flush()
            assert answer.result().json() == {"predictions": [2.0]}
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_answers_are_sent_at_once():
    with bind("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError):
        bind("127.0.0.1", other.getsockname()[1])


def test_the_command_serves_a_model_under_its_name(exported, monkeypatch, capsys):
    services = []

    def make(service, started):
        services.append(service)
        return types.SimpleNamespace(run=lambda sockets: started())

    monkeypatch.setattr(server, "make_server", make)
    COMMAND([f"--model={exported}", "--port=0", "--max_batch=2", "--max_request_mb=1"])
    (service,) = services
    assert (service.name, service.version) == ("faces", 3)
    assert service.limits.max_batch == 2
    assert service.limits.max_request == 2**20
    url, _, names, line = capsys.readouterr().out.splitlines()
    assert re.match(r"http://127.0.0.1:\d+/v1/models/faces ", url)
    assert names == "Targets: angry, happy, sad"
    assert line.startswith("Try: curl -X POST http://127.0.0.1:")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models/faces/1", "faces"),
        ("runs/faces", "faces"),
        ("faces.keras", "faces"),
        ("avatars", "avatars"),
    ],
)
def test_a_model_is_named_after_its_file(model, name):
    assert name_of(model) == name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give --model"),
        (["--model=m", "--timeout=0"], "--timeout must be more than 0; received 0"),
        (["--model=m", "--batch_wait=-1"], "--batch_wait must be 0 or more"),
        (["--model=m", "--name=a/b"], "no / and no :; received 'a/b'"),
        (["--model=."], "--name must have one letter or more"),
        (
            ["--model=m", "--max_open_mb=8"],
            "--max_open_mb must be at least --max_request_mb; received 8 and 16",
        ),
    ],
)
def test_wrong_flags_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        COMMAND(arguments)


@pytest.mark.parametrize("package", ["fastapi", "prometheus_client"])
def test_what_must_be_installed_is_named(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"keras-stargan\[serve\]"):
        make_app(Service("faces", {}, Limits()))

"""The clients, against a server of each kind that runs in this process."""

import base64
import contextlib
import http.server
import io
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2

from keras_stargan import LabelSet, StarGAN
from keras_stargan.export import export_saved_model
from keras_stargan.images import from_uint8, to_uint8
from keras_stargan.serving import client as clients
from keras_stargan.serving.client import (
    GrpcClient,
    Interface,
    RestClient,
    ServingError,
    TranslationError,
)
from keras_stargan.serving.server import bind, make_server
from keras_stargan.serving.service import Limits, Service
from keras_stargan.serving.signatures import Signature, Spec, load_signatures

SIZE, VERSION = 16, 3
NAMES = ("angry", "happy", "sad")
PIXELS = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), "uint8")


def file_of(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


# A method with styles, in as far as a client sees it: the "translation" says what came.

FILES, STRINGS = Spec((None,), "string"), Spec((None,), "string")
TRANSLATED = {"encoded_bytes": FILES, "error": STRINGS}
SEEDS = {"encoded": FILES, "domain": STRINGS, "seed": Spec((None,), "int64")}
REFERENCES = {"encoded": FILES, "reference": FILES, "domain": STRINGS}


def said(**inputs):
    columns = [inputs[name] for name in sorted(inputs)]
    rows = zip(*columns, strict=True)
    texts = ["; ".join(map(str, row)).encode() for row in rows]
    files = np.full(len(texts), b"", object)
    return {"encoded_bytes": files, "error": np.array(texts, object)}


STYLED = {
    "translate_bytes": Signature(said, SEEDS, TRANSLATED),
    "translate_bytes_by_reference": Signature(said, REFERENCES, TRANSLATED),
}


# Servers.


@contextlib.contextmanager
def rest(signatures):
    service, started = (
        Service("faces", signatures, Limits(), VERSION),
        threading.Event(),
    )
    with bind("127.0.0.1", 0) as bound:
        server = make_server(service, started.set)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        assert started.wait(60)
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.handle_exit(signal.SIGTERM, None)
            thread.join(60)


class TensorFlowServing:
    """Its services, as its messages describe them."""

    def __init__(self, signatures):
        self.signatures, self.requests, self.busy = signatures, [], 0

    def check(self, request, context):
        spec = request.model_spec
        if spec.name != "faces" or spec.version.value not in (0, VERSION):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
        if self.busy:
            self.busy -= 1
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "The queue is full")

    def Predict(self, request, context):
        self.check(request, context)
        self.requests.append(request)
        inputs = {k: tf.make_ndarray(v) for k, v in request.inputs.items()}
        signature = self.signatures[request.model_spec.signature_name]
        try:
            outputs = signature.function(**inputs)
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        answer = predict_pb2.PredictResponse()
        for key, array in outputs.items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(array))
        return answer

    def GetModelMetadata(self, request, context):
        self.check(request, context)
        assert request.metadata_field == ["signature_def"]
        definitions = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.signatures.items():
            for kind in ("inputs", "outputs"):
                for key, spec in getattr(signature, kind).items():
                    info = getattr(definitions.signature_def[name], kind)[key]
                    info.dtype = tf.as_dtype(spec.dtype).as_datatype_enum
                    shape = tf.TensorShape(spec.shape).as_proto()
                    info.tensor_shape.CopyFrom(shape)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(definitions)
        return answer

    def GetModelStatus(self, request, context):
        self.check(request, context)
        answer = get_model_status_pb2.GetModelStatusResponse()
        available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
        answer.model_version_status.add(version=VERSION, state=available)
        return answer

    # Not used.
    Classify = Regress = MultiInference = HandleReloadConfigRequest = None


@contextlib.contextmanager
def tensorflow_serving(signatures):
    services = TensorFlowServing(signatures)
    server = grpc.server(ThreadPoolExecutor(2))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        services, server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield services, f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


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
def signatures(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "faces" / str(VERSION)
    export_saved_model(model, path)
    return load_signatures(path)


@pytest.fixture(scope="module")
def served_grpc(signatures):
    with tensorflow_serving(signatures) as (services, address):
        yield services, address


@pytest.fixture(scope="module", params=["REST", "gRPC"])
def make_client(request, signatures, served_grpc):
    """Makes a client of the model."""
    if request.param == "gRPC":
        yield lambda *arguments, **options: GrpcClient(
            served_grpc[1], *arguments, **options
        )
        return
    with rest(signatures) as url:
        yield lambda *arguments, **options: RestClient(url, *arguments, **options)


@pytest.fixture(scope="module")
def client(make_client):
    return make_client("faces", retries=0)


# What clients do.


def test_pictures_of_every_kind_are_translated_in_their_order(client, model, tmp_path):
    (tmp_path / "a.png").write_bytes(file_of(PIXELS[0]))
    pictures = [
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        file_of(PIXELS[1], "BMP"),
        Image.fromarray(PIXELS[1]),
        PIXELS[2],
    ]
    targets = ["happy", "sad", "angry", "sad", "happy"]
    found = client.translate(pictures, targets, batch_size=2)
    images = from_uint8(PIXELS[[0, 0, 1, 1, 2]])
    numbers = [NAMES.index(target) for target in targets]
    expected = to_uint8(model.translate(images, numbers)).astype(int)
    assert [picture.mode for picture in found] == ["RGB"] * 5
    assert np.abs(np.stack(found) - expected).max() <= 1


def test_one_target_is_for_all_pictures(client):
    both = client.translate(PIXELS[:2], "sad")
    each = client.translate(PIXELS[:2], ["sad", "sad"])
    np.testing.assert_array_equal(np.stack(both), np.stack(each))


def test_what_is_wrong_with_some_pictures_is_raised_with_the_others(client):
    with pytest.raises(TranslationError) as caught:
        client.translate(
            [b"no picture", PIXELS[0], PIXELS[1]], ["sad", "hapy", "happy"]
        )
    unreadable, unknown, good = caught.value.errors
    assert "encoded cannot be read" in unreadable
    assert unknown == "target must be one of angry, happy, sad; received 'hapy'."
    assert good == ""
    assert caught.value.pictures[:2] == [None, None]
    (expected,) = client.translate(PIXELS[1:2], "happy")
    assert caught.value.pictures[2] == expected
    assert str(caught.value).startswith("2 of 3 pictures could not be translated. 0: ")


def test_signatures_of_tensors_are_run(client, model):
    images, labels = from_uint8(PIXELS), np.eye(3)
    found = client.predict("translate_label", images=images, labels=labels.tolist())
    expected = model.translate(images, labels)
    np.testing.assert_allclose(found["translated"], expected, atol=1e-5)
    assert found["translated"].dtype == "float32"


def test_a_signature_without_inputs_is_run(client):
    found = client.predict("label_names")
    assert found["names"].tolist() == [b"angry", b"happy", b"sad"]


def test_metadata_are_what_the_signatures_take_and_return(client, signatures):
    assert client.metadata() == {
        name: Interface(one.inputs, one.outputs) for name, one in signatures.items()
    }


def test_a_model_is_ready_if_it_is_there(make_client):
    assert make_client("faces").ready()
    assert make_client("faces", VERSION).ready()
    assert not make_client("faces", VERSION + 1).ready()
    assert not make_client("cats").ready()


def test_a_server_that_is_not_there_is_not_ready():
    with bind("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
    assert not RestClient(f"http://127.0.0.1:{port}", "faces").ready()
    assert not GrpcClient(f"127.0.0.1:{port}", "faces").ready()


def test_what_the_server_refuses_is_raised(make_client, client):
    with pytest.raises(ServingError, match=r"no model 'cats'|Servable not found"):
        make_client("cats", retries=0).translate(PIXELS, "happy")
    with pytest.raises(ServingError, match=r"images|shape"):
        client.predict("translate_label", images=[[0.0]], labels=[[1, 0, 0]])


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "translate_bytes of faces takes encoded, target; received encoded"),
        ({"domain": "cat"}, "received domain, encoded, seed"),
        ({"target": "sad", "source": "sad"}, "received encoded, source, target"),
        ({"reference": PIXELS[0]}, "no signature 'translate_bytes_by_reference'"),
        ({"target": ["sad", "sad"]}, "one for all pictures or a list of 3; received 2"),
    ],
)
def test_what_the_model_does_not_take_is_refused_before(client, given, message):
    with pytest.raises(ValueError, match=message):
        client.translate(PIXELS, **given)


def test_one_picture_instead_of_a_list_is_refused(client):
    for picture in ("me.png", b"", Image.fromarray(PIXELS[0])):
        with pytest.raises(ValueError, match="must be a list"):
            client.translate(picture, "happy")


@pytest.mark.parametrize("kind", ["REST", "gRPC"])
def test_domains_seeds_and_references_arrive(kind):
    files = [file_of(pixels) for pixels in PIXELS]
    texts = [str(file) for file in files]
    with contextlib.ExitStack() as stack:
        if kind == "REST":
            client = RestClient(stack.enter_context(rest(STYLED)), "faces")
        else:
            _, address = stack.enter_context(tensorflow_serving(STYLED))
            client = GrpcClient(address, "faces")

        def received(**given):
            with pytest.raises(TranslationError) as caught:
                client.translate(files[:2], **given)
            return [error.split("; ") for error in caught.value.errors]

        assert received(domain="cat") == [["b'cat'", t, "0"] for t in texts[:2]]
        assert received(domain=["cat", "dog"], seed=[7, 2**40]) == [
            ["b'cat'", texts[0], "7"],
            ["b'dog'", texts[1], str(2**40)],
        ]
        assert received(domain="cat", reference=PIXELS[2]) == [
            ["b'cat'", t, texts[2]] for t in texts[:2]
        ]
        assert received(domain="cat", reference=files[1:])[1][2] == texts[2]


def test_messages_are_those_of_tensorflow_serving(served_grpc):
    services, address = served_grpc
    GrpcClient(address, "faces", VERSION).translate(PIXELS, "happy")
    request = services.requests[-1]
    assert request.model_spec.signature_name == "translate_bytes"
    assert request.model_spec.version.value == VERSION
    assert set(request.inputs) == {"encoded", "target"}
    assert list(request.inputs["target"].string_val) == [b"happy"] * 3
    GrpcClient(address, "faces").translate(PIXELS, "happy")
    # The server chooses.
    assert not services.requests[-1].model_spec.HasField("version")


# A server that answers as it is told.


@pytest.fixture
def scripted(monkeypatch):
    """Starts a server that gives such answers one after the other."""
    monkeypatch.setattr(clients, "_FIRST_WAIT", 0.001)
    waits = []
    monkeypatch.setattr(clients.time, "sleep", waits.append)
    with contextlib.ExitStack() as stack:

        def start(*answers):
            asked, answers = [], iter(answers)

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    content = self.rfile.read(int(self.headers["Content-Length"] or 0))
                    asked.append((self.path, content and json.loads(content)))
                    status, content, headers = next(answers)
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(content)

                do_POST = do_GET

                def log_message(self, *arguments):
                    pass

            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.01,)).start()
            return f"http://127.0.0.1:{server.server_port}/", asked, waits

        yield start


def answer(content, status=200, **headers):
    return status, json.dumps(content).encode(), headers


# As TensorFlow Serving writes it.
INFO = {"dtype": "DT_STRING", "tensor_shape": {"dim": [{"size": "-1", "name": ""}]}}
DEFINITION = {
    "inputs": {"encoded": INFO, "target": INFO},
    "outputs": {"encoded_bytes": INFO, "error": INFO},
    "method_name": "tensorflow/serving/predict",
}
METADATA = {
    "model_spec": {"name": "faces", "signature_name": "", "version": "3"},
    "metadata": {"signature_def": {"signature_def": {"translate_bytes": DEFINITION}}},
}


def base64_of(content):
    return {"b64": base64.b64encode(content).decode()}


def test_requests_have_tensorflow_servings_form(scripted):
    translated = [base64_of(file_of(PIXELS[1]))]
    outputs = {"encoded_bytes": translated, "error": [""]}
    url, asked, _ = scripted(answer(METADATA), answer({"outputs": outputs}))
    (found,) = RestClient(url, "faces", 3).translate([b"file"], "happy")
    np.testing.assert_array_equal(found, PIXELS[1])
    assert asked == [
        ("/v1/models/faces/versions/3/metadata", b""),
        (
            "/v1/models/faces/versions/3:predict",
            {
                "signature_name": "translate_bytes",
                "inputs": {
                    "encoded": [base64_of(b"file")],
                    "target": [base64_of(b"happy")],
                },
            },
        ),
    ]


def test_a_busy_server_is_asked_again(scripted):
    busy = answer({"error": "busy"}, 503)
    later = answer({"error": "too many"}, 429, **{"Retry-After": "7"})
    url, asked, waits = scripted(busy, busy, later, answer(METADATA))
    assert set(RestClient(url, "faces").metadata()) == {"translate_bytes"}
    assert waits == [0.001, 0.002, 7.0]
    assert len(asked) == 4


def test_a_server_that_stays_busy_is_given_up(scripted):
    url, asked, _ = scripted(*[answer({"error": "busy"}, 503)] * 3)
    with pytest.raises(ServingError, match="503 Service Unavailable: busy"):
        RestClient(url, "faces", retries=2).metadata()
    assert len(asked) == 3


def test_a_wrong_request_is_not_sent_again(scripted):
    url, asked, _ = scripted(answer({"error": "no such thing"}, 400))
    with pytest.raises(ServingError, match="400 Bad Request: no such thing"):
        RestClient(url, "faces").metadata()
    assert len(asked) == 1


def test_something_else_than_a_model_server_is_told(scripted):
    url, *_ = scripted((200, b"<html>", {}), (404, b"<html>", {}))
    for message in ("something else than JSON", "404 Not Found: <html>"):
        with pytest.raises(ServingError, match=message):
            RestClient(url, "faces").metadata()


def test_a_busy_tensorflow_serving_is_asked_again(served_grpc, monkeypatch):
    monkeypatch.setattr(clients, "_FIRST_WAIT", 0.001)
    services, address = served_grpc
    services.busy = 2
    assert "translate_bytes" in GrpcClient(address, "faces", retries=2).metadata()
    services.busy = 3
    with pytest.raises(ServingError, match="RESOURCE_EXHAUSTED: The queue is full"):
        GrpcClient(address, "faces", retries=2).metadata()


def test_a_server_that_does_not_answer_in_time_is_a_timeout():
    with bind("127.0.0.1", 0) as bound:
        bound.listen()  # Connections wait, and nobody takes them.
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        for client in (
            RestClient(f"http://{address}", "faces", timeout=0.1),
            GrpcClient(address, "faces", timeout=0.1),
        ):
            with pytest.raises(TimeoutError):
                client.metadata()
            assert not client.ready()


def test_the_documented_configuration_is_tensorflow_servings():
    page = pathlib.Path(__file__).parents[1] / "docs" / "serving.md"
    (text,) = re.findall(r"^```protobuf\n(.*?)^```", page.read_text(), re.M | re.S)
    message = model_server_config_pb2.ModelServerConfig()
    faces, animals = text_format.Parse(text, message).model_config_list.config
    assert faces.model_version_policy.specific.versions == [1, 2]
    assert animals.base_path == "/models/animals"


def test_the_rest_client_needs_no_tensorflow():
    code = """
import sys
sys.modules["tensorflow"] = None
from keras_stargan.serving.client import RestClient
RestClient("http://localhost:8501", "faces")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_messages_the_grpc_client_names_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_serving.apis", None)
    with pytest.raises(ImportError, match=r"keras-stargan\[client\]"):
        GrpcClient("localhost:8500", "faces")

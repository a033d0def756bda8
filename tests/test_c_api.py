"""Every signature runs in TensorFlow's C++ runtime, as TensorFlow Serving runs it."""

import io
import pathlib
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_v2
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from keras_stargan import LabelSet
from keras_stargan.export import export_saved_model
from keras_stargan.methods import registry

PROGRAM = pathlib.Path(__file__).with_name("c_api.py")


def tiny(name, **changes):
    keras.utils.set_random_seed(0)
    return registry.load(name)(**registry.published(name).TINY | changes)


BINARY = {"num_labels": None, "labels": LabelSet(("blond", "male"), "binary")}
MODELS = {
    "StarGAN": lambda: tiny("stargan"),
    "StarGAN of binary labels": lambda: tiny("stargan", **BINARY),
    "StarGAN v2": tiny_v2.make_model,
    "CycleGAN": lambda: tiny("cyclegan"),
}


def values_of(model):
    """Two rows for each name that an input has. The second file is no picture."""
    rng, size = np.random.default_rng(0), model.image_size
    pixels = rng.integers(0, 256, (50, 60, 3), "uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    files = np.array([buffer.getvalue(), buffer.getvalue()[:400]], object)
    name = np.array([model.reachable[-1].encode()] * 2, object)

    def normal(*shape):
        return rng.standard_normal((2, *shape), "float32")

    return {
        "encoded": files,
        "reference": files[[0, 0]],
        "target": name,
        "domain": name,
        "seed": np.array([1, 2]),
        "images": np.tanh(normal(size, size, 3)),
        "references": np.tanh(normal(size, size, 3)),
        "labels": np.eye(model.labels.size, dtype="float32")[[0, 1]],
        "latents": normal(model.latent_dim),
        "styles": normal(model.condition_dim),
        "domains": np.array([0, 1], "int32"),
    }


@pytest.fixture(scope="module", params=MODELS)
def results(request, tmp_path_factory):
    """What each signature gives in Python and in C, by the outputs' names."""
    folder = tmp_path_factory.mktemp("c_api")
    model = MODELS[request.param]()
    export_saved_model(model, folder / "1")
    values, requests, python = values_of(model), {}, {}
    loaded = tf.saved_model.load(folder / "1")
    content = (folder / "1" / "saved_model.pb").read_bytes()
    definitions = (
        saved_model_pb2.SavedModel.FromString(content).meta_graphs[0].signature_def
    )
    for name, function in loaded.signatures.items():
        inputs, outputs = definitions[name].inputs, definitions[name].outputs
        python[name] = function(**{k: tf.constant(values[k]) for k in inputs})
        requests[name] = (
            {inputs[k].name: values[k] for k in inputs},
            [outputs[k].name for k in python[name]],
        )
    (folder / "requests").write_bytes(pickle.dumps(requests))
    subprocess.run(
        [sys.executable, PROGRAM, "1", "requests", "results"], cwd=folder, check=True
    )
    found = pickle.loads((folder / "results").read_bytes())
    return {
        name: {
            key: (value.numpy(), c)
            for (key, value), c in zip(outputs.items(), found[name], strict=True)
        }
        for name, outputs in python.items()
    }


def test_every_signature_gives_in_c_what_it_gives_in_python(results):
    assert {"serving_default", "translate_bytes", "label_names"} <= set(results)
    for name, outputs in results.items():
        for key, (python, c) in outputs.items():
            assert python.shape == c.shape, name
            if python.dtype != object:
                np.testing.assert_allclose(c, python, atol=1e-5, err_msg=name)
            elif key != "encoded_bytes":
                assert python.tolist() == c.tolist(), name


def test_in_c_a_bad_picture_does_not_fail_the_good_one(results):
    outputs = results["translate_bytes"]
    python, c = outputs["encoded_bytes"]
    levels = [tf.io.decode_png(files[0]).numpy().astype(int) for files in (python, c)]
    assert np.abs(levels[0] - levels[1]).max() <= 1
    good, bad = outputs["error"][1]
    assert good == c[1] == b""
    assert b"encoded cannot be read" in bad

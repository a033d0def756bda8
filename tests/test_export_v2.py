"""StarGAN v2 as a SavedModel, loaded where the package is not."""

import io
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tiny_v2
from PIL import Image

from keras_stargan import LabelSet
from keras_stargan.export import export_saved_model
from keras_stargan.images import from_uint8, to_uint8

SIZE, COUNT = tiny_v2.SIZE, 3
RNG = np.random.default_rng(3)
PHOTO = RNG.integers(0, 256, (SIZE, SIZE, 3), "uint8")
GIVEN = {
    "images": RNG.uniform(-1, 1, (COUNT, SIZE, SIZE, 3)).astype("float32"),
    "references": RNG.uniform(-1, 1, (COUNT, SIZE, SIZE, 3)).astype("float32"),
    "latents": RNG.standard_normal((COUNT, 4)).astype("float32"),
    "domains": np.array([1, 0, 1], "int32"),
}
INPUTS = {
    "serving_default": ("images", "latents", "domains"),
    "translate_latent": ("images", "latents", "domains"),
    "translate_reference": ("images", "references", "domains"),
    "style_from_latent": ("latents", "domains"),
    "style_from_reference": ("references", "domains"),
}
# Runs where keras_stargan cannot be imported, as on a server.
SERVER = f"""
import sys
sys.modules["keras_stargan"] = None
import numpy as np
import tensorflow as tf
folder, given, results = sys.argv[1:]
given = dict(np.load(given))
signatures = tf.saved_model.load(folder).signatures
found = {{}}
for name, inputs in {INPUTS!r}.items():
    outputs = signatures[name](**{{i: tf.constant(given[i]) for i in inputs}})
    (found[name],) = outputs.values()
found["translate_style"] = signatures["translate_style"](
    images=tf.constant(given["images"]), styles=found["style_from_latent"]
)["translated"]
found["names"] = signatures["domain_names"]()["names"].numpy().astype(str)
np.savez(results, **found)
"""


@pytest.fixture(scope="module")
def model():
    return tiny_v2.make_model(domains=LabelSet(("cat", "dog")))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "1"
    export_saved_model(model, path)
    return path


@pytest.fixture(scope="module")
def served(folder, tmp_path_factory):
    """What a process without the package gets."""
    scratch = tmp_path_factory.mktemp("server")
    np.savez(scratch / "given.npz", **GIVEN)
    command = [sys.executable, "-c", SERVER, folder, scratch / "given.npz"]
    subprocess.run([*command, scratch / "results.npz"], check=True)
    return dict(np.load(scratch / "results.npz"))


def test_translations_are_those_of_the_model(model, served):
    images, domains = GIVEN["images"], GIVEN["domains"]
    by_latents = model.translate(images, domains, latents=GIVEN["latents"])
    for name in ("serving_default", "translate_latent", "translate_style"):
        np.testing.assert_allclose(served[name], by_latents, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(
        served["translate_reference"],
        model.translate(images, domains, references=GIVEN["references"]),
        atol=1e-5,
    )


def test_styles_are_those_of_the_model(model, served):
    np.testing.assert_allclose(
        served["style_from_latent"],
        model.conditions(GIVEN["domains"], latents=GIVEN["latents"]),
        atol=1e-5,
    )
    np.testing.assert_allclose(
        served["style_from_reference"],
        model.conditions(GIVEN["domains"], references=GIVEN["references"]),
        atol=1e-5,
    )


def test_domains_are_named(served):
    assert served["names"].tolist() == ["cat", "dog"]


@pytest.fixture(scope="module")
def translate_bytes(folder):
    signature = tf.saved_model.load(folder).signatures["translate_bytes"]
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "PNG")

    def translate(domains, seeds):
        files = signature(
            encoded=tf.constant([buffer.getvalue()] * len(domains)),
            domain=tf.constant(domains),
            seed=tf.constant(seeds, tf.int64),
        )["encoded_bytes"]
        return np.stack([tf.io.decode_png(file).numpy() for file in files])

    return translate


def test_a_file_and_a_domains_name_give_a_picture_in_the_seeds_style(
    model, translate_bytes
):
    found = translate_bytes(["dog", " cat "], [5, 6])
    for picture, domain, seed in zip(found, ("dog", "cat"), (5, 6), strict=True):
        latents = tf.random.stateless_normal((1, 4), [seed, 0]).numpy()
        expected = model.translate(from_uint8(PHOTO[None]), domain, latents=latents)
        difference = picture.astype(int) - to_uint8(expected[0])
        assert np.abs(difference).max() <= 1


def test_the_seed_decides_the_style(translate_bytes):
    one, two, again = translate_bytes(["dog"] * 3, [1, 2, 1])
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, two)


def test_unknown_domains_are_an_error_that_names_the_right_ones(
    folder, translate_bytes
):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"cat, dog.*\n?.*lion"):
        translate_bytes(["lion"], [1])
    signatures = tf.saved_model.load(folder).signatures
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0 to 1 .cat, dog."):
        signatures["style_from_latent"](
            latents=tf.zeros((1, 4)), domains=tf.constant([2])
        )


def test_other_things_are_not_overwritten(model, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="new or an earlier SavedModel"):
        export_saved_model(model, tmp_path)

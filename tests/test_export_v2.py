"""What a SavedModel of a model with domains and styles takes."""

import io

import numpy as np
import pytest
import tensorflow as tf
import tiny_v2
from PIL import Image

from keras_stargan import LabelSet
from keras_stargan.export import export_saved_model
from keras_stargan.images import from_uint8, to_uint8

RNG = np.random.default_rng(3)
PHOTO = RNG.integers(0, 256, (tiny_v2.SIZE, tiny_v2.SIZE, 3), "uint8")


def file_of(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def model():
    return tiny_v2.make_model(domains=LabelSet(("cat", "dog")))


@pytest.fixture(scope="module")
def signatures(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "1"
    export_saved_model(model, path)
    loaded = tf.saved_model.load(path)
    # The signatures do not keep what they need of it alive.
    yield loaded.signatures
    del loaded


def test_domains_are_named(signatures):
    names = signatures["domain_names"]()["names"].numpy()
    assert names.tolist() == [b"cat", b"dog"]


@pytest.fixture(scope="module")
def translate_bytes(signatures):
    signature = signatures["translate_bytes"]

    def translate(domains, seeds):
        files = signature(
            encoded=tf.constant([file_of(PHOTO)] * len(domains)),
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


def test_unknown_domains_are_an_error_that_names_the_right_ones(signatures):
    file = file_of(PHOTO)
    found = signatures["translate_bytes"](
        encoded=tf.constant([file, file]),
        domain=tf.constant(["lion", "cat"]),
        seed=tf.constant([1, 1], tf.int64),
    )
    message = b"domain must be one of cat, dog; received 'lion'."
    assert found["error"].numpy().tolist() == [message, b""]
    assert found["encoded_bytes"][0] == "" != found["encoded_bytes"][1]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0 to 1 .cat, dog."):
        signatures["style_from_latent"](
            latents=tf.zeros((1, 4)), domains=tf.constant([2])
        )


def test_a_file_is_translated_to_the_style_of_another(model, signatures):
    found = signatures["translate_bytes_by_reference"](
        encoded=tf.constant([file_of(PHOTO)] * 2),
        reference=tf.constant([file_of(PHOTO[::-1]), b"no picture"]),
        domain=tf.constant(["dog", "dog"]),
    )
    good, bad = (error.decode() for error in found["error"].numpy())
    assert good == ""
    assert bad.startswith("reference cannot be read")
    image = from_uint8(PHOTO[None])
    expected = model.translate(image, "dog", references=image[:, ::-1])
    picture = tf.io.decode_png(found["encoded_bytes"][0]).numpy().astype(int)
    assert np.abs(picture - to_uint8(expected[0])).max() <= 1

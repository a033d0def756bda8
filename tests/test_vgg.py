"""VGG-16's features, and the perceptual term of MUNIT and UNIT."""

import golden_inputs
import keras
import numpy as np
import pytest

from keras_stargan import MUNIT
from keras_stargan.methods.munit.published import TINY
from keras_stargan.pretrained import vgg

MODEL = {k: v for k, v in TINY.items() if not k.startswith("lambda_")}


def test_perceptual_loss_agrees_with_the_published_one():
    network = vgg.VGGFeatures(dtype="float64")
    names = [f"conv{i}_{k}" for i, n in enumerate((2, 2, 3, 3, 3), 1) for k in range(n)]
    for conv, name in zip(network.convs, names, strict=True):
        place = f"vgg/{name[:-1]}{int(name[-1]) + 1}"
        shape = (conv.filters, conv.kernel.shape[2], 3, 3)
        kernel = golden_inputs.weight(f"{place}.weight", shape)
        bias = golden_inputs.weight(f"{place}.bias", shape[:1])
        conv.set_weights([golden_inputs.from_pytorch(kernel), bias])
    rng = np.random.RandomState(61)
    a, b = (golden_inputs.images(rng, 2, 32, "float64") for _ in "ab")
    expected = np.load(golden_inputs.FOLDER / "munit.npz")["vgg_loss"]
    assert float(vgg.perceptual_loss(network, a, b)) == pytest.approx(expected, 1e-9)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file as Keras' own, of random weights."""
    path = tmp_path_factory.mktemp("vgg") / "vgg16.weights.h5"
    whole = keras.applications.VGG16(include_top=False, weights=None)
    whole.save_weights(path)
    return path, whole.get_layer("block5_conv3").kernel


@pytest.fixture(scope="module")
def model(file):
    return MUNIT(**MODEL, lambda_vgg=1.0, vgg=str(file[0]))


def test_a_model_reads_the_file_and_refers_to_it(model, file):
    path, kernel = file
    np.testing.assert_array_equal(model.vgg.convs[-1].kernel, kernel)
    assert model.get_config()["vgg"]["file"] == str(path)


def test_the_term_moves_the_generators_and_not_vgg(model, file):
    model.compile(run_eagerly=True)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    history = model.fit(
        {"images_a": images, "images_b": -images}, batch_size=2, verbose=0
    )
    assert history.history["G/vgg_a"][0] > 0
    np.testing.assert_array_equal(model.vgg.convs[-1].kernel, file[1])


def test_without_weights_training_says_what_is_missing():
    model = MUNIT(**MODEL, lambda_vgg=1.0)
    images = np.zeros((1, 16, 16, 3), "float32") - 1
    with pytest.raises(ValueError, match=r"weights of VGG-16.*imagenet"):
        model.check_batch({"images_a": images, "images_b": images})


def test_keras_downloads_the_weights_of_imagenet(monkeypatch, file):
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: file[0])
    model = MUNIT(**MODEL, lambda_vgg=1.0, vgg="imagenet")
    np.testing.assert_array_equal(model.vgg.convs[-1].kernel, file[1])


def test_a_failed_download_says_what_to_do(monkeypatch):
    def fail(*_, **__):
        raise Exception("no connection")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    with pytest.raises(OSError, match=r"no connection.*give the path of vgg16.*\.h5"):
        MUNIT(**MODEL, lambda_vgg=1.0, vgg="imagenet")

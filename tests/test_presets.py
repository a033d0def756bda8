import keras
import numpy as np
import pytest
from tiny_v2 import MODEL

import keras_stargan
from keras_stargan import presets
from keras_stargan.data import load_avatars
from keras_stargan.export.preset import write_preset
from keras_stargan.images import from_uint8
from keras_stargan.methods import loading

NAMES = ("attributes", "avatars", "creatures")


def test_the_presets_are_small():
    assert presets.names() == NAMES
    size = sum(presets.preset_file(name).stat().st_size for name in NAMES)
    assert size < 8e6


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_translates_images_of_64_px(name):
    model = keras_stargan.load_model(name)
    images = np.random.default_rng(0).uniform(-1, 1, (1, 64, 64, 3))
    target = model.labels.names[0]
    own = np.zeros((1, model.labels.num_labels))
    translated = model.translate(images, target, own=own)
    assert translated.shape == images.shape
    assert translated.std() > 0.1


def test_avatars_give_a_face_the_expression_that_is_asked_for(tmp_path):
    model = keras_stargan.load_model("avatars")
    _, faces = load_avatars(
        "expressions", image_size=64, num_people=2, test_people=2, cache_dir=tmp_path
    )
    images = from_uint8(faces.images)
    for number, name in enumerate(model.labels.names):
        seen = model.classify(model.translate(images, name)).argmax(axis=1)
        assert np.mean(seen == number) >= 0.9, name


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A tiny StarGAN v2 whose averages differ from what is trained; and its preset."""
    keras.utils.set_random_seed(0)
    model = keras_stargan.StarGANv2(**MODEL)
    for weight in model.average_generator.weights:
        weight.assign(weight * 1.25)
    path = tmp_path_factory.mktemp("preset") / "tiny.keras"
    write_preset(model, path)
    return model, path


def loaded_as_preset(path, monkeypatch):
    monkeypatch.setattr(presets, "names", lambda: ("tiny",))
    monkeypatch.setattr(presets, "preset_file", lambda name: path)
    return keras_stargan.load_model("tiny")


def test_a_preset_translates_as_its_model(written, monkeypatch):
    model, path = written
    loaded = loaded_as_preset(path, monkeypatch)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3))
    np.testing.assert_allclose(
        loaded.translate(images, "cat"), model.translate(images, "cat"), atol=0.03
    )


def test_networks_of_a_preset_can_be_trained_on(written, monkeypatch):
    _, path = written
    loaded = loaded_as_preset(path, monkeypatch)
    for found, average in zip(
        loaded.generator.get_weights(),
        loaded.average_generator.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(found, average)
    for weight in loaded.discriminator.trainable_weights:
        if "kernel" in weight.name:
            assert np.any(weight), weight.path


def test_a_preset_is_smaller_than_half_of_its_model(written, tmp_path):
    model, path = written
    model.save(tmp_path / "model.keras")
    assert path.stat().st_size < (tmp_path / "model.keras").stat().st_size / 2


def test_a_preset_is_loaded_as_its_class():
    assert isinstance(
        keras_stargan.StarGAN.from_preset("avatars"), keras_stargan.StarGAN
    )
    with pytest.raises(ValueError, match="avatars is a StarGAN, not a StarGANv2"):
        keras_stargan.StarGANv2.from_preset("avatars")


def test_another_name_is_refused_with_the_names_of_the_presets():
    with pytest.raises(ValueError, match="attributes, avatars, creatures"):
        keras_stargan.load_model("avatar")


def test_models_on_a_hub_are_left_to_keras(monkeypatch):
    asked = []
    model = keras_stargan.StarGANv2(**MODEL)
    monkeypatch.setattr(
        keras.saving, "load_model", lambda path, **_: asked.append(path) or model
    )
    assert loading.load_model("hf://someone/faces") is model
    assert asked == ["hf://someone/faces"]

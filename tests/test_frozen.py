"""Pretrained networks inside models: referred to by file and hash, not saved."""

import functools
import hashlib
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tiny_v2
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.stargan_v2 import stargan_v2
from keras_stargan.networks.frozen import FrozenNetwork
from keras_stargan.pretrained.fan.pytorch import load_fan
from keras_stargan.training.checkpoints import restore_checkpoint, save_checkpoint

IMAGES = np.random.RandomState(0).uniform(-1, 1, (1, 16, 16, 3)).astype("float32")


class Judge(keras.Model):
    """A network that is made quickly; it can also stand in for the FAN."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = keras.layers.Conv2D(99, 1, bias_initializer="ones")
        self.conv.build((None, None, None, 3))
        self.built = True

    def call(self, images):
        return self.conv(ops.image.resize(images, (64, 64)))


def read(network, file):
    with np.load(file) as values:
        network.set_weights([values["kernel"], values["bias"]])


@keras.saving.register_keras_serializable("test_frozen")
class Judged(TranslationModel):
    """A method with a frozen network."""

    updates = ()

    def __init__(self, judge=None, **kwargs):
        super().__init__(16, LabelSpace.of(LabelSet(("cat", "dog"))), 2, **kwargs)
        self.add_frozen("judge", Judge(), read, "load_judge reads it.", judge)
        self.built = True

    def translate_batch(self, images, conditions):
        self.frozen["judge"].check()
        return self.judge(images)[..., :3]

    def label_conditions(self, targets, own):
        return targets


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "judge.npz"
    write(path, 1)
    return path


def write(path, seed):
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(1, 1, 3, 99)).astype("float32")
    np.savez(path, kernel=kernel, bias=np.arange(1, 100, dtype="float32"))


def save(model, folder):
    path = folder / "model.keras"
    model.save(path)
    return path


def saved_weights(path, attribute="judge"):
    """The names of the arrays that a file has of a network."""
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("model.weights.h5") as opened,
        h5py.File(opened) as weights,
    ):
        names = []
        weights.visititems(lambda name, item: names.append((name, item)))
        return [
            name
            for name, item in names
            if name.startswith(f"{attribute}/") and isinstance(item, h5py.Dataset)
        ]


def assert_same(network, expected):
    for ours, theirs in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_saved_model_refers_to_the_file_and_reads_it_again(file, tmp_path):
    model = Judged()
    model.frozen["judge"].load(file)
    path = save(model, tmp_path)
    assert not saved_weights(path)
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert config["judge"] == {"file": str(file), "sha256": digest}
    again = keras.saving.load_model(path)
    assert_same(again.judge, model.judge)
    np.testing.assert_array_equal(
        again.translate(IMAGES, "cat"), model.translate(IMAGES, "cat")
    )


def test_the_constructor_takes_the_file(file):
    model = Judged(judge=str(file))
    assert model.frozen["judge"].has_weights
    assert model.get_config()["judge"]["file"] == str(file)


@pytest.mark.parametrize("happened", ["removed", "changed"])
def test_without_the_file_the_first_use_says_what_is_missing(happened, file, tmp_path):
    path = save(Judged(judge=file), tmp_path)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if happened == "removed":
        file.unlink()
    else:
        write(file, 2)
    model = keras.saving.load_model(path)
    with pytest.raises(ValueError, match=rf"load_judge.*judge\.npz.*{digest}"):
        model.translate(IMAGES, "cat")
    # It is still known when the model is saved once more.
    assert model.get_config()["judge"] == {"file": str(file), "sha256": digest}


def test_a_file_that_moved_is_given_again(file, tmp_path):
    model = Judged(judge=file)
    path = save(model, tmp_path)
    moved = file.rename(tmp_path / "moved.npz")
    again = keras.saving.load_model(path)
    again.frozen["judge"].load(moved)
    assert_same(again.judge, model.judge)
    assert again.get_config()["judge"]["file"] == str(moved)


def test_another_file_than_the_saved_one_is_warned_of(file, tmp_path):
    path = save(Judged(judge=file), tmp_path)
    write(tmp_path / "other.npz", 2)
    model = keras.saving.load_model(path)
    with pytest.warns(UserWarning, match=r"other\.npz.*saved with .*judge\.npz"):
        model.frozen["judge"].load(tmp_path / "other.npz")


def test_training_resumes_with_a_file_that_moved(file, tmp_path):
    model = Judged(judge=file)
    save_checkpoint(model, tmp_path / "checkpoints")
    again = Judged(judge=file.rename(tmp_path / "moved.npz"))
    assert restore_checkpoint(again, tmp_path / "checkpoints")
    assert_same(again.judge, model.judge)


def as_saved_earlier(model, folder, monkeypatch):
    """A file of a version that knew no references and saved all weights."""
    with monkeypatch.context() as patch:
        patch.setattr(FrozenNetwork, "_keep_out_of_files", lambda self, layer: None)
        earlier = Judged()
        earlier.set_weights(model.get_weights())
        config = earlier.get_config()
        del config["judge"]
        patch.setattr(earlier, "get_config", lambda: config)
        return save(earlier, folder)


def test_a_file_with_the_weights_inside_still_works(file, tmp_path, monkeypatch):
    model = Judged(judge=file)
    path = as_saved_earlier(model, tmp_path, monkeypatch)
    file.unlink()
    for _ in range(2):  # The second time, it is of this version.
        assert len(saved_weights(path)) == 2
        again = keras.saving.load_model(path)
        assert again.frozen["judge"].has_weights
        assert_same(again.judge, model.judge)
        path = save(again, tmp_path)


def test_earlier_weights_that_nobody_gave_are_none(tmp_path, monkeypatch):
    model = Judged()
    model.judge.conv.bias.assign(np.zeros(99))
    path = as_saved_earlier(model, tmp_path, monkeypatch)
    assert not keras.saving.load_model(path).frozen["judge"].has_weights


def test_a_model_whose_network_has_no_weights_saves_none(tmp_path):
    path = save(Judged(), tmp_path)
    assert not saved_weights(path)
    assert not keras.saving.load_model(path).frozen["judge"].has_weights


def test_no_such_file_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.ckpt"):
        Judged(judge=tmp_path / "nothing.ckpt")


@pytest.mark.parametrize("given", [{"file": "wing.ckpt"}, 1])
def test_something_else_than_a_reference_is_an_error(given):
    with pytest.raises(ValueError, match=r"'file': path, 'sha256'.*received"):
        Judged(judge=given)


# StarGAN v2, whose FAN finds the parts of faces.


@pytest.fixture
def v2(monkeypatch):
    """Makes a StarGAN v2 with a filter; the network above is its FAN."""
    monkeypatch.setattr(stargan_v2, "FAN", Judge)
    monkeypatch.setattr(stargan_v2, "load_weights", read)
    return functools.partial(tiny_v2.make_model, w_hpf=1.0)


def test_a_fan_is_referred_to(v2, file, tmp_path):
    model = v2()
    load_fan(model, file)
    path = save(model, tmp_path)
    assert not saved_weights(path, "fan")
    again = keras.saving.load_model(path)
    assert again.get_config()["fan"]["file"] == str(file)
    np.testing.assert_array_equal(
        again.translate(IMAGES, "cat"), model.translate(IMAGES, "cat")
    )


def test_a_filter_without_its_fan_is_an_error_at_the_first_use(v2):
    with pytest.raises(ValueError, match=r"needs a trained FAN.*load_fan"):
        v2().translate(IMAGES, "cat")


def test_a_fan_without_a_filter_is_an_error(v2, file):
    with pytest.raises(ValueError, match="fan with w_hpf=0"):
        v2(w_hpf=0.0, fan=file)

"""Packages import Keras and TensorFlow only for those who need them."""

import importlib
import subprocess
import sys

import pytest

from keras_stargan import lazy

PACKAGES = ["keras_stargan", *map("keras_stargan.{}".format, ["data", "labels"])]
PACKAGES.append("keras_stargan.evaluation")


def test_readers_need_neither_keras_nor_tensorflow():
    program = """
import sys
import keras_stargan
from keras_stargan.data import ImageSet, list_celeba, load_avatars, load_folders
from keras_stargan.data import load_attributes_csv, load_rafd, load_tfds
from keras_stargan.data.batches import BATCHES
from keras_stargan.files import picture_files, video, whole
from keras_stargan.study import preference_server
heavy = {"jax", "keras", "tensorflow", "torch"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("package", map(importlib.import_module, PACKAGES))
def test_every_public_name_is_there(package):
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_names_are_imported_once_and_others_are_an_error():
    get, names = lazy.lazy_names(__name__, {"dumps": "json"})
    assert "dumps" not in globals() and "dumps" in names()
    assert get("dumps") is globals().pop("dumps")
    with pytest.raises(AttributeError, match=r"test_lazy' has no attribute 'loads'"):
        get("loads")

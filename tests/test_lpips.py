"""LPIPS against the package `lpips`, with the same weights."""

import importlib.util
import warnings

import numpy as np
import pytest
import torch
import torchvision_ready  # noqa: F401

from keras_stargan.files.pytorch import read_state_dict, write_state_dict
from keras_stargan.pretrained import lpips as ours

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def published():
    """The package's LPIPS: its linear weights, AlexNet at random."""
    import lpips  # only now that torchvision is ready

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of arguments that torchvision will drop
        return lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)


@pytest.fixture(scope="module")
def trunk(published, tmp_path_factory):
    """AlexNet's file as torchvision writes it, the classifier included."""
    path = tmp_path_factory.mktemp("weights") / "alexnet-owt.pth"
    # "slice2.3.weight" is torchvision's "features.3.weight".
    state = {
        "features." + name.split(".", 1)[1]: value.numpy()
        for name, value in published.net.state_dict().items()
    }
    write_state_dict(path, state | {"classifier.6.bias": np.zeros(1000, "float32")})
    return path


@pytest.fixture(scope="module")
def model(trunk):
    return ours.load_lpips(trunk)


def package_distance(published, images, others):
    with torch.no_grad():
        pair = (torch.tensor(x).permute(0, 3, 1, 2) for x in (images, others))
        return published(*pair).numpy().ravel()


# The last one is not square, and leaves a rest at every stride.
@pytest.mark.parametrize("size", [(32, 32), (64, 64), (47, 70)])
def test_distances_are_those_of_the_package(published, model, size):
    images, noise = RNG.uniform(-1, 1, (2, 3, *size, 3)).astype("float32")
    others = np.clip(images + 0.3 * noise, -1, 1)
    np.testing.assert_allclose(
        ours.lpips_distance(model, images, others, batch_size=2),
        package_distance(published, images, others),
        rtol=1e-4,
    )


def test_equal_images_have_distance_zero(model):
    images = RNG.uniform(-1, 1, (2, 32, 32, 3)).astype("float32")
    assert ours.lpips_distance(model, images, images).tolist() == [0, 0]


def test_linear_weights_can_be_given(trunk, model, tmp_path):
    packaged = read_state_dict(ours._packaged_linear_weights())
    path = tmp_path / "linear.pth"
    write_state_dict(path, {name: 4 * value for name, value in packaged.items()})
    images, others = RNG.uniform(-1, 1, (2, 1, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(
        ours.lpips_distance(ours.load_lpips(trunk, path), images, others),
        4 * ours.lpips_distance(model, images, others),
        rtol=1e-5,
    )


def test_without_the_package_the_extra_is_named(trunk, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"keras-stargan\[lpips\]"):
        ours.load_lpips(trunk)


def without(state, name):
    return {other: value for other, value in state.items() if other != name}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: without(s, "features.3.bias"), "'features.3.bias' is missing"),
        (
            lambda s: s | {"features.0.weight": np.zeros((64, 3, 5, 5), "float32")},
            r"'features.0.weight' has the shape \(64, 3, 5, 5\)",
        ),
        (
            lambda s: s | {"features.1.weight": np.zeros(3, "float32")},
            "'features.1.weight' is superfluous",
        ),
    ],
)
def test_a_trunk_that_is_none_is_refused(trunk, tmp_path, damage, message):
    path = tmp_path / "trunk.pth"
    write_state_dict(path, damage(read_state_dict(trunk)))
    with pytest.raises(ValueError, match=f"{path}.*{message}"):
        ours.load_lpips(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: without(s, "lin4.model.1.weight"), "'lin4.model.1.weight' is miss"),
        (
            lambda s: s | {"lin2.model.1.weight": -s["lin2.model.1.weight"]},
            "'lin2.model.1.weight'.*below 0",
        ),
    ],
)
def test_linear_weights_that_are_none_are_refused(trunk, tmp_path, damage, message):
    path = tmp_path / "linear.pth"
    write_state_dict(path, damage(read_state_dict(ours._packaged_linear_weights())))
    with pytest.raises(ValueError, match=f"{path}.*{message}"):
        ours.load_lpips(trunk, path)


def test_missing_files_are_missing(trunk, tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        ours.load_lpips(tmp_path / "nowhere.pth")
    with pytest.raises(OSError, match="nowhere"):
        ours.load_lpips(trunk, tmp_path / "nowhere.pth")


def test_images_that_are_too_small_are_refused(model):
    with pytest.raises(ValueError, match="at least 31 px"):
        model(np.zeros((1, 30, 64, 3), "float32"))


def test_images_of_two_shapes_are_refused(model):
    images = np.zeros((2, 32, 32, 3), "float32")
    with pytest.raises(ValueError, match="one shape"):
        ours.lpips_distance(model, images, images[:1])

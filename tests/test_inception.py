"""Inception-v3 with weights of two kinds, against two packages that know them."""

import keras
import numpy as np
import pytest
import torch
import torchvision_ready  # noqa: F401
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torchvision.models import inception_v3

from keras_stargan.files.pytorch import write_state_dict
from keras_stargan.pretrained.inception import load_inception

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def network():
    """Torchvision's, with weights and statistics that are all random."""
    torch.manual_seed(0)
    network = inception_v3(weights=None, init_weights=False, aux_logits=False).eval()
    for name, value in network.state_dict().items():
        if name.endswith(("bn.weight", "running_var")):
            value.uniform_(0.5, 1.5)
        elif name.endswith(("bn.bias", "running_mean")):
            value.normal_(0, 0.1)
    return network


def channels_first(images):
    return torch.tensor(images).permute(0, 3, 1, 2)


def test_features_of_torchvisions_weights(network, tmp_path):
    path = tmp_path / "inception_v3_google.pth"
    # The published file has the part for training, too.
    auxiliary = {"AuxLogits.fc.weight": torch.zeros(1000, 768)}
    torch.save(network.state_dict() | auxiliary, path)
    found = load_inception(path)

    images = RNG.uniform(-1, 1, (1, 96, 96, 3)).astype("float32")
    x = torch.nn.functional.interpolate(
        channels_first(images), (299, 299), mode="bilinear", align_corners=False
    )
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    x = ((x + 1) / 2 - mean[:, None, None]) / std[:, None, None]
    expected = []
    hook = network.avgpool.register_forward_hook(lambda *x: expected.append(x[2]))
    with torch.no_grad():
        network(x)
    hook.remove()
    assert found.is_inception and "torchvision" in found.name
    np.testing.assert_allclose(
        found.features(images), expected[0][..., 0, 0], rtol=1e-4, atol=1e-5
    )


def test_features_of_the_standard_fids_weights(network, tmp_path):
    path = tmp_path / "pt_inception.pth"
    classes = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save(network.state_dict() | classes, path)
    found = load_inception(path)

    # Of this size, torch-fidelity does not resize, which it does as TensorFlow 1 did.
    pixels = RNG.integers(0, 256, (1, 299, 299, 3), "uint8")
    published = FeatureExtractorInceptionV3(
        "fid", ["2048"], feature_extractor_weights_path=path
    )
    (expected,) = published(channels_first(pixels))
    # It divides by 128, as the first implementation did, pytorch-fid by 127.5.
    features = found.features((pixels.astype("float32") - 128) / 128)
    assert found.is_inception and "standard FID" in found.name
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"conv.weight": np.zeros((1, 1), "float32")}, "'fc.weight'.*missing"),
        ({"fc.weight": np.zeros((10, 2048), "float32")}, "'fc.weight'.*10"),
    ],
)
def test_another_file_is_refused(tmp_path, state, message):
    path = tmp_path / "other.pth"
    write_state_dict(path, state)
    with pytest.raises(ValueError, match=f"{path}.*{message}"):
        load_inception(path)


def test_without_a_connection_other_ways_are_named(monkeypatch):
    def fail(**options):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(OSError, match=r"URL fetch failure.*give the file"):
        load_inception()


def test_keras_weights_get_normalised_images_of_their_size(monkeypatch):
    def identity(include_top, pooling):
        images = keras.Input((299, 299, 3))
        return keras.Model(images, images[:, 150, 150])

    monkeypatch.setattr(keras.applications, "InceptionV3", identity)
    network = load_inception()
    white = np.ones((1, 8, 8, 3), "float32")
    assert "Keras" in network.name
    np.testing.assert_allclose(
        network.features(white), [[2.248908, 2.428571, 2.64]], rtol=1e-4
    )

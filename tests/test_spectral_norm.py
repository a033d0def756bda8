"""Spectral normalization: PyTorch's figures."""

import keras
import numpy as np
import torch
from keras import ops

from keras_stargan.networks import MultiScaleDiscriminator, SpectralConv2D
from keras_stargan.networks.batch_normalization import statistics_kept

IMAGES = np.random.default_rng(0).normal(size=(2, 7, 7, 3))


def make_pair():
    """A layer here and one of PyTorch, with the same weights."""
    ours = SpectralConv2D(4, 3, dtype="float64")
    ours(IMAGES)
    theirs = torch.nn.utils.spectral_norm(torch.nn.Conv2d(3, 4, 3).double())
    with torch.no_grad():
        kernel = ops.convert_to_numpy(ours.kernel).transpose(3, 2, 0, 1).copy()
        theirs.weight_orig.copy_(torch.tensor(kernel))
        theirs.bias.zero_()
        theirs.weight_u.copy_(torch.tensor(np.array(ours.u)))
    return ours, theirs


def published_layout(images):
    return torch.tensor(images.transpose(0, 3, 1, 2).copy())


def test_each_call_in_training_moves_the_estimate_as_in_pytorch():
    ours, theirs = make_pair()
    for _ in range(3):
        expected = theirs(published_layout(IMAGES)).detach().numpy()
        found = np.transpose(ours(IMAGES, training=True), (0, 3, 1, 2))
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.u, theirs.weight_u, rtol=1e-9)


def test_use_and_evaluation_do_not_move_the_estimate():
    ours, _ = make_pair()
    before = np.array(ours.u)
    ours(IMAGES)
    with statistics_kept():
        ours(IMAGES, training=True)
    np.testing.assert_array_equal(ours.u, before)


def test_a_discriminator_tells_its_layers_that_it_is_trained():
    net = MultiScaleDiscriminator(16, 2, 2, 2, kernel_size=3, spectral_norm=True)
    images = np.zeros((1, 16, 16, 3), "float32")
    before = [np.array(v) for v in net.non_trainable_variables]
    net(images)
    for variable, value in zip(net.non_trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    net(images, training=True)
    for variable, value in zip(net.non_trainable_variables, before, strict=True):
        assert not np.array_equal(variable, value), variable.path


def test_biases_of_a_discriminator_can_start_as_in_pytorch():
    keras.utils.set_random_seed(0)
    net = MultiScaleDiscriminator(16, 32, 2, 2, bias_initializer=None)
    for chain in net.scales:
        for layer in chain[::2]:
            bound = np.prod(layer.kernel.shape[:3]) ** -0.5
            largest = np.abs(layer.bias).max()
            assert 0 < largest <= bound
            assert layer.filters == 1 or largest > 0.7 * bound
    assert MultiScaleDiscriminator.from_config(net.get_config()).scales

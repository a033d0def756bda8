"""Tests of convolutions that are matrix products."""

import itertools

import keras
import numpy as np
import pytest

from keras_stargan.networks import Conv2D


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_small_images_give_what_keras_gives(padding):
    """Every size, kernel and stride: products and convolutions are equal."""
    rng = np.random.default_rng(0)
    products = 0
    for side, size, stride in itertools.product((1, 2, 3, 4, 5), (1, 3, 4), (1, 2)):
        if padding == "valid" and side < size:
            continue
        arguments = {"strides": stride, "padding": padding, "dtype": "float64"}
        ours = Conv2D(256, size, **arguments)
        keras_layer = keras.layers.Conv2D(256, size, **arguments)
        images = rng.standard_normal((2, side, side, 2))
        expected = keras_layer(images)
        products += 64 * expected.shape[1] ** 2 <= 256
        ours.build(images.shape)
        ours.set_weights(keras_layer.get_weights())
        np.testing.assert_allclose(ours(images), expected, rtol=1e-12, atol=1e-12)
    assert products > 5

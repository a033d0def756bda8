"""Tests of convolutions that are computed in another way."""

import itertools

import keras
import numpy as np
import pytest

from keras_stargan.networks import Conv2D, DoubledConv2D, PooledConv2D, doubled


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


def test_doubled_images_give_what_their_pixels_give():
    """A transposed convolution equals one of the repeated pixels."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2, 3, 5, 4))
    expected = keras.layers.Conv2D(7, 3, padding="same", dtype="float64")
    expected_images = expected(doubled(images))
    ours = DoubledConv2D(7, 3, padding="same", dtype="float64")
    ours.build(images.shape)
    ours.set_weights(expected.get_weights())
    assert ours.compute_output_shape(images.shape) == expected_images.shape
    np.testing.assert_allclose(ours(images), expected_images, rtol=1e-12, atol=1e-12)


def test_a_pooled_convolution_gives_means_of_neighbors():
    """A kernel of 4x4 equals average pooling after one of 3x3."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2, 4, 6, 3))
    layer = keras.layers.Conv2D(5, 3, padding="same", dtype="float64")
    expected = keras.ops.average_pool(layer(images), 2)
    ours = PooledConv2D(5, 3, padding="same", dtype="float64")
    ours.build(images.shape)
    ours.set_weights(layer.get_weights())
    assert ours.compute_output_shape(images.shape) == expected.shape
    np.testing.assert_allclose(ours(images), expected, rtol=1e-12, atol=1e-12)

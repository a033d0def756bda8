"""The normalization of whole images, by its formula."""

import numpy as np
import tensorflow as tf

from keras_stargan.networks import WholeImageNormalization


def test_values_of_an_image_are_normalized_together():
    layer = WholeImageNormalization(dtype="float64")
    x = np.random.default_rng(0).normal(3, 2, (2, 3, 4, 5))
    layer.build(x.shape)
    layer.beta.assign([0, 1, 2, 3, 4])
    assert np.all((np.asarray(layer.gamma) >= 0) & (np.asarray(layer.gamma) < 1))
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    deviation = x.std(axis=(1, 2, 3), ddof=1, keepdims=True)
    expected = (x - mean) / (deviation + 1e-5) * np.asarray(layer.gamma) + np.arange(5)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)


def test_one_color_has_a_gradient():
    layer, x = WholeImageNormalization(), tf.ones((1, 4, 4, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(tf.square(layer(x) - 1.0))
    assert np.isfinite(tape.gradient(loss, x)).all()

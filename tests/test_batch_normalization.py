"""Batch normalization: PyTorch's figures, on one device and on two replicas."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from replicas import two_replicas

from keras_stargan.losses import mode_seeking_loss
from keras_stargan.networks import BatchNormalization
from keras_stargan.networks.batch_normalization import statistics_kept
from keras_stargan.networks.global_batch import global_mean
from keras_stargan.training import Adam, AdversarialModel, Update

IMAGES = np.random.default_rng(0).normal(3, 2, (4, 5, 5, 2))


def test_it_does_what_pytorch_does():
    ours = BatchNormalization(dtype="float64")
    theirs = torch.nn.BatchNorm2d(2, dtype=torch.float64)
    inputs = torch.tensor(IMAGES.transpose(0, 3, 1, 2))
    for training in (True, True, False):
        theirs.train(training)
        expected = theirs(inputs).detach().numpy().transpose(0, 2, 3, 1)
        np.testing.assert_allclose(ours(IMAGES, training=training), expected, 1e-12)
    np.testing.assert_allclose(ours.moving_variance, theirs.running_var, 1e-12)


def test_running_statistics_can_be_kept():
    layer = BatchNormalization()
    with statistics_kept():
        layer(IMAGES, training=True)
    np.testing.assert_array_equal(layer.moving_mean, 0.0)


def test_images_can_be_normalized_each_by_itself():
    layer = BatchNormalization(dtype="float64")
    alone = [layer(image[None], training=True)[0] for image in IMAGES]
    moved = np.array(layer.moving_mean)
    np.testing.assert_allclose(layer(IMAGES, per_image=True), alone, 1e-12)
    np.testing.assert_array_equal(layer.moving_mean, moved)


def test_it_can_always_take_the_statistics_of_the_batch():
    layer = BatchNormalization(always_batch=True, center=False, scale=False)
    assert np.mean(layer(IMAGES)) == pytest.approx(0, abs=1e-6)
    assert layer.weights == []


class Normalized(AdversarialModel):
    """Trains a normalized network by a ratio of means."""

    def __init__(self):
        super().__init__(dtype="float64")
        self.built = True
        self.net = keras.Sequential(
            [
                keras.Input((5, 5, 2)),
                keras.layers.Dense(3, dtype="float64"),
                BatchNormalization(dtype="float64"),
                keras.layers.Dense(2, dtype="float64"),
            ]
        )

    @property
    def updates(self):
        return (Update("G", self._terms, {"ratio": 1.0}, ("net",)),)

    def draw(self, draws, batch):
        return {}

    def make_optimizers(self):
        return {"net": Adam(1e-2)}

    def _terms(self, batch, draws):
        images = batch["images"]
        outputs = self.net(images, training=True)
        means = (keras.ops.mean(keras.ops.abs(x)) for x in (outputs, images))
        return {"ratio": mode_seeking_loss(*map(global_mean, means))}


def compiled():
    keras.utils.set_random_seed(0)
    model = Normalized()
    model.compile()
    return model


def test_evaluation_moves_no_running_statistics():
    model = compiled()
    model.evaluate(tf.data.Dataset.from_tensors({"images": IMAGES}), verbose=0)
    np.testing.assert_array_equal(model.net.layers[1].moving_mean, 0.0)


def test_two_replicas_use_the_whole_batch():
    expected = compiled()
    with two_replicas().scope():
        model = compiled()
    for each in (expected, model):
        batches = tf.data.Dataset.from_tensors({"images": IMAGES}).repeat(3)
        each.fit(batches, verbose=0)
    for a, b in zip(model.net.get_weights(), expected.net.get_weights(), strict=True):
        # A bias before a normalization has a gradient of 0, up to rounding.
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)

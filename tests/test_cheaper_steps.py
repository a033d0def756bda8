"""Tests of steps that take less memory or time: by parts, again, or now and then."""

import keras
import numpy as np
import pytest
import tiny_v2

import keras_stargan
from keras_stargan.methods.stargan.published import TINY


def _stargan(step=0, **settings):
    keras.utils.set_random_seed(0)
    model = keras_stargan.StarGAN(**TINY | settings, dtype="float64")
    model.step.assign(step)
    return model


def _batch(rows=5):
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (rows, 16, 16, 3))
    return images, np.eye(3)[rng.integers(0, 3, rows)]


def _trained(model, steps=1, **options):
    """The weights after some steps on the same batch."""
    model.compile(**options)
    for _ in range(steps):
        model.train_on_batch(*_batch())
    return model.get_weights()


def _assert_equal(weights, expected):
    for found, wanted in zip(weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-7, atol=1e-10)


@pytest.fixture(scope="module")
def plain():
    """The weights of a model that was trained as published."""
    return _trained(_stargan(), steps=2)


@pytest.mark.parametrize("parts", [2, 9])
def test_a_batch_in_parts_trains_alike(plain, parts):
    """Also where the parts differ in size, or there are fewer images than parts."""
    _assert_equal(_trained(_stargan(), steps=2, accumulate=parts), plain)


def test_recomputed_blocks_train_alike(plain):
    """Gradients are the same where the blocks are computed again."""
    _assert_equal(_trained(_stargan(), steps=2, recompute=True), plain)


def test_stargan_v2_in_parts_and_recomputed_trains_alike():
    """Both at once, with averages."""
    results = []
    for options in ({}, {"accumulate": 2, "recompute": True}):
        model = tiny_v2.make_model(dtype="float64")
        model.compile(**options)
        images, labels = _batch()
        domains = labels.argmax(axis=1).astype("int32")
        model.train_on_batch((images, domains), (images, images[::-1], domains[::-1]))
        results.append(model.get_weights())
    _assert_equal(*results)


def test_the_penalty_has_more_weight_where_it_is_due():
    """On the first of two steps, the penalty counts twice."""
    lazy = _trained(_stargan(gp_every=2, lambda_gp=10.0))
    _assert_equal(lazy, _trained(_stargan(lambda_gp=20.0)))


def test_the_penalty_is_left_out_where_it_is_not_due():
    """On the second of two steps, there is no penalty, and none is logged."""
    model = _stargan(step=1, gp_every=2)
    _assert_equal(_trained(model), _trained(_stargan(step=1, lambda_gp=0.0)))
    assert model.get_metrics_result()["D/gp"] == 0.0


def test_a_batch_whose_images_need_each_other_is_not_split():
    """The error names the model and the option."""
    model = tiny_v2.make_model(lambda_ms=1.0)
    with pytest.raises(ValueError, match="accumulate=2"):
        model.compile(accumulate=2)


@pytest.mark.parametrize(
    ("name", "of"), [("gp_every", "StarGAN"), ("reg_every", "StarGANv2")]
)
def test_a_penalty_on_each_0th_step_is_refused(name, of):
    """The error says what was given."""
    with pytest.raises(ValueError, match=f"{name} must be at least 1; received 0"):
        getattr(keras_stargan, of)(image_size=16, **{name: 0})


def test_a_method_without_blocks_refuses_to_recompute():
    """The error names the model and the option."""
    model = keras_stargan.CycleGAN(image_size=24, num_filters=2)
    with pytest.raises(ValueError, match=r"CycleGAN has no blocks .* recompute=True"):
        model.compile(recompute=True)

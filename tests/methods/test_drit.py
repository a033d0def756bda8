"""DRIT: the published implementation's figures, in float64, and its rules."""

import golden_drit
import keras
import numpy as np
import pytest
import tensorflow as tf
from golden_drit import Golden

from keras_stargan import DRIT, LabelSet
from keras_stargan.methods.drit.published import check_settings
from keras_stargan.networks.content_and_attributes import (
    ContentDiscriminator,
    content_layers,
)
from keras_stargan.networks.weights import shapes_only

FILES = {
    "drit": (41, {}),
    "drit_transform": (42, {"form": "transform"}),
    "drit_options": (43, {"batch_size": 4, "num_scales": 1, "spectral_norm": True}),
}


@pytest.fixture(scope="module", params=FILES)
def golden(request):
    seed, settings = FILES[request.param]
    return Golden(request.param, seed, DRIT, **settings)


def test_forward_passes_agree(golden):
    golden_drit.assert_forwards_agree(golden)


def test_losses_of_every_step_agree(golden):
    golden_drit.assert_losses_agree(golden)


def test_weights_after_the_last_step_agree(golden):
    golden_drit.assert_weights_agree(golden)


SHARED = {"content_encoder": 9_018_112, "content_discriminator": 10_683_649}


@pytest.mark.parametrize(
    "settings, counts",
    [
        (
            {},
            {
                "attribute_encoder": 2_688_160,
                "generator": 9_564_710,
                "discriminator_a": 8_271_171,
            },
        ),
        (
            {"form": "transform", "num_scales": 1},
            {
                "attribute_encoder": 5_529_872,
                "generator": 17_146_374,
                "discriminator_a": 25_149_057,
            },
        ),
    ],
)
def test_networks_have_as_many_parameters_as_published(settings, counts):
    found = shapes_only(lambda: DRIT(**settings)).parameters
    assert {name: found[name] for name in (*SHARED, *counts)} == SHARED | counts


# The model's own rules, on tiny models.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    sizes = {"image_size": 16, "num_filters": 2, "latent_dim": 3, "num_scales": 2}
    return DRIT(**sizes | settings)


def tiny_images(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return tiny(labels=LabelSet(("cat", "dog")))


def test_a_translation_has_the_content_of_the_image_and_given_attributes(model):
    images, latents = tiny_images(3), np.eye(3, dtype="float32")
    for target, x, y in (("cat", "a", "b"), ("dog", "b", "a")):
        content = model.content_encoder(images, domain=y)
        expected = model.generator([content, latents], domain=x)
        found = model.translate(images, target, latents=latents)
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_attributes_of_references_are_their_means_in_the_target_domain(model):
    references = tiny_images(2, seed=1)
    for target, x, one_hot in (("cat", "a", [1, 0]), ("dog", "b", [0, 1])):
        mean, _ = model.attribute_encoder(references, domain=x)
        found = model.conditions(target, references=references)
        np.testing.assert_allclose(found[:, :3], mean, atol=1e-6)
        np.testing.assert_array_equal(found[:, 3:], [one_hot, one_hot])


def test_only_full_steps_move_more_than_the_content_discriminator():
    model = tiny()
    model.compile(run_eagerly=True)
    names = ("images_a", "images_b", "random_a", "random_b")
    batch = {name: tiny_images(1, seed) for seed, name in enumerate(names)}
    moved = []
    for _ in range(3):
        before = {name: net.get_weights() for name, net in model.networks.items()}
        model.fit(tf.data.Dataset.from_tensors(batch), verbose=0)
        moved.append(
            {
                name
                for name, net in model.networks.items()
                for old, new in zip(before[name], net.get_weights(), strict=True)
                if not np.array_equal(old, new)
            }
        )
    assert moved == [{"content_discriminator"}] * 2 + [set(model.networks)]


def test_learning_rate_falls_as_published(model):
    epochs, steps = 12, 5
    factors = [
        model.learning_rate_factor(step, epochs * steps, steps)
        for step in range(epochs * steps)
    ]
    published = [1 - max(0, epoch - 6) / 7 for epoch in range(epochs)]
    np.testing.assert_allclose(factors, np.repeat(published, steps))


@pytest.mark.parametrize(
    "image_size, layers", [(16, 0), (40, 0), (44, 1), (96, 1), (100, 2), (212, 3)]
)
def test_the_content_discriminator_has_as_many_layers_as_fit(image_size, layers):
    assert content_layers(image_size) == layers
    side = image_size // 4
    discriminator = ContentDiscriminator(image_size, num_filters=1)
    logits = discriminator(np.zeros((1, side, side, 4), "float32"))
    assert min(logits.shape[1:3]) >= 1


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"form": "adain"}, "concatenation, transform; received 'adain'"),
        ({"image_size": 18}, "multiple of 4 and at least 16; received 18"),
        ({"num_scales": 5}, "With num_scales=5, image_size must be .* at least 32"),
        ({"d_iter": 0}, "d_iter must be 1 or more; received 0"),
        ({"lambda_ms": -1.0}, "lambda_ms must be 0 or more; received -1"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)


def test_an_odd_batch_is_refused_before_the_model_is_made(model):
    with pytest.raises(ValueError, match="batch_size must be even; received 3"):
        check_settings(model.get_config() | {"batch_size": 3})

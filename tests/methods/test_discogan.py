"""DiscoGAN: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import LabelSet
from keras_stargan.methods.discogan.discogan import NETWORKS, DiscoGAN
from keras_stargan.methods.discogan.networks import DiscoDiscriminator, DiscoGenerator

GOLDEN = np.load(golden_inputs.FOLDER / "discogan.npz")
SIZE, BATCH, STEPS = 64, 3, 6


def golden_images():
    """Images of A and of B, each (step, image, y, x, channel), in [-1, 1]."""
    rng = np.random.RandomState(47)
    return [
        np.stack(
            [golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in range(STEPS)]
        )
        for _ in "ab"
    ]


def published_name(network):
    """`generator_a` is the published `generator_A`."""
    return network[:-1] + network[-1].upper()


def set_golden_weights(network, keys):
    """Gives a network the initial weights of the published names."""
    for variable, key in zip(network.trainable_variables, keys, strict=True):
        shape = variable.shape
        if len(shape) == 4:
            shape = [shape[i] for i in (3, 2, 0, 1)]
        value = golden_inputs.weight(key, shape)
        variable.assign(golden_inputs.from_pytorch(value).astype("float64"))


def keys_of(network):
    """The published names of a network's weights, in order."""
    return [key for key, _ in golden_inputs.weights(GOLDEN, published_name(network))]


def assert_agree(found, expected):
    """Of images, every fourth pixel was kept."""
    found = np.transpose(found, (0, 3, 1, 2))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


# Networks.


@pytest.mark.parametrize("extra_layers, name", [(False, "A"), (True, "extra")])
def test_generator_agrees(extra_layers, name):
    generator = DiscoGenerator(SIZE, 4, extra_layers, dtype="float64")
    keys = [
        f"generator_{name}/main.{number}.{part}"
        for number, layer in enumerate(generator.chain)
        for part in ("weight", "bias")[: len(layer.trainable_variables)]
    ]
    set_golden_weights(generator, keys)
    _, images = golden_images()
    translated = generator((images[0] + 1) / 2, training=True)
    assert_agree(translated[:, ::4, ::4], GOLDEN[f"forward generator_{name}"])


def test_discriminator_agrees():
    discriminator = DiscoDiscriminator(SIZE, 4, dtype="float64")
    set_golden_weights(discriminator, keys_of("discriminator_a"))
    images, _ = golden_images()
    scores, features = discriminator((images[0] + 1) / 2, training=True)
    assert_agree(keras.ops.sigmoid(scores), GOLDEN["forward discriminator_A"])
    for i, feature in enumerate(features):
        mean = np.mean(feature, axis=0, keepdims=True)
        assert_agree(mean, GOLDEN[f"forward discriminator_A feature {i}"][None])


@pytest.mark.parametrize(
    "name, make",
    [
        ("generator", lambda: DiscoGenerator(64, 64)),
        ("generator extra_layers", lambda: DiscoGenerator(64, 64, extra_layers=True)),
        ("discriminator", lambda: DiscoDiscriminator(64, 64)),
    ],
)
def test_networks_have_as_many_parameters_as_published(name, make):
    count = sum(np.prod(v.shape) for v in make().trainable_variables)
    assert count == GOLDEN[f"parameters {name}"]


@pytest.mark.parametrize("size, count", [(16, 1), (32, 2), (128, 4)])
def test_another_size_has_more_or_fewer_layers(size, count):
    scores, features = DiscoDiscriminator(size, 2)(keras.Input((size, size, 3)))
    assert scores.shape[1:] == (1, 1, 1)
    assert len(features) == count and features[-1].shape[1] == 4


# Training, through the engine that `fit` uses.


@pytest.fixture(scope="module")
def trained():
    """A model after six steps, and each step's losses, whoever moves."""
    model = DiscoGAN(SIZE, num_filters=4, gan_curriculum=3, dtype="float64")
    for name in NETWORKS:
        set_golden_weights(getattr(model, name), keys_of(name))
    model.compile()
    losses = []
    for a, b in zip(*golden_images(), strict=True):
        batch = tf.data.Dataset.from_tensors({"images_a": a, "images_b": b})
        # What is not due is not computed in training.
        found = model.evaluate(batch, return_dict=True, verbose=0)
        due = model.due_updates(model.global_step)
        history = model.fit(batch, verbose=0).history
        found |= {k: v[0] for k, v in history.items() if k.startswith(due)}
        losses.append(found)
    return model, {name: np.array([each[name] for each in losses]) for name in found}


@pytest.mark.parametrize("domain", ["a", "b"])
@pytest.mark.parametrize(
    "published, ours",
    [
        ("gen", {"G/adversarial": 1.0}),
        ("feature", {"G/features": 1.0}),
        ("recon", {"G/reconstruction": 1.0}),
        ("dis", {"D/real": 0.5, "D/fake": 0.5}),
    ],
)
def test_losses_of_six_steps_agree(trained, published, ours, domain):
    _, losses = trained
    total = sum(weight * losses[f"{name}_{domain}"] for name, weight in ours.items())
    expected = GOLDEN[f"loss {published} {domain.upper()}"]
    np.testing.assert_allclose(total, expected, rtol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_after_six_steps_agree(trained, name):
    variables = getattr(trained[0], name).trainable_variables
    for variable, key in zip(variables, keys_of(name), strict=True):
        expected = golden_inputs.from_pytorch(GOLDEN[f"final {key}"])
        np.testing.assert_allclose(variable, expected, atol=1e-7, err_msg=key)


# The model's own rules, on tiny models.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    return DiscoGAN(**{"image_size": 16, "num_filters": 2} | settings)


def tiny_images(count):
    rng = np.random.default_rng(count)
    return rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")


@pytest.mark.parametrize("extra_layers", [False, True])
def test_a_translation_does_not_depend_on_other_images(extra_layers):
    model = tiny(extra_layers=extra_layers)
    images = tiny_images(8)
    alone, together = (model.translate(images, "B", batch_size=n) for n in (1, 8))
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 1e-4


def test_an_image_is_translated_by_the_generator_of_its_target():
    model = tiny(labels=LabelSet(("cat", "dog")))
    images = tiny_images(2)
    cat, dog = (
        2 * np.asarray(getattr(model, name)((images + 1) / 2)) - 1
        for name in ("generator_a", "generator_b")
    )
    found = model.translate(images, [1, 0])
    np.testing.assert_allclose(found, np.stack([dog[0], cat[1]]), atol=1e-6)


def test_running_averages_are_of_real_images():
    model = tiny()
    images = (tiny_images(4) + 1) / 2
    model._translations({"images_a": images, "images_b": images}, {})
    generator, x = model.generator_a, images
    for layer in generator.chain[:3]:
        x = layer(x)
    expected = 0.1 * np.mean(x, axis=(0, 1, 2))
    np.testing.assert_allclose(generator.chain[3].moving_mean, expected, atol=1e-6)


def test_features_are_compared_from_the_last_one_back():
    images = {"images_a": tiny_images(2), "images_b": tiny_images(3)[:2]}
    found = []
    for num_features in (0, 1, 2, 3):
        model = tiny(image_size=32, num_features=num_features)
        batch = {k: np.tile(v, (1, 2, 2, 1)) for k, v in images.items()}
        found.append(float(model._translations(batch, {})["features_a"]))
    assert found[0] == 0 < found[1] < found[2] == found[3]


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"num_features": -1}, "num_features must be 0 or more; received -1"),
        ({"image_size": 8}, "power of 2, 16 or more; received 8"),
        ({"image_size": 48}, "power of 2, 16 or more; received 48"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)

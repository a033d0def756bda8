"""DIAT: its losses and their gradients, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_stargan
from keras_stargan import DIAT, LabelSet, PairwiseModel, StarGAN
from keras_stargan.data import ImageSet
from keras_stargan.methods.diat.losses import (
    ADVERSARIAL,
    discriminator_losses,
    identity_loss,
)
from keras_stargan.methods.diat.published import TINY
from keras_stargan.networks import PatchCritic
from keras_stargan.networks.weights import shapes_only
from keras_stargan.pretrained.face_recognition import MANIFEST

GOLDEN = np.load(golden_inputs.FOLDER / "diat.npz")
WEIGHTS, LAMBDA = (1.0, 0.5), 10.0
LAYERS = sum(name.startswith("features_source_") for name in GOLDEN)
LABELS = LabelSet(("neutral", "happy"))


def golden(name):
    """An array of the file, in Keras' layout."""
    return tf.constant(GOLDEN[name].transpose(0, 2, 3, 1))


def loss(name):
    return pytest.approx(float(GOLDEN[f"loss {name}"]), rel=1e-9)


def features(of):
    return [golden(f"features_{of}_{i}") for i in range(LAYERS)]


# Losses, on the features and scores of the file.


@pytest.mark.parametrize("distance", ["l1", "squared"])
def test_identity_loss_and_its_gradients_agree(distance):
    source, translated = features("source"), features("translated")
    with tf.GradientTape() as tape:
        tape.watch([source, translated])
        value = identity_loss(source, translated, WEIGHTS, distance)
    assert float(value) == loss(f"identity_{distance}")
    of_source, of_translated = tape.gradient(value, [source, translated])
    assert of_source == [None] * LAYERS
    for i, gradient in enumerate(of_translated):
        expected = golden(f"gradient identity_{distance} features_translated_{i}")
        np.testing.assert_allclose(gradient, expected, rtol=1e-9)


@pytest.mark.parametrize("adversarial", ["wgan", "gan"])
def test_losses_of_both_players_agree(adversarial):
    target, translated = golden("scores_target"), golden("scores_translated")
    gradient = golden("gradient_mixed")
    real, fake = tf.ones_like(gradient), tf.zeros_like(gradient)
    terms = discriminator_losses(
        lambda images: target if images is real else translated,
        real,
        fake,
        tf.zeros(len(gradient), "float64"),
        adversarial,
        lambda function, images: gradient,
    )
    assert float(terms["real"] + terms["fake"]) == loss(f"D/{adversarial}")
    if adversarial == "wgan":
        assert float(terms["gp"]) == loss("D/penalty")
        assert float(terms["real"] + terms["fake"] + 10 * terms["gp"]) == loss(
            "D/wgan_total"
        )
    of_generator = ADVERSARIAL[adversarial](translated, True)
    identity = identity_loss(features("source"), features("translated"), WEIGHTS, "l1")
    assert float(of_generator) == loss(f"G/{adversarial}")
    assert float(of_generator + LAMBDA * identity) == loss(f"G/{adversarial}_total")


# Networks.


def test_critic_scores_as_stargans_discriminator():
    stargan = StarGAN(16, 2, conv_dim=4, num_discriminator_layers=2).discriminator
    critic = PatchCritic(16, 4, 2)
    critic.set_weights(stargan.get_weights()[:-1])
    images = noise(2)
    np.testing.assert_allclose(critic(images), stargan(images)[0], atol=1e-6)


def test_parameters_are_as_many_as_in_stargans_table():
    model = shapes_only(lambda: DIAT(128))
    assert sum(model.parameters.values()) == 52_558_787
    assert model.parameter_summary == "52.6M x 1"


def test_models_of_seven_targets_are_counted_as_in_stargans_table():
    sizes = TINY | {"num_filters": 64, "num_discriminator_layers": 2}
    parts = [
        shapes_only(lambda name=name: DIAT(**sizes, labels=LabelSet(("calm", name))))
        for name in ("sad", "happy")
    ]
    count = sum(parts[0].parameters.values()) / 1e6
    both = shapes_only(lambda: PairwiseModel(parts))
    assert both.parameter_summary == f"{count:.1f}M x 2"
    assert both.reachable == ("sad", "happy")


# The model's own rules.


class Features(keras.layers.Layer):
    """A layer that remembers in what mode it was called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.modes = []

    def call(self, inputs, training=None):
        self.modes.append(training)
        return inputs


def noise(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")


def maps(*more):
    """A model of two feature maps, with batch normalization."""
    images = x = keras.Input((16, 16, 3))
    for layer in more:
        x = layer(x)
    x = keras.layers.Conv2D(2, 3, strides=2)(x)
    y = keras.layers.Conv2D(3, 3)(keras.layers.BatchNormalization()(x))
    return keras.Model(images, [x, y])


def tiny(**settings):
    keras.utils.set_random_seed(0)
    return DIAT(**TINY | {"labels": LABELS} | settings)


def people(count=4):
    """Every person with both labels."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * count, 16, 16, 3), "uint8")
    labels = np.tile(np.eye(2), (count, 1))
    return ImageSet(images, labels, LABELS, np.repeat(np.arange(count), 2))


def train(model, steps=1):
    """The losses of each step."""
    images = {"images_a": noise(2 * steps, 1), "images_b": noise(2 * steps, 2)}
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(images).batch(2).repeat(),
        epochs=steps,
        steps_per_epoch=1,
        verbose=0,
    )
    return history.history


@pytest.fixture(scope="module")
def pretrained():
    model = tiny(n_critic=1)
    model.pretrain([people()])
    model.compile(run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def trained():
    """A model with a given network, its losses of a step, and it before that step."""
    layer = Features()
    settings = {"identity": maps(layer), "identity_weights": [2.0, 0.5], "n_critic": 1}
    model = tiny(**settings, identity_distance="squared", lambda_id=3.0)
    before = tiny(**settings)
    for name in ("generator", "discriminator"):
        getattr(before, name).set_weights(getattr(model, name).get_weights())
    frozen = model.identity.get_weights()
    model.compile(run_eagerly=True)
    layer.modes.clear()
    losses = {name: values[0] for name, values in train(model).items()}
    return model, losses, before, frozen, layer.modes


def test_identity_features_are_not_trained_and_in_inference_mode(trained):
    model, _, _, frozen, modes = trained
    for value, expected in zip(model.identity.get_weights(), frozen, strict=True):
        np.testing.assert_array_equal(value, expected)
    assert modes == [False, False]
    assert model.parameters.keys() == {"generator", "discriminator"}


def test_terms_of_a_step_are_what_the_networks_give(trained):
    model, losses, before, _, _ = trained
    a, b = noise(2, 1), noise(2, 2)
    fake = before.generator(a)
    assert losses["D/real"] == pytest.approx(-before.discriminator(b).numpy().mean())
    assert losses["D/fake"] == pytest.approx(before.discriminator(fake).numpy().mean())
    # The generator meets the discriminator that this step has updated.
    scores = model.discriminator(fake).numpy()
    assert losses["G/fake"] == pytest.approx(-scores.mean(), rel=1e-5)
    pairs = zip(model.identity(a), model.identity(fake), strict=True)
    first, second = (np.square(x - y).mean() for x, y in pairs)
    assert losses["G/identity"] == pytest.approx(2 * first + 0.5 * second, rel=1e-5)
    total = losses["G/fake"] + 3 * losses["G/identity"]
    assert losses["G/loss"] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("adversarial, every", [("wgan", 5), ("gan", 1)])
def test_the_generator_is_updated_as_often_as_its_loss_needs(adversarial, every):
    model = tiny(adversarial=adversarial, n_critic=None)
    assert [update.every for update in model.updates] == [1, every]
    assert ("gp" in model.updates[0].loss_weights) == (adversarial == "wgan")


def test_learning_rate_is_constant_and_then_falls(pretrained):
    factors = [pretrained.learning_rate_factor(step, 8, 1) for step in range(8)]
    assert factors == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


def test_only_images_that_are_to_become_of_the_target_change(pretrained):
    images = noise(3)
    mixed = pretrained.translate(images, [1, 0, 1], own=np.eye(2)[[0, 0, 0]])
    np.testing.assert_array_equal(mixed[1], images[1])
    expected = pretrained.generator(images)
    np.testing.assert_allclose(mixed[::2], expected[::2], atol=1e-6)
    assert pretrained.reachable == ("happy",)
    with pytest.raises(ValueError, match="translates to happy"):
        pretrained.translate(images, "neutral")


# Where the identity features come from.


def test_without_features_fit_says_how_to_get_them():
    model = tiny()
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=r"pretrain\(.*vladmandic/face-api"):
        train(model)
    assert model.global_step == 0


def test_without_an_identity_loss_no_features_are_needed():
    model = tiny(lambda_id=0.0, n_critic=1)
    model.pretrain([people()])
    model.compile(run_eagerly=True)
    assert "G/identity" not in train(model)
    assert not model.frozen["identity"].has_weights


def test_features_are_learned_once(pretrained):
    weights = pretrained.identity.get_weights()
    pretrained.pretrain([people(3)])
    for value, expected in zip(pretrained.identity.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_learned_features_are_saved_with_the_model(pretrained, tmp_path):
    pretrained.save(tmp_path / "model.keras")
    loaded = keras_stargan.load_model(tmp_path / "model.keras")
    loaded.frozen["identity"].check()
    images = noise(2)
    for value, expected in zip(
        loaded.identity(images), pretrained.identity(images), strict=True
    ):
        np.testing.assert_allclose(value, expected, atol=1e-6)


def test_models_share_learned_features_by_a_file(pretrained, tmp_path):
    file = tmp_path / "persons.keras"
    pretrained.frozen["identity"].save(file)
    other = tiny(identity=str(file))
    other.save(tmp_path / "model.keras")
    loaded = keras_stargan.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == other.get_config()
    assert loaded.get_config()["identity"].keys() == {"file", "sha256"}
    images = noise(2)
    expected = pretrained.identity(images)
    for model in (other, loaded):
        for value, known in zip(model.identity(images), expected, strict=True):
            np.testing.assert_allclose(value, known, atol=1e-6)


def test_a_model_whose_file_is_gone_translates_and_cannot_be_trained(tmp_path):
    file = tmp_path / "maps.keras"
    maps().save(file)
    model = tiny(identity=str(file))
    model.save(tmp_path / "model.keras")
    file.unlink()
    loaded = keras_stargan.load_model(tmp_path / "model.keras")
    images = noise(2)
    np.testing.assert_allclose(
        loaded.translate(images, "happy"), model.translate(images, "happy"), atol=1e-6
    )
    with pytest.raises(ValueError, match=r"maps\.keras.*could not be read"):
        train_anew(loaded)


def train_anew(model):
    model.compile(run_eagerly=True)
    return train(model)


def test_a_network_that_was_given_is_saved_with_the_model(tmp_path):
    network = maps()  # Its last weights, biases, are zeros.
    model = tiny(identity=network, n_critic=1)
    model.save(tmp_path / "model.keras")
    loaded = keras_stargan.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    images = noise(2)
    for value, expected in zip(loaded.identity(images), network(images), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-6)
    assert np.isfinite(train_anew(loaded)["G/identity"]).all()


def test_one_feature_map_is_enough():
    images = keras.Input((16, 16, 3))
    network = keras.Model(images, keras.layers.Conv2D(2, 3)(images))
    losses = train_anew(tiny(identity=network, n_critic=1))
    assert np.isfinite(losses["G/identity"]).all()


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"image_size": 18}, "multiple of 4 and at least 8; received 18"),
        ({"num_discriminator_layers": 5}, "multiple of 32 .*; received 16"),
        ({"adversarial": "hinge"}, "wgan or gan; received 'hinge'"),
        ({"identity_distance": "l2"}, "l1 or squared; received 'l2'"),
        ({"n_critic": 0}, "n_critic must be at least 1; received 0"),
        ({"identity_steps": 0}, "identity_steps must be at least 1; received 0"),
        ({"identity": "weights.h5"}, "a .keras file, or .*; received 'weights.h5'"),
        ({"identity_weights": [1.0]}, "each of 2 feature maps; received 1"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)


def test_a_folder_of_face_api_is_read(tmp_path):
    (tmp_path / MANIFEST).write_text("[]")
    with pytest.raises(ValueError, match="entry conv32_down/conv/filters"):
        tiny(identity=str(tmp_path))


def test_a_network_for_other_images_is_refused():
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"images of shape \(None, 16, 16, 3\)"):
        tiny(identity=network)

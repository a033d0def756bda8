"""pix2pix: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from keras_stargan import LabelSet
from keras_stargan.files.pytorch import assign_weights, state_dict
from keras_stargan.losses import ADVERSARIAL_LOSSES
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.methods.pix2pix.pix2pix import Pix2Pix
from keras_stargan.methods.pix2pix.published import check_settings, weight_files
from keras_stargan.networks import PatchDiscriminator, UNetGenerator
from keras_stargan.networks.weights import shapes_only

GOLDEN = np.load(golden_inputs.FOLDER / "pix2pix.npz")
SIZE, BATCH, STEPS = 128, 2, 4
# The published names of the networks, in the order of the published files.
NETWORKS = {"G": "generator", "D": "discriminator"}


def golden_images():
    """Images of A and of B, each (step, image, y, x, channel)."""
    rng = np.random.RandomState(43)
    return [
        np.stack(
            [golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in range(STEPS)]
        )
        for _ in "ab"
    ]


def golden_state(prefix):
    return {
        key.removeprefix(f"{prefix}/"): golden_inputs.weight(key, shape)
        for key, shape in golden_inputs.weights(GOLDEN, prefix)
    }


def kept(row):
    """What dropout keeps, in each of its layers: row 0 is not of a step."""
    keys = ("dropout_keep_0", "dropout_keep_1")
    return [np.transpose(GOLDEN[key][row], (0, 2, 3, 1)) for key in keys]


def published_layout(images):
    return np.transpose(images, (0, 3, 1, 2))


class GoldenPix2Pix(Pix2Pix):
    """Drops what the published run dropped."""

    def draw(self, draws, batch):
        rows = [kept(row) for row in range(1, STEPS + 1)]
        return {
            f"kept_{i}": keras.ops.take(np.stack(masks), self.step, axis=0)
            for i, masks in enumerate(zip(*rows, strict=True))
        }


def golden_model(**settings):
    model = GoldenPix2Pix(SIZE, None, 3, num_discriminator_filters=4, **settings)
    for prefix, names in zip(NETWORKS, weight_files(model), strict=True):
        assign_weights(names[""], golden_state(prefix))
    return model


# Networks and losses.


@pytest.fixture(scope="module")
def fresh():
    return golden_model(dtype="float64", statistics_at_use="running")


def test_generator_agrees_in_training(fresh):
    images, _ = golden_images()
    translated = fresh.generator(images[0], training=True, kept=kept(0))
    np.testing.assert_allclose(
        published_layout(translated)[:, :, ::4, ::4], GOLDEN["forward G"], rtol=1e-9
    )


def test_generator_agrees_with_running_statistics():
    model = golden_model(dtype="float64", statistics_at_use="running")
    images, _ = golden_images()
    translated = published_layout(model.translate(images[0], "B"))
    np.testing.assert_allclose(
        translated[:, :, ::4, ::4], GOLDEN["forward G eval"], rtol=1e-9
    )


def test_discriminator_agrees(fresh):
    pairs = np.concatenate([images[0] for images in golden_images()], axis=-1)
    scores = fresh.discriminator(pairs, training=True)
    np.testing.assert_allclose(published_layout(scores), GOLDEN["forward D"], rtol=1e-9)


@pytest.mark.parametrize("mode", ["lsgan", "vanilla", "wgangp"])
def test_adversarial_losses_agree(mode):
    scores = keras.ops.convert_to_tensor(GOLDEN["forward D"])
    for real in (True, False):
        published = GOLDEN[f"forward gan {mode} {'real' if real else 'fake'}"]
        ours = float(ADVERSARIAL_LOSSES[mode](scores, real))
        assert ours == pytest.approx(float(published), rel=1e-9)


@pytest.mark.parametrize(
    "name, make",
    [
        ("unet_256", lambda: UNetGenerator(256)),
        ("unet_128", lambda: UNetGenerator(128, num_halvings=7)),
        (
            "basic discriminator 6 channels",
            lambda: PatchDiscriminator(256, 64, 3, 6, "batch"),
        ),
        (
            "pixel discriminator 6 channels",
            lambda: PatchDiscriminator(256, 64, 0, 6, "batch", pixels=True),
        ),
    ],
)
def test_networks_have_as_many_parameters_as_published(name, make):
    weights = shapes_only(make).trainable_weights
    assert (
        sum(np.prod(weight.shape) for weight in weights) == GOLDEN[f"parameters {name}"]
    )


# Training, through the engine that `fit` uses.


@pytest.fixture(scope="module")
def trained():
    """A model after four steps, each step's losses, and the first step's gradients."""
    model = golden_model(dtype="float64")
    model.compile()
    norms = {}

    def keep_gradients(epoch, logs):
        if epoch > 0:
            return
        for prefix, name in NETWORKS.items():
            # After one step, Adam's first moment is half the gradient.
            moments = model.optimizers[name]._momentums
            weights = golden_inputs.weights(GOLDEN, prefix)
            keys = [key for key, _ in weights if "running" not in key]
            for key, moment in zip(keys, moments, strict=True):
                norms[key] = 2 * np.linalg.norm(np.ravel(moment))

    batches = dict(zip(("images_a", "images_b"), golden_images(), strict=True))
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(batches),
        # An epoch of one step, so that the history has every step's own losses.
        epochs=STEPS,
        steps_per_epoch=1,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep_gradients)],
        verbose=0,
    )
    return model, {k: np.array(v) for k, v in history.history.items()}, norms


@pytest.mark.parametrize(
    "published, ours, weight",
    [
        ("G_GAN", "G/adversarial", 1.0),
        ("G_L1", "G/l1", 100.0),
        ("D_real", "D/real", 1.0),
        ("D_fake", "D/fake", 1.0),
    ],
)
def test_losses_of_four_steps_agree(trained, published, ours, weight):
    _, history, _ = trained
    np.testing.assert_allclose(
        weight * history[ours], GOLDEN[f"loss {published}"], rtol=1e-9
    )


def test_gradients_of_the_first_step_agree(trained):
    _, _, norms = trained
    published = {
        key.removeprefix("grad "): GOLDEN[key] for key in GOLDEN if "grad" in key
    }
    assert set(norms) == set(published)
    for name, norm in norms.items():
        assert norm == pytest.approx(float(published[name]), 1e-9, 1e-13), name


def test_weights_and_running_statistics_after_four_steps_agree(trained):
    model, _, _ = trained
    for prefix, names in zip(NETWORKS, weight_files(model), strict=True):
        state = state_dict(names[""])
        for key, _ in golden_inputs.weights(GOLDEN, prefix):
            found = state[key.removeprefix(f"{prefix}/")]
            np.testing.assert_allclose(
                found, GOLDEN[f"final {key}"], atol=1e-7, err_msg=key
            )

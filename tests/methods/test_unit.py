"""UNIT: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from keras_stargan import UNIT, LabelSet
from keras_stargan.files.pytorch import state_dict
from keras_stargan.methods.loading import load_published
from keras_stargan.methods.unit import published
from keras_stargan.networks.weights import shapes_only
from keras_stargan.training.callbacks import LearningRateSchedule

GOLDEN = np.load(golden_inputs.FOLDER / "unit.npz")
SIZE, BATCH, STEPS = 32, 2, 4
# The published run's noise, by the names of the draws.
NOISES = {
    "d_a": "n_a_dis",
    "d_b": "n_b_dis",
    "g_a": "n_a_gen",
    "g_b": "n_b_gen",
    "cycle_a": "n_a_recon",
    "cycle_b": "n_b_recon",
}


def golden_images():
    """Batches `images_a` and `images_b`, each (step, image, y, x, channel)."""
    rng = np.random.RandomState(63)
    pairs = [
        [golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in "ab"]
        for _ in range(STEPS)
    ]
    a, b = (np.stack(images) for images in zip(*pairs, strict=True))
    return {"images_a": a, "images_b": b}


IMAGES = golden_images()


def golden_noise(name):
    """Noise of each step: (step, image, y, x, channel)."""
    return GOLDEN[name].transpose(0, 1, 3, 4, 2)


class GoldenUNIT(UNIT):
    """Draws the noise of the published run."""

    def draw(self, draws, batch):
        return {
            name: keras.ops.take(golden_noise(theirs), self.step, axis=0)
            for name, theirs in NOISES.items()
        }


def published_weights(model):
    """The maps of names of the published networks, by the networks' names."""
    generators, discriminators = published.weight_files(model)
    return {f"gen_{x}": names for x, names in generators.items()} | {
        f"dis_{x}": names for x, names in discriminators.items()
    }


@pytest.fixture(scope="module")
def untrained():
    return golden_model()


def golden_model():
    model = GoldenUNIT(SIZE, None, 4, 2, 3, 3, halve_every=2, dtype="float64")
    golden_inputs.assign_fresh_weights({}, published_weights(model))
    return model


@pytest.fixture(scope="module")
def trained():
    """A model after four steps, and each step's losses and learning rates."""
    model = golden_model()
    model.compile(run_eagerly=True)
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(IMAGES),
        # An epoch of one step, so that the history has every step's own losses.
        epochs=STEPS,
        steps_per_epoch=1,
        verbose=0,
        callbacks=[LearningRateSchedule(model, STEPS, 1)],
    )
    return model, {name: np.array(x) for name, x in history.history.items()}


def assert_agrees(images, name, thinned=False):
    """Compares a tensor with published figures, of images every second pixel."""
    value = np.asarray(images)
    value = (value[:, ::2, ::2] if thinned else value).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(value, GOLDEN[f"forward {name}"], 1e-9, 1e-13)


# Forward passes.


def test_codes_agree(untrained):
    assert_agrees(untrained.content_encoder_a(IMAGES["images_a"][0]), "h_a")


def test_translations_and_reconstructions_agree(untrained):
    a, b = IMAGES["images_a"][0], IMAGES["images_b"][0]
    codes = untrained.content_encoder_a(a)
    for name, found in {
        "x_ab": untrained.translate(a, "B"),
        "x_ba": untrained.translate(b, "A"),
        "recon_a": untrained.decoder_a(codes),
        "x_ab_noise": untrained.decoder_b(codes + golden_noise("n_a_dis")[0]),
    }.items():
        assert_agrees(found, name, thinned=True)


def test_scores_agree(untrained):
    scores = untrained.discriminator_a(IMAGES["images_a"][0])
    for i, scale in enumerate(scores):
        assert_agrees(scale, f"dis_a_{i}")


def test_networks_have_as_many_parameters_as_published():
    counts = {"content_encoder": 5385856, "decoder": 5754627, "discriminator": 8271171}
    expected = {f"{part}_{x}": count for part, count in counts.items() for x in "ab"}
    assert shapes_only(UNIT).parameters == expected


# Training, through the engine that `fit` uses.

TERMS = {
    "dis_a": ("D/real_a", "D/fake_a"),
    "dis_b": ("D/real_b", "D/fake_b"),
    "dis_total": ("D/loss",),
    "gen_total": ("G/loss",),
    "gen_recon_kl_cyc_aba": ("G/kl_cycle_a",),
    "gen_recon_kl_cyc_bab": ("G/kl_cycle_b",),
} | {
    f"gen_{theirs}_{x}": (f"G/{ours}_{x}",)
    for theirs, ours in {
        "adv": "adversarial",
        "recon_x": "image",
        "recon_kl": "kl",
        "cyc_x": "cycle",
    }.items()
    for x in "ab"
}


@pytest.mark.parametrize("name", TERMS)
def test_losses_of_four_steps_agree(trained, name):
    _, history = trained
    total = sum(history[term] for term in TERMS[name])
    np.testing.assert_allclose(total, GOLDEN[f"loss {name}"], rtol=1e-9)


def test_learning_rates_agree(trained):
    model, history = trained
    for network in model.networks:
        np.testing.assert_allclose(history[f"{network}_rate"], GOLDEN["loss lr"])


def test_weights_after_four_steps_agree(trained):
    model, _ = trained
    expected = {name for name in GOLDEN if name.startswith("final ")}
    for network, names in published_weights(model).items():
        for key, value in state_dict(names).items():
            name = f"final {network}/{key}"
            expected.remove(name)
            np.testing.assert_allclose(value, GOLDEN[name], atol=1e-7, err_msg=name)
    assert not expected


# The model's own rules, on a tiny model.


def test_an_image_is_decoded_in_its_target_domain():
    model = UNIT(**published.TINY | {"labels": LabelSet(("cat", "dog"))})
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    dogs = model.decoder_b(model.content_encoder_a(images))
    cats = model.decoder_a(model.content_encoder_b(images))
    found = model.translate(images, [1, 0])
    np.testing.assert_allclose(found, np.stack([dogs[0], cats[1]]), atol=1e-6)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"adversarial": "wgangp"}, "lsgan, vanilla; received 'wgangp'"),
        ({"image_size": 4}, "multiple of 4 and at least 8; received 4"),
        ({"num_scales": 4}, "at least 32; received 16"),
        ({"num_discriminator_layers": 0}, "num_discriminator_layers must be at least"),
        ({"vgg": "imagenet"}, "received vgg with lambda_vgg=0"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        UNIT(**published.TINY | settings)


# The published files.


def test_published_files_are_read(tmp_path, untrained):
    paths = [tmp_path / name for name in published.FILES]
    for path, networks in zip(paths, published.weight_files(untrained), strict=True):
        states = {
            x: {
                key: torch.tensor(np.float32(value))
                for key, value in state_dict(names).items()
            }
            for x, names in networks.items()
        }
        torch.save(states, path)
    model = load_published(*paths, image_size=SIZE)
    a = IMAGES["images_a"][0].astype("float32")
    translated = model.translate(a, "B")[:, ::2, ::2].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(translated, GOLDEN["forward x_ab"], atol=1e-4)
    scores = np.asarray(model.discriminator_a(a)[0]).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(scores, GOLDEN["forward dis_a_0"], atol=1e-4)

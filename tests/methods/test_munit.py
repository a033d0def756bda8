"""MUNIT: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from keras_stargan import MUNIT, LabelSet
from keras_stargan.files.pytorch import state_dict
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.methods.munit import published
from keras_stargan.networks.weights import shapes_only
from keras_stargan.training.callbacks import LearningRateSchedule

GOLDEN = np.load(golden_inputs.FOLDER / "munit.npz")
SIZE, BATCH, STEPS = 32, 2, 4
SIZES = {
    "image_size": SIZE,
    "num_filters": 4,
    "style_dim": 5,
    "mapping_dim": 7,
    "num_residual_blocks": 2,
    "num_discriminator_layers": 3,
    "num_scales": 3,
}


def golden_images():
    """Batches `images_a` and `images_b`, each (step, image, y, x, channel)."""
    rng = np.random.RandomState(61)
    pairs = [
        [golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in "ab"]
        for _ in range(STEPS)
    ]
    a, b = (np.stack(images) for images in zip(*pairs, strict=True))
    return {"images_a": a, "images_b": b}


IMAGES = golden_images()


class GoldenMUNIT(MUNIT):
    """Draws the styles of the published run."""

    def draw(self, draws, batch):
        return {
            f"{update}_styles_{x}": keras.ops.take(
                GOLDEN[f"s_{x}_{name}"][:, :, None], self.step, axis=0
            )
            for update, name in (("d", "dis"), ("g", "gen"))
            for x in "ab"
        }


def published_weights(model):
    """The maps of names of the published networks, by the networks' names."""
    generators, discriminators = published.weight_files(model)
    return {f"gen_{x}": names for x, names in generators.items()} | {
        f"dis_{x}": names for x, names in discriminators.items()
    }


def golden_model(**settings):
    model = GoldenMUNIT(**SIZES | {"halve_every": 2, "dtype": "float64"} | settings)
    golden_inputs.assign_fresh_weights({}, published_weights(model))
    return model


def train(model, steps):
    """Each step's losses and learning rates."""
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(IMAGES),
        # An epoch of one step, so that the history has every step's own losses.
        epochs=steps,
        steps_per_epoch=1,
        verbose=0,
        callbacks=[LearningRateSchedule(model, steps, 1)],
    )
    return {name: np.array(values) for name, values in history.history.items()}


def assert_agrees(images, name, thinned=False):
    """Compares a tensor with published figures, of images every second pixel."""
    value = np.asarray(images)
    value = value[:, ::2, ::2] if thinned else value
    value = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
    np.testing.assert_allclose(value, GOLDEN[f"forward {name}"], 1e-9, 1e-13)


# Forward passes.


@pytest.fixture(scope="module")
def untrained():
    return golden_model()


@pytest.mark.parametrize("x", ["a", "b"])
def test_contents_and_styles_agree(untrained, x):
    images = IMAGES[f"images_{x}"][0]
    contents = getattr(untrained, f"content_encoder_{x}")(images)
    assert_agrees(contents, f"content_{x}")
    assert_agrees(getattr(untrained, f"style_encoder_{x}")(images), f"style_{x}")


def test_parameters_of_adaptive_blocks_agree(untrained):
    styles = GOLDEN["s_a_dis"][0].astype("float64")
    assert_agrees(untrained.decoder_a.parameters_of(styles), "adain_a")


def test_reconstructions_agree(untrained):
    images = IMAGES["images_a"][0]
    codes = untrained.content_encoder_a(images), untrained.style_encoder_a(images)
    assert_agrees(untrained.decoder_a(list(codes)), "recon_a", thinned=True)


def test_translations_agree(untrained):
    a, b = IMAGES["images_a"][0], IMAGES["images_b"][0]
    for name, found in {
        "x_ba_latent": untrained.translate(b, "A", latents=GOLDEN["s_a_dis"][0]),
        "x_ab_latent": untrained.translate(a, "B", latents=GOLDEN["s_b_dis"][0]),
        "x_ab_reference": untrained.translate(a, "B", references=b),
    }.items():
        assert_agrees(found, name, thinned=True)


def test_scores_agree(untrained):
    scores = untrained.discriminator_a(IMAGES["images_a"][0])
    for i, scale in enumerate(scores):
        assert_agrees(scale, f"dis_a_{i}")


def test_networks_have_as_many_parameters_as_published():
    counts = {
        "content_encoder": 5385856,
        "style_encoder": 2764936,
        # The published program counts the dense layers by themselves.
        "decoder": 1120768 + 5754627,
        "discriminator": 8271171,
    }
    expected = {f"{part}_{x}": count for part, count in counts.items() for x in "ab"}
    assert shapes_only(MUNIT).parameters == expected


# Training, through the engine that `fit` uses.


@pytest.fixture(scope="module")
def trained():
    model = golden_model(lambda_cycle=10.0)
    model.compile()
    return model, train(model, STEPS)


@pytest.fixture(scope="module")
def trained_by_cross_entropy():
    model = golden_model(adversarial="vanilla")
    model.compile(run_eagerly=True)
    return model, train(model, 2)


TERMS = {
    "dis_a": ("D/real_a", "D/fake_a"),
    "dis_b": ("D/real_b", "D/fake_b"),
    "dis_total": ("D/loss",),
    "gen_total": ("G/loss",),
} | {
    f"gen_{theirs}_{x}": (f"G/{ours}_{x}",)
    for theirs, ours in {
        "adv": "adversarial",
        "recon_x": "image",
        "recon_s": "style",
        "recon_c": "content",
    }.items()
    for x in "ab"
}
CYCLES = {f"gen_cycrecon_x_{x}": (f"G/cycle_{x}",) for x in "ab"}


@pytest.mark.parametrize("name", TERMS | CYCLES)
def test_losses_of_four_steps_agree(trained, name):
    _, history = trained
    total = sum(history[term] for term in (TERMS | CYCLES)[name])
    np.testing.assert_allclose(total, GOLDEN[f"loss {name}"], rtol=1e-9)


@pytest.mark.parametrize("name", TERMS)
def test_losses_with_cross_entropy_agree(trained_by_cross_entropy, name):
    _, history = trained_by_cross_entropy
    total = sum(history[term] for term in TERMS[name])
    np.testing.assert_allclose(total, GOLDEN[f"nsgan loss {name}"], rtol=1e-9)


def test_learning_rates_agree(trained):
    model, history = trained
    for network in model.networks:
        np.testing.assert_allclose(history[f"{network}_rate"], GOLDEN["loss lr"])


def test_weights_after_four_steps_agree(trained):
    model, _ = trained
    expected = {name for name in GOLDEN if name.startswith("final ")}
    for network, names in published_weights(model).items():
        for key, value in state_dict(names).items():
            if "running" in key:
                continue
            name = f"final {network}/{key}"
            expected.remove(name)
            np.testing.assert_allclose(value, GOLDEN[name], atol=1e-7, err_msg=name)
    assert not expected


# The model's own rules, on tiny models.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    sizes = {k: v for k, v in published.TINY.items() if not k.startswith("lambda_")}
    return MUNIT(**sizes | settings)


def tiny_images(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return tiny(labels=LabelSet(("cat", "dog")))


def test_images_keep_their_content_and_get_the_style_of_the_target(model):
    images, latents = tiny_images(2), np.ones((2, 3), "float32")
    dogs = model.decoder_b([model.content_encoder_a(images), latents])
    cats = model.decoder_a([model.content_encoder_b(images), latents])
    found = model.translate(images, [1, 0], latents=latents)
    np.testing.assert_allclose(found, np.stack([dogs[0], cats[1]]), atol=1e-6)


def test_styles_of_references_are_those_of_their_domain(model):
    references = tiny_images(2)
    found = model.conditions([1, 0], references=references)
    styles = [
        model.style_encoder_b(references)[0],
        model.style_encoder_a(references)[1],
    ]
    np.testing.assert_allclose(found[:, :3], styles, atol=1e-6)
    np.testing.assert_array_equal(found[:, 3:], [[0, 1], [1, 0]])


class DrawnBefore(MUNIT):
    """Draws two styles that are known beforehand."""

    styles = np.random.default_rng(1).normal(size=(2, 2, 3)).astype("float32")

    def draw(self, draws, batch):
        return dict.fromkeys(super().draw(draws, batch), self.styles)


def test_mode_seeking_judges_two_translations_and_pushes_them_apart():
    model = DrawnBefore(**published.TINY | {"dtype": "float64"})
    model.compile(run_eagerly=True)
    a, b = tiny_images(2, 1).astype("float64"), tiny_images(2, 2).astype("float64")
    first, second = (
        model.translate(b, "A", latents=model.styles[:, i]) for i in range(2)
    )

    def judged(images, target):
        scores = model.discriminator_a(images)
        return sum(np.mean((np.asarray(x) - target) ** 2) for x in scores)

    expected = {
        "D/real_a": 2 * judged(a, 1),
        "D/fake_a": judged(first, 0) + judged(second, 0),
    }
    apart = np.mean(np.abs(first - second))
    styles_apart = np.mean(np.abs(model.styles[:, 0] - model.styles[:, 1]))
    expected["G/ms_a"] = 1 / (apart / styles_apart + 1e-5)
    batches = tf.data.Dataset.from_tensors({"images_a": a, "images_b": b})
    history = model.fit(batches, verbose=0).history
    for name, value in expected.items():
        assert history[name][0] == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"adversarial": "wgangp"}, "lsgan, vanilla; received 'wgangp'"),
        ({"image_size": 12}, "multiple of 4 and at least 16; received 12"),
        ({"num_scales": 4}, "at least 32; received 16"),
        ({"num_residual_blocks": 0}, "num_residual_blocks must be at least 1"),
        ({"style_dim": 0}, "style_dim must be at least 1; received 0"),
        ({"halve_every": 0}, "halve_every must be at least 1; received 0"),
        ({"vgg": "imagenet"}, "received vgg with lambda_vgg=0"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    settings = published.TINY | settings
    if "num_scales" in settings:
        settings |= {"num_discriminator_layers": 2}
    with pytest.raises(ValueError, match=message):
        MUNIT(**settings)


# The published files.


def test_published_files_are_read_and_written(tmp_path, untrained):
    paths = [tmp_path / name for name in published.FILES]
    states = [
        {
            x: {
                key: torch.tensor(np.float32(value))
                for key, value in state_dict(names).items()
            }
            for x, names in networks.items()
        }
        for networks in published.weight_files(untrained)
    ]
    for state in states[0].values():
        # Files older than PyTorch 0.4 have statistics of other normalizations, too.
        state["enc_content.model.0.norm.running_mean"] = torch.zeros(4)
    for path, state in zip(paths, states, strict=True):
        torch.save(state, path)
    model = load_published(*paths, image_size=SIZE)
    a, b = (IMAGES[f"images_{x}"][0].astype("float32") for x in "ab")
    found = model.translate(a, "B", references=b)[:, ::2, ::2].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(found, GOLDEN["forward x_ab_reference"], atol=1e-4)
    scores = np.asarray(model.discriminator_a(a)[0]).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(scores, GOLDEN["forward dis_a_0"], atol=1e-4)

    again = [path.with_suffix(".again") for path in paths]
    save_published(model, *again)
    written = torch.load(again[0], weights_only=True)
    # The published layer has statistics, without which its program reads no file.
    mean = written["a"]["dec.model.0.model.0.model.0.norm.running_mean"]
    assert mean.shape == (16,)
    del states[0]["a"]["enc_content.model.0.norm.running_mean"]
    assert list(written["a"]) == list(states[0]["a"])

"""pix2pix: the published implementation's figures, in float64, and its rules."""

import json

import golden_inputs
import keras
import numpy as np
import pytest
import recipe_modules
import tensorflow as tf
import torch
from PIL import Image

from keras_stargan import LabelSet
from keras_stargan.experiments import report
from keras_stargan.experiments import run as experiments_run
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


# The model's own rules, on tiny models.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    return Pix2Pix(**{"image_size": 64, "num_filters": 2} | settings)


def tiny_images(count):
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (count, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return tiny(labels=LabelSet(("calm", "happy")))


def test_an_image_is_normalized_by_itself_as_in_training_on_single_images(model):
    images = tiny_images(3)
    alone = [model.generator(image[None], training=True)[0] for image in images]
    translated = model.translate(images, "happy", batch_size=3)
    np.testing.assert_allclose(translated, alone, atol=1e-5)


def test_images_of_the_first_domain_stay_and_are_no_target(model):
    images = tiny_images(2)
    own = np.eye(2)[[0, 0]]
    translated = model.translate(images, [0, 1], own=own)
    np.testing.assert_array_equal(translated[0], images[0])
    assert np.abs(translated[1] - images[1]).max() > 0.1
    with pytest.raises(ValueError, match=r"translates to happy; received .* calm"):
        model.translate(images, "calm")


def test_dropout_keeps_half_of_the_values_and_others_in_each_step(model):
    batch = {"images_a": tiny_images(2)}
    drawn = [model.draw(model.draws_of(step), batch) for step in range(2)]
    assert [list(each) for each in drawn] == [["kept_0"], ["kept_0"]]
    first, second = (np.array(each["kept_0"]) for each in drawn)
    assert first.shape == (2, 4, 4, 16)
    assert 0.4 < first.mean() < 0.6
    assert np.any(first != second)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"image_size": 48}, "image_size must be a multiple .* image_size=48"),
        ({"num_halvings": 4}, "5 or more.* num_halvings=4"),
        ({"num_discriminator_layers": 5}, "96"),
    ],
)
def test_sizes_are_refused_by_the_model_and_before(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)
    defaults = {"image_size": 64, "num_halvings": None, "num_discriminator_layers": 3}
    with pytest.raises(ValueError, match=message):
        check_settings(defaults | settings)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"statistics_at_use": "batch"}, "image or running; received 'batch'"),
        ({"adversarial": "hinge"}, "lsgan, vanilla, wgangp; received 'hinge'"),
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
    ],
)
def test_other_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)


# The published files.


def as_tensors(state):
    return {key: torch.tensor(value) for key, value in state.items()}


def test_published_files_are_read_and_written(tmp_path):
    paths = [tmp_path / f"latest_net_{prefix}.pth" for prefix in NETWORKS]
    states = [as_tensors(golden_state(prefix)) for prefix in NETWORKS]
    for path, state in zip(paths, states, strict=True):
        torch.save(state, path)
    model = load_published(*paths)
    assert (model.image_size, model.num_discriminator_filters) == (SIZE, 4)
    model.statistics_at_use = "running"
    a, b = (images[0].astype("float32") for images in golden_images())
    translated = published_layout(model.translate(a, "B"))
    np.testing.assert_allclose(
        translated[:, :, ::4, ::4], GOLDEN["forward G eval"], atol=1e-4
    )
    scores = model.discriminator(np.concatenate([a, b], axis=-1), training=True)
    np.testing.assert_allclose(published_layout(scores), GOLDEN["forward D"], atol=1e-4)

    again = [path.with_suffix(".again") for path in paths]
    save_published(load_published(*paths), *again)
    for path, state in zip(again, states, strict=True):
        written = torch.load(path, weights_only=True)
        counts = [key for key in written if key.endswith("num_batches_tracked")]
        assert [key for key in written if key not in counts] == list(state)
        assert all(torch.equal(written[key], state[key]) for key in state)


def test_a_discriminator_of_pixels_is_read_and_written(tmp_path):
    paths = [tmp_path / "latest_net_G.pth", tmp_path / "latest_net_D.pth"]
    model = tiny(num_discriminator_layers=0, num_discriminator_filters=3)
    save_published(model, *paths)
    assert list(torch.load(paths[1], weights_only=True)) == [
        "net.0.weight",
        "net.0.bias",
        "net.2.weight",
        *(f"net.3.{name}" for name in ("weight", "bias")),
        *(f"net.3.running_{name}" for name in ("mean", "var")),
        "net.3.num_batches_tracked",
        "net.5.weight",
    ]
    loaded = load_published(*paths)
    pairs = np.concatenate([tiny_images(1)] * 2, axis=-1)
    np.testing.assert_allclose(
        loaded.discriminator(pairs), model.discriminator(pairs), atol=1e-6
    )


def test_a_unet_of_cyclegan_is_another_network(tmp_path):
    state = golden_state("G")
    norms = [key.rpartition(".")[0] for key in state if key.endswith("running_mean")]
    state = {k: v for k, v in state.items() if k.rpartition(".")[0] not in norms}
    torch.save(as_tensors(state), tmp_path / "latest_net_G_A.pth")
    with pytest.raises(ValueError, match="not a checkpoint of a published code"):
        load_published(tmp_path / "latest_net_G_A.pth")


# The recipe.


def test_it_is_trained_on_pairs(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "train_classifier", recipe_modules.untrained_classifier)
    monkeypatch.setattr(experiments_run, "export_saved_model", lambda *_: None)
    for part, count in (("train", 3), ("val", 2)):
        (tmp_path / "pairs" / part).mkdir(parents=True)
        for i in range(count):
            a, b = np.full((2, 8, 8, 3), [[[[i]]], [[[100 + i]]]], "uint8")
            pair = Image.fromarray(np.concatenate([a, b], axis=1))
            pair.save(tmp_path / "pairs" / part / f"{i}.png")
    given = {
        "data_dir": tmp_path / "pairs",
        "work_dir": tmp_path / "run",
        "image_size": 32,
        "num_filters": 2,
        "epochs": 2,
    }
    with recipe_modules.eagerly():
        recipe_modules.loaded("train_pix2pix").main(
            recipe_modules.command_line(**given)
        )
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    # Two passes over the three pairs, one a step; the pictures of A have true answers.
    assert (figures["steps"], figures["translations"]) == (6, 4)
    assert figures["error_inside_ratio"] > 0
    assert (tmp_path / "run" / "samples" / "final.png").is_file()

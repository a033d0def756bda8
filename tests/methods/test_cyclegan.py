"""CycleGAN: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from keras_stargan import CycleGAN, LabelSet
from keras_stargan.losses import ADVERSARIAL_LOSSES
from keras_stargan.methods.loading import load_published, save_published
from keras_stargan.networks import PatchDiscriminator, ResNetGenerator
from keras_stargan.networks.image_pool import pooled

GOLDEN = np.load(golden_inputs.FOLDER / "cyclegan.npz")
SIZE, BATCH, STEPS, POOL = 32, 2, 4, 3


def golden_images():
    """Images of A and of B, each (step, image, y, x, channel)."""
    rng = np.random.RandomState(41)
    return [
        np.stack(
            [golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in range(STEPS)]
        )
        for _ in "ab"
    ]


def set_golden_weights(network, prefix):
    """Gives a network the initial weights of the published network of that name."""
    for variable, (key, shape) in zip(
        network.weights, golden_inputs.weights(GOLDEN, prefix), strict=True
    ):
        value = golden_inputs.weight(key, shape)
        variable.assign(golden_inputs.from_pytorch(value).astype("float64"))


def published_layout(images):
    return np.transpose(images, (0, 3, 1, 2))


# Networks and losses.


def test_generator_agrees():
    generator = ResNetGenerator(SIZE, 4, 6, dtype="float64")
    set_golden_weights(generator, "G_A")
    images, _ = golden_images()
    np.testing.assert_allclose(
        published_layout(generator(images[0])), GOLDEN["forward G_A"], rtol=1e-9
    )


def test_discriminator_agrees():
    discriminator = PatchDiscriminator(SIZE, 4, dtype="float64")
    set_golden_weights(discriminator, "D_A")
    _, images = golden_images()
    np.testing.assert_allclose(
        published_layout(discriminator(images[0])), GOLDEN["forward D_A"], rtol=1e-9
    )


@pytest.mark.parametrize("mode", ["lsgan", "vanilla", "wgangp"])
def test_adversarial_losses_agree(mode):
    scores = keras.ops.convert_to_tensor(GOLDEN["forward D_A"])
    for real in (True, False):
        published = GOLDEN[f"forward gan {mode} {'real' if real else 'fake'}"]
        ours = float(ADVERSARIAL_LOSSES[mode](scores, real))
        assert ours == pytest.approx(float(published), rel=1e-9)


@pytest.mark.parametrize(
    "name, make",
    [
        ("resnet_6blocks", lambda: ResNetGenerator(128)),
        ("resnet_9blocks", lambda: ResNetGenerator(256)),
        ("basic discriminator", lambda: PatchDiscriminator(256)),
    ],
)
def test_networks_have_as_many_parameters_as_published(name, make):
    assert make().count_params() == GOLDEN[f"parameters {name}"]


# The pool.


def fill_and_draw(batches, uniform, slots, size=POOL):
    """What a pool gives for batches of images that are one number each."""
    stored, count = np.full((size, 1, 1, 1), -1.0), 0
    given = []
    for i, batch in enumerate(batches):
        returned, stored, count = pooled(
            keras.ops.convert_to_tensor(stored),
            keras.ops.convert_to_tensor(count, "int32"),
            keras.ops.convert_to_tensor(np.reshape(batch, (-1, 1, 1, 1)), "float64"),
            keras.ops.convert_to_tensor(uniform[i]),
            keras.ops.convert_to_tensor(slots[i], "int32"),
        )
        given.append(np.ravel(returned).tolist())
    return given, np.ravel(stored).tolist(), int(count)


def image_by_image(images, uniform, slots, size=POOL):
    """The published rule, one image after the other."""
    stored, given = [], []
    for image, u, slot in zip(images, uniform, slots, strict=True):
        if len(stored) < size:
            stored.append(image)
            given.append(image)
        elif u > 0.5:
            given.append(stored[slot])
            stored[slot] = image
        else:
            given.append(image)
    return given, stored


@pytest.mark.parametrize("batch_size", [1, 2, 5, 20])
def test_pool_is_the_published_rule_for_any_batch_size(batch_size):
    rng = np.random.default_rng(batch_size)
    images, count = np.arange(20.0), 20 // batch_size
    uniform, slots = rng.random(20), rng.integers(0, POOL, 20)
    given, stored, filled = fill_and_draw(
        *(x.reshape(count, batch_size) for x in (images, uniform, slots))
    )
    expected_given, expected_stored = image_by_image(images, uniform, slots)
    assert np.ravel(given).tolist() == expected_given
    assert stored == expected_stored
    assert filled == POOL


def test_pool_that_is_not_full_keeps_every_image():
    given, stored, filled = fill_and_draw([[1.0, 2.0]], [[1.0, 1.0]], [[0, 0]])
    assert given == [[1.0, 2.0]]
    assert stored == [1.0, 2.0, -1.0]
    assert filled == 2


# Training, through the engine that `fit` uses.


class GoldenCycleGAN(CycleGAN):
    """Draws what the published run drew for its pools."""

    def draw(self, draws, batch):
        drawn = {}
        # The first row of a step is of the translations to B.
        for x, choices in zip("ba", GOLDEN["pool_choice"].swapaxes(0, 1), strict=True):
            choice = keras.ops.take(choices, self.step, axis=0)
            drawn[f"exchange_{x}"] = keras.ops.where(choice >= 0, 1.0, 0.0)
            drawn[f"slot_{x}"] = keras.ops.cast(keras.ops.maximum(choice, 0), "int32")
        return drawn


# The published names of the networks: D_A judges images of B.
NETWORKS = {
    "G_A": "generator_ab",
    "G_B": "generator_ba",
    "D_A": "discriminator_b",
    "D_B": "discriminator_a",
}


@pytest.fixture(scope="module")
def trained():
    """A model after four steps, each step's losses, and the first step's gradients."""
    model = GoldenCycleGAN(
        SIZE, None, 4, 6, lambda_b=6.0, pool_size=POOL, dtype="float64"
    )
    for prefix, name in NETWORKS.items():
        set_golden_weights(getattr(model, name), prefix)
    model.compile()
    norms = {}

    def keep_gradients(epoch, logs):
        if epoch > 0:
            return
        for prefix, name in NETWORKS.items():
            # After one step, Adam's first moment is half the gradient.
            moments = model.optimizers[name]._momentums
            keys = [key for key, _ in golden_inputs.weights(GOLDEN, prefix)]
            for key, moment in zip(keys, moments, strict=True):
                norms[key] = 2 * np.linalg.norm(np.ravel(moment))

    batches = dict(zip(("images_a", "images_b"), golden_images(), strict=True))
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(batches),
        # An epoch of one step, so that the history has every step's own losses.
        epochs=STEPS,
        steps_per_epoch=1,
        verbose=0,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=keep_gradients)],
    )
    return model, {k: np.array(v) for k, v in history.history.items()}, norms


@pytest.mark.parametrize(
    "published, ours",
    [
        ("G_A", {"G/adversarial_b": 1.0}),
        ("G_B", {"G/adversarial_a": 1.0}),
        ("cycle_A", {"G/cycle_a": 10.0}),
        ("cycle_B", {"G/cycle_b": 6.0}),
        ("idt_A", {"G/identity_b": 3.0}),
        ("idt_B", {"G/identity_a": 5.0}),
        ("D_A", {"D/real_b": 0.5, "D/fake_b": 0.5}),
        ("D_B", {"D/real_a": 0.5, "D/fake_a": 0.5}),
    ],
)
def test_losses_of_four_steps_agree(trained, published, ours):
    _, history, _ = trained
    total = sum(weight * history[name] for name, weight in ours.items())
    np.testing.assert_allclose(total, GOLDEN[f"loss {published}"], rtol=1e-9)


def test_gradients_of_the_first_step_agree(trained):
    _, _, norms = trained
    assert len(norms) == 92
    for name, norm in norms.items():
        # The biases before a normalization have a gradient of 0, up to rounding.
        assert norm == pytest.approx(float(GOLDEN[f"grad {name}"]), 1e-9, 1e-13), name


def test_weights_after_four_steps_agree(trained):
    model, _, _ = trained
    for prefix, network in NETWORKS.items():
        for variable, (key, _) in zip(
            getattr(model, network).weights,
            golden_inputs.weights(GOLDEN, prefix),
            strict=True,
        ):
            expected = golden_inputs.from_pytorch(GOLDEN[f"final {key}"])
            np.testing.assert_allclose(variable, expected, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("constant, falling", [(3, 4), (100, 100)])
def test_learning_rate_falls_as_published(model, constant, falling):
    epochs, steps = constant + falling, 5
    factors = [
        model.learning_rate_factor(step, epochs * steps, steps)
        for step in range(epochs * steps)
    ]
    published = np.repeat(GOLDEN[f"schedule {constant} {falling}"], steps)
    np.testing.assert_allclose(factors, published)


# The model's own rules, on tiny models.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    sizes = {
        "image_size": 16,
        "num_filters": 2,
        "num_residual_blocks": 1,
        "num_discriminator_layers": 1,
        "pool_size": 1,
    }
    return CycleGAN(**sizes | settings)


def tiny_images(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (count, 16, 16, 3)).astype("float32")


def train(model, steps):
    """Trains from the step that the weights have seen; the losses of each step."""
    first = model.global_step
    batches = {
        name: np.stack([tiny_images(2, 2 * i + k) for i in range(first, first + steps)])
        for k, name in enumerate(("images_a", "images_b"))
    }
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(batches),
        epochs=steps,
        steps_per_epoch=1,
        verbose=0,
    )
    return history.history


@pytest.fixture(scope="module")
def model():
    return tiny(labels=LabelSet(("cat", "dog")))


def test_an_image_is_translated_by_the_generator_of_its_target(model):
    images = tiny_images(3)
    dogs = np.asarray(model.generator_ab(images))
    cats = np.asarray(model.generator_ba(images))
    np.testing.assert_allclose(model.translate(images, "dog"), dogs, atol=1e-6)
    np.testing.assert_allclose(model.translate(images, "cat"), cats, atol=1e-6)
    mixed = model.translate(images, [1, 0, 1])
    expected = np.stack([dogs[0], cats[1], dogs[2]])
    np.testing.assert_allclose(mixed, expected, atol=1e-6)


def test_a_model_that_is_only_used_has_no_pools(tmp_path, model):
    trained = tiny()
    trained.compile(run_eagerly=True)
    train(trained, 1)
    trained.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.global_step == 1
    assert not hasattr(loaded, "pool_a")
    images = tiny_images(2)
    np.testing.assert_allclose(
        loaded.translate(images, "B"), trained.translate(images, "B"), atol=1e-6
    )


def test_terms_and_pools_can_be_left_out():
    model = tiny(lambda_identity=0.0, pool_size=0)
    model.compile(run_eagerly=True)
    losses = train(model, 1)
    assert {name for name in losses if name.startswith("G/")} == {
        f"G/{term}"
        for term in ("adversarial_a", "adversarial_b", "cycle_a", "cycle_b", "loss")
    }
    assert not hasattr(model, "pool_count")


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"labels": LabelSet(("a", "b"), "binary")}, "of the kind binary"),
        ({"pool_size": -1}, "pool_size must be 0 or more; received -1"),
        ({"adversarial": "hinge"}, "lsgan, vanilla, wgangp; received 'hinge'"),
        ({"image_size": 18}, "multiple of 4; received 18"),
        ({"num_discriminator_layers": 3}, "images of 24 px or more"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)


# The published files.


def golden_state(prefix):
    return {
        key.removeprefix(f"{prefix}/"): torch.tensor(golden_inputs.weight(key, shape))
        for key, shape in golden_inputs.weights(GOLDEN, prefix)
    }


def test_published_files_are_read_and_written(tmp_path):
    paths = [tmp_path / f"latest_net_{prefix}.pth" for prefix in NETWORKS]
    states = [golden_state(prefix) for prefix in NETWORKS]
    for path, state in zip(paths, states, strict=True):
        torch.save(state, path)
    model = load_published(*paths, image_size=SIZE)
    a, b = (images[0].astype("float32") for images in golden_images())
    translated = published_layout(model.translate(a, "B"))
    np.testing.assert_allclose(translated, GOLDEN["forward G_A"], atol=1e-4)
    scores = published_layout(model.discriminator_b(b))
    np.testing.assert_allclose(scores, GOLDEN["forward D_A"], atol=1e-4)

    again = [path.with_suffix(".again") for path in paths]
    save_published(model, *again)
    for path, state in zip(again, states, strict=True):
        written = torch.load(path, weights_only=True)
        assert list(written) == list(state)
        assert all(torch.equal(written[name], state[name]) for name in state)


def test_one_generator_of_an_old_version_is_enough(tmp_path):
    state = golden_state("G_A")
    for norm in ("model.2", "model.10.conv_block.2", "model.20"):
        state |= {f"{norm}.running_mean": torch.zeros(4)}
        state |= {f"{norm}.running_var": torch.ones(4)}
    torch.save(state, tmp_path / "latest_net_G.pth")
    model = load_published(
        tmp_path / "latest_net_G.pth",
        labels=LabelSet(("horse", "zebra")),
        image_size=32,
    )
    horses = golden_images()[0][0].astype("float32")
    zebras = published_layout(model.translate(horses, "zebra"))
    np.testing.assert_allclose(zebras, GOLDEN["forward G_A"], atol=1e-4)

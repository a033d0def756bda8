"""IcGAN: figures of a PyTorch version of the published program, in float64."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_stargan import IcGAN, LabelSet, LabelSpace
from keras_stargan.experiments.settings import choose
from keras_stargan.methods.icgan import networks, published
from keras_stargan.networks.weights import shapes_only
from keras_stargan.training.randomness import Draws

GOLDEN = np.load(golden_inputs.FOLDER / "icgan.npz")
SIZE, BATCH, STEPS = 32, 4, 4
LABELS = LabelSet(("a", "b", "c", "d", "e"), "binary")
NETWORKS = {
    "G": "generator",
    "D": "discriminator",
    "Ez": "encoder_z",
    "Ey": "encoder_y",
}
EXPECTED = {"rtol": 1e-9, "atol": 1e-13}
# Rounding in E_z's training shows in what the trained networks give.
AFTER_TRAINING = {"rtol": 1e-9, "atol": 1e-10}


def golden_images():
    """Images of each step: (step, image, y, x, channel)."""
    rng = np.random.RandomState(41)
    steps = range(STEPS)
    return np.stack([golden_inputs.images(rng, BATCH, SIZE, "float64") for _ in steps])


IMAGES = golden_images()


def from_pytorch(value):
    """A weight in Keras' layout; a dense layer's is transposed, too."""
    return value.T if value.ndim == 2 else golden_inputs.from_pytorch(value)


class GoldenIcGAN(IcGAN):
    """Draws what the published program drew, a row for each step of all stages."""

    def draw(self, draws, batch):
        def row(*names):
            rows = np.concatenate([GOLDEN[name] for name in names]).astype("float64")
            return ops.take(rows, self.step, axis=0)

        return {
            "codes": row("z", "refresh_z", "pair_z"),
            "fake_labels": row("y_fake", "refresh_y", "pair_y"),
            # The later stages have no use for it.
            "wrong_labels": row("y_wrong", "y_wrong", "y_wrong"),
        }


def fresh():
    """A model with the initial weights of the golden file."""
    model = GoldenIcGAN(
        SIZE,
        LABELS,
        code_dim=GOLDEN["z"].shape[-1],
        num_filters=8,
        num_encoder_filters=2,
        code_units=0,
        label_units=12,
        gan_steps=STEPS,
        statistics_steps=STEPS,
        dtype="float64",
    )
    for prefix, name in NETWORKS.items():
        for variable, (key, shape) in zip(
            getattr(model, name).weights,
            golden_inputs.weights(GOLDEN, prefix),
            strict=True,
        ):
            variable.assign(from_pytorch(golden_inputs.weight(key, shape)))
    return model


def published_layout(values):
    """Images as the file has them: channels first, every second pixel."""
    values = np.asarray(values)
    if values.ndim == 4:
        values = values.transpose(0, 3, 1, 2)[:, :, ::2, ::2]
    return values


# Networks.


@pytest.mark.parametrize("training", [False, True])
def test_networks_agree(training):
    model, labels = fresh(), GOLDEN["y"][0].astype("float64")
    inputs = {
        "G": [GOLDEN["z"][0], labels],
        "D": [IMAGES[0], labels],
        "Ez": IMAGES[0],
        "Ey": IMAGES[0],
    }
    for prefix, name in NETWORKS.items():
        found = getattr(model, name)(inputs[prefix], training=training)
        expected = GOLDEN[f"forward {'training' if training else 'evaluate'} {prefix}"]
        np.testing.assert_allclose(published_layout(found), expected, **EXPECTED)


@pytest.mark.parametrize(
    "size, num_labels, code_units, expected",
    [
        (64, 18, 0, [3_725_123, 2_803_393, 18_278_244, 3_186_962]),
        (128, 5, 0, [12_870_467, 11_176_641, 72_310_116, 8_555_781]),
        (128, 8, 4096, [12_919_619, 11_182_785, 38_333_796, 8_557_320]),
    ],
)
def test_networks_have_as_many_parameters_as_published(
    size, num_labels, code_units, expected
):
    dtype = {"dtype": "float32"}
    made = (
        lambda: networks.generator(size, 100, num_labels, 64, **dtype),
        lambda: networks.discriminator(size, num_labels, 64, **dtype),
        lambda: networks.encoder(size, 100, code_units, 32, **dtype),
        lambda: networks.encoder(size, num_labels, 512, 32, **dtype),
    )
    counts = [
        sum(int(np.prod(v.shape)) for v in shapes_only(make).trainable_variables)
        for make in made
    ]
    assert counts == expected


def test_weights_start_as_published():
    keras.utils.set_random_seed(0)
    model = IcGAN(32, num_filters=32, code_units=64)
    conv, norm = model.generator.chain[4:6]
    assert np.std(conv.kernel) == pytest.approx(0.02, rel=0.05)
    assert not np.any(conv.bias)
    assert np.mean(norm.gamma) == pytest.approx(1, abs=0.01)
    assert np.std(norm.gamma) == pytest.approx(0.02, rel=0.5)
    conv, norm = model.encoder_z.chain[3:5]
    bound = (25 * 32) ** -0.5
    for values in (conv.kernel, conv.bias):
        assert 0.9 * bound < np.abs(values).max() <= bound
    assert 0 <= np.min(norm.gamma) < 0.2 and 0.8 < np.max(norm.gamma) <= 1


# Training, through the engine that `fit` uses.


@pytest.fixture(scope="module")
def trained():
    """A model after all three stages, each step's losses, and G before the second."""
    model = fresh()
    model.compile()
    labels = (GOLDEN["y"] + 1.0) / 2
    batches = tf.data.Dataset.from_tensor_slices({"images": IMAGES, "labels": labels})
    losses, before = {}, []
    for stage in (("D", "G"), ("statistics",), ("E_z", "E_y")):
        before.append(model.generator.get_weights())
        history = model.fit(
            batches,
            # An epoch of one step, so that the history has every step's own losses.
            epochs=STEPS,
            steps_per_epoch=1,
            verbose=0,
        ).history
        names = (name for name in history if name.split("/")[0] in stage)
        losses |= {name: np.array(history[name]) for name in names}
    return model, losses, before[1]


@pytest.mark.parametrize(
    "expected, ours, factor",
    [
        ("D/real", "D/real", 1),
        ("D/wrong", "D/wrong", 1),
        ("D/fake", "D/fake", 1),
        ("D/reported", "D/loss", 0.5),
        ("G/adv", "G/adv", 1),
        ("Ez/mse", "E_z/mse", 1),
        ("Ey/mse", "E_y/mse", 1),
    ],
)
def test_losses_of_every_step_agree(trained, expected, ours, factor):
    _, losses, _ = trained
    found = factor * losses[ours]
    np.testing.assert_allclose(found, GOLDEN[f"loss {expected}"], rtol=1e-9)


def assert_weights_agree(values, prefix, which="final"):
    keys = [key for key, _ in golden_inputs.weights(GOLDEN, prefix)]
    for value, key in zip(values, keys, strict=True):
        if (name := f"{which} {key}") in GOLDEN:
            expected = from_pytorch(GOLDEN[name])
            np.testing.assert_allclose(value, expected, atol=1e-7, err_msg=key)


@pytest.mark.parametrize("prefix", ["D", "Ez", "Ey"])
def test_weights_after_all_steps_agree(trained, prefix):
    model, _, _ = trained
    assert_weights_agree(getattr(model, NETWORKS[prefix]).get_weights(), prefix)


def test_the_generator_agrees_before_and_after_its_statistics_are_estimated(trained):
    model, _, before = trained
    assert_weights_agree(before, "G")
    assert_weights_agree(model.generator.get_weights(), "G", "refreshed")


def test_translations_agree(trained):
    model, _, _ = trained
    codes, labels = model.encoder_z(IMAGES[0]), model.classify_batch(IMAGES[0])
    np.testing.assert_allclose(codes, GOLDEN["use z"], **AFTER_TRAINING)
    np.testing.assert_allclose(labels, GOLDEN["use y"], **AFTER_TRAINING)
    seen = model.classify(IMAGES[0])
    found = model.translate(IMAGES[0], seen)
    expected = GOLDEN["use reconstruction"]
    np.testing.assert_allclose(published_layout(found), expected, **AFTER_TRAINING)
    # The labels that a target does not name stay as E_y sees them.
    found = model.translate(IMAGES[0], LABELS.names[1])
    expected = GOLDEN["use edited"]
    np.testing.assert_allclose(published_layout(found), expected, **AFTER_TRAINING)


# The rules of this class.


@pytest.fixture(scope="module")
def tiny():
    return IcGAN(**published.TINY, labels=LabelSet(("a", "b", "c")))


def test_wrong_labels_are_those_of_a_different_image(tiny):
    labels = 2.0 * np.eye(3)[[0, 1, 1, 2, 0, 0, 2, 1]] - 1
    found = []
    for step in range(20):
        drawn = tiny.draw(Draws(0, step), {"labels": ops.array(labels)})
        wrong, fake = (np.asarray(drawn[f"{x}_labels"]) for x in ("wrong", "fake"))
        assert np.all(np.any(wrong != labels, axis=1))
        assert sorted(fake.tolist()) == sorted(labels.tolist())
        found.append(wrong.argmax(1))
    # Image 0 has the label 0; of the others, 3 have the label 1 and 2 the label 2.
    assert {1, 2} == {row[0] for row in found}


def test_a_batch_of_the_same_labels_gets_their_opposite_as_wrong_ones(tiny):
    labels = np.array([[1.0, -1.0, -1.0]] * 4)
    drawn = tiny.draw(Draws(0, 0), {"labels": ops.array(labels)})
    np.testing.assert_array_equal(drawn["wrong_labels"], -labels)


def test_conditions_are_minus_one_and_one(tiny):
    found = tiny.conditions("b")
    np.testing.assert_array_equal(found, [[-1, 1, -1]])


@pytest.mark.parametrize("total_steps", [1, 2, 30, 4000])
def test_each_stage_has_its_share_of_the_steps(total_steps):
    found = published.lengths(total_steps)
    assert sum(found.values()) < total_steps
    assert published.suited({"steps": total_steps}) == found


def test_lengths_are_published_at_the_published_number_of_steps():
    found = published.lengths(published.PUBLISHED["steps"])
    assert found == {"gan_steps": 71_350, "statistics_steps": 100}


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"num_filters": 0}, "num_filters must be at least 1; received 0"),
        ({"gan_steps": -1}, "gan_steps must be at least 0; received -1"),
        ({"labels": LabelSet(("a",))}, "two or more categorical ones; received a"),
        (
            {
                "labels": LabelSpace(
                    (LabelSet(("a", "b"), name="x"), LabelSet(("c", "d"), name="y"))
                )
            },
            "labels of one data set.* received a, b, c, d",
        ),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        IcGAN(**published.TINY | settings)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"steps": 3}, "more than both together; received steps=3"),
        ({"batch_size": 1}, "batch_size must be at least 2; received 1"),
    ],
)
def test_impossible_settings_of_a_run_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        published.check_settings(published.TINY | settings)


def test_a_run_whose_epochs_leave_no_steps_for_the_encoders_is_refused():
    settings = choose("icgan", {"epochs": 1, "gan_steps": 90})
    assert settings.with_lengths(191)[0].values["gan_steps"] == 90
    with pytest.raises(ValueError, match="received steps=190"):
        settings.with_lengths(190)

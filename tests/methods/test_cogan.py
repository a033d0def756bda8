"""CoGAN: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import CoGAN, LabelSet
from keras_stargan.methods.cogan.networks import PairDiscriminator, PairGenerator

GOLDEN = np.load(golden_inputs.FOLDER / "cogan.npz")
SIZE, STEPS, SEED = 28, 4, 65
(_, BATCH, LATENT) = GOLDEN["z_dis"].shape


def golden_batches():
    """Images of A and of B in [-1, 1], and the classes of A's; a row for each step."""
    rng, found = np.random.RandomState(SEED), {"images_a": [], "images_b": []}
    for _ in range(STEPS):
        for images in found.values():
            gray = golden_inputs.images(rng, BATCH, SIZE, "float64", channels=1)
            images.append(np.repeat(gray, 3, axis=-1))
        rng.randint(0, 10, BATCH)
        rng.standard_normal((2, BATCH, LATENT))
    return {name: np.stack(x) for name, x in found.items()}


class GoldenCoGAN(CoGAN):
    """Draws the latents of the published run."""

    def draw(self, draws, batch):
        names = ("z_dis", "z_gen")
        return {name: keras.ops.take(GOLDEN[name], self.step, 0) for name in names}


def published_weights(model):
    """The model's weights by their published names."""
    layers, kinds = {}, ("dconv", "bn", "prelu")
    for i, layer in enumerate(model.generator.shared):
        layers[f"gen/{kinds[i % 3]}{i // 3}"] = layer
    judge = model.discriminator
    for x, last, first in zip("ab", model.generator.last, judge.first, strict=True):
        layers |= {f"gen/dconv4_{x}": last, f"dis/conv0_{x}": first}
    layers |= {"dis/conv1": judge.pooled[0], "dis/conv2": judge.last}
    layers |= {"dis/prelu2": judge.prelu}
    layers |= dict(zip(("dis/conv3", "dis/conv_cl"), judge.heads, strict=False))
    ends = {"kernel": "weight", "alpha": "weight", "bias": "bias"}
    ends |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    return {
        f"{stem}.{ends[variable.name]}": variable
        for stem, layer in layers.items()
        for variable in layer.weights
    }


def published_layout(array):
    array = np.asarray(array)
    return array.transpose(3, 2, 0, 1) if array.ndim == 4 else np.ravel(array)


def set_golden_weights(model):
    for name, variable in published_weights(model).items():
        if "prelu" in name:
            variable.assign(np.full(variable.shape, 0.25))
            continue
        shape = published_layout(variable).shape
        value = golden_inputs.weight(name, shape).astype("float64")
        variable.assign(golden_inputs.from_pytorch(value))


def digest(array):
    """Mean, deviation and about 256 entries, as the golden file keeps them."""
    flat = np.ravel(published_layout(array))
    return np.concatenate(
        [[flat.mean(), flat.std()], flat[:: max(1, flat.size // 256)][:256]]
    )


@pytest.fixture(scope="module", params=["", "usps "], ids=["plain", "adaptation"])
def run(request):
    """The case's prefix, what the fresh networks give, the model after the steps."""
    is_adapted, batches = bool(request.param), golden_batches()
    model = GoldenCoGAN(
        latent_dim=LATENT,
        num_channels=1,
        num_classes=10 if is_adapted else 0,
        dtype="float64",
    )
    set_golden_weights(model)
    pair = [model._inner(batches[f"images_{x}"][0]) for x in "ab"]
    logits, (feature_a, _), classes = model.discriminator(pair)
    outputs = {"forward dis": logits}
    if is_adapted:
        batches["labels_a"] = GOLDEN["labels"]
        outputs |= {"forward feature_a": feature_a[:, 0, 0]}
        outputs["forward classify_a"], outputs["forward classify_b"] = np.split(
            np.asarray(classes[0]), 2
        )
    else:
        z = GOLDEN["z_dis"][0].astype("float64")
        a, b = model.generator(z, training=True)
        outputs |= {"forward gen_a": a, "forward gen_b": b}
        outputs["forward eval gen_a"] = model.generator(z)[0]
        set_golden_weights(model)
    model.compile()
    history = model.fit(
        tf.data.Dataset.from_tensor_slices(batches),
        # An epoch of one step, so that the history has every step's own losses.
        epochs=STEPS,
        steps_per_epoch=1,
        verbose=0,
    ).history
    return request.param, outputs, model, history


def test_fresh_networks_agree(run):
    prefix, outputs, *_ = run
    assert {prefix + name for name in outputs} == {
        name for name in GOLDEN if name.startswith(f"{prefix}forward")
    }
    for name, found in outputs.items():
        found = np.asarray(found)
        if found.ndim == 4:
            found = found.transpose(0, 3, 1, 2)
        np.testing.assert_allclose(found, GOLDEN[prefix + name], 1e-9, err_msg=name)


LOSSES = {
    "dis_true": "D/real",
    "dis_fake": "D/fake",
    "dis_accuracy": "D/accuracy",
    "dis_mse": "D/mse",
    "dis_cls": "D/classification",
    "gen": "G/fake",
}


def test_losses_of_every_step_agree(run):
    prefix, _, _, history = run
    start = f"{prefix}loss "
    published = [name for name in GOLDEN if name.startswith(start)]
    assert len(published) == (6 if prefix else 4)
    for name in published:
        found = history[LOSSES[name.removeprefix(start)]]
        np.testing.assert_allclose(found, GOLDEN[name], 1e-9, err_msg=name)


def test_weights_after_the_steps_agree(run):
    prefix, _, model, _ = run
    weights = published_weights(model)
    start = f"{prefix}final "
    assert {start + name for name in weights} == {
        name for name in GOLDEN if name.startswith(start)
    }
    for name, variable in weights.items():
        np.testing.assert_allclose(
            digest(variable), GOLDEN[start + name], atol=1e-9, err_msg=name
        )


# The model's own rules.


def tiny(**settings):
    keras.utils.set_random_seed(0)
    sizes = {
        "image_size": 16,
        "latent_dim": 2,
        "num_filters": 8,
        "num_discriminator_filters": 2,
        "inversion_steps": 5,
    }
    return CoGAN(**sizes | settings)


@pytest.fixture(scope="module")
def model():
    return tiny(labels=LabelSet(("cat", "dog")), inversion_steps=60)


@pytest.fixture(scope="module")
def pairs(model):
    latents = np.random.default_rng(0).standard_normal((4, 2), "float32")
    return model.sample_pairs(latents)


def test_networks_have_as_many_parameters_as_published():
    def count(network):
        return sum(np.prod(w.shape) for w in network.trainable_weights)

    assert count(PairGenerator(28, 100, 1024, 1)) == 7_842_694
    assert count(PairDiscriminator(28, 20, 1, 0)) == 427_593
    assert count(PairDiscriminator(28, 20, 1, 10)) == 432_603


def test_weights_start_as_published():
    network = PairDiscriminator(28, 20, 1, 0)
    assert np.any(network.first[0].kernel != network.first[1].kernel)
    assert np.all(network.last.bias == np.float32(0.1))
    assert np.all(network.prelu.alpha == 0.25)
    # A 4x4 convolution of 50 channels to 500, with gain sqrt 2.
    bound = np.sqrt(2 * 6 / (16 * (50 + 500)))
    assert 0.99 * bound < np.max(np.abs(network.last.kernel)) <= bound


@pytest.mark.parametrize("image_size", [16, 28, 32, 64, 128])
def test_pairs_have_the_size_that_is_asked_for(image_size):
    model = tiny(image_size=image_size, num_discriminator_filters=1)
    pairs = model.sample_pairs(np.zeros((3, 2)))
    assert pairs.shape == (3, 2, image_size, image_size, 3)
    logits, *_ = model.discriminator([(pairs[:, i] + 1) / 2 for i in (0, 1)])
    assert logits.shape == (6, 2)


def test_an_image_that_a_generator_made_becomes_the_other_of_its_pair(model, pairs):
    for source, target in (0, "dog"), (1, "cat"):
        found = model.translate(pairs[:, source], target)
        wanted = pairs[:, 1 - source]
        np.testing.assert_allclose(found, wanted, atol=0.02)


def test_a_translation_depends_on_no_other_image(pairs):
    model, images = tiny(inversion_steps=5), pairs[:2, 0]
    together = model.translate(images, [1, 0])
    for i in (0, 1):
        alone = model.translate(images[i : i + 1], 1 - i)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)


def test_gray_networks_take_and_give_images_in_color():
    model = tiny(num_channels=1)
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3))
    translated = model.translate(images, "B")
    gray = np.repeat(images.mean(axis=-1, keepdims=True), 3, axis=-1)
    np.testing.assert_allclose(model.translate(gray, "B"), translated, atol=1e-4)
    np.testing.assert_array_equal(translated[..., 0], translated[..., 2])


def test_latents_of_another_shape_are_refused(model):
    with pytest.raises(
        ValueError, match=r"value 2, but received .* shape \(4, 1, 1, 3\)"
    ):
        model.sample_pairs(np.zeros((4, 3)))


@pytest.mark.parametrize(
    "labels, received",
    [(None, "None"), ([0, 10], r"\[ 0 10\]"), ([0, 0.5], "0.5"), ([1], r"\[1\]")],
)
def test_classes_that_cannot_be_learned_are_refused(labels, received):
    model = tiny(num_classes=10)
    batch = dict.fromkeys(("images_a", "images_b"), np.zeros((2, 16, 16, 3)) - 0.5)
    model.check_batch(batch | {"labels_a": np.array([0, 9])})
    if labels is not None:
        batch["labels_a"] = np.array(labels)
    with pytest.raises(ValueError, match=f"labels_a must be .*received .*{received}"):
        model.check_batch(batch)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": LabelSet(("a", "b", "c"))}, "two names; received a, b, c"),
        ({"image_size": 30}, "image_size must be 28, 16, 32, 64...; received 30"),
        ({"num_channels": 2}, "num_channels must be 1 or 3; received 2"),
        ({"latent_dim": 0}, "latent_dim must be 1 or more; received 0"),
        ({"lambda_mse": -1.0}, "lambda_mse must be 0 or more; received -1"),
        ({"inversion_steps": 0}, "inversion_steps must be 1 or more; received 0"),
    ],
)
def test_impossible_settings_are_an_error(settings, message):
    with pytest.raises(ValueError, match=message):
        tiny(**settings)

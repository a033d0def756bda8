"""CycleGAN: the published implementation's figures, in float64, and its rules."""

import golden_inputs
import keras
import numpy as np
import pytest

from keras_stargan.losses import ADVERSARIAL_LOSSES
from keras_stargan.methods.cyclegan.pool import pooled
from keras_stargan.networks import PatchDiscriminator, ResNetGenerator

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

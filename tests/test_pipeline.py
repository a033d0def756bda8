import dataclasses
import pathlib
import re

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan.data import ImageSet, training_dataset
from keras_stargan.labels import LabelSet

N = 40


@pytest.fixture(scope="module")
def numbered():
    """Picture i has i on its left half, 255 on its right; its label is i % 2."""
    images = np.full((N, 4, 4, 3), 255, "uint8")
    images[:, :, :2] = np.arange(N)[:, None, None, None]
    labels = np.eye(2)[np.arange(N) % 2]
    return ImageSet(images, labels, LabelSet(("even", "odd")), np.arange(N))


def take(numbered, steps, batch_size=8, **kwargs):
    dataset = training_dataset(numbered, batch_size, **kwargs).take(steps)
    batches = list(dataset.as_numpy_iterator())
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def numbers(images):
    return np.rint((images.min(axis=(1, 2, 3)) + 1) * 127.5).astype(int)


def mirrored(images):
    return images[:, 0, 0, 0] > images[:, 0, -1, 0]


def test_values_are_in_minus_one_to_one(numbered):
    images, labels = take(numbered, 5, flip=False)
    assert images.dtype == labels.dtype == np.float32
    assert images.max() == 1.0 and images.min() == -1.0


def test_labels_go_with_their_pictures(numbered):
    images, labels = take(numbered, 10)
    np.testing.assert_array_equal(labels.argmax(axis=1), numbers(images) % 2)


def test_every_epoch_shows_each_picture_once_in_a_new_order(numbered):
    order = numbers(take(numbered, 15)[0]).reshape(3, N)
    assert all(sorted(epoch) == list(range(N)) for epoch in order)
    assert len({tuple(epoch) for epoch in order} | {tuple(range(N))}) == 4


def test_orders_are_as_random_as_they_should_be(numbered):
    # Two random orders share one place on average, however long they are.
    order = numbers(take(numbered, 5 * 60)[0]).reshape(60, N)
    shared = [(a == b).sum() for i, a in enumerate(order) for b in order[:i]]
    assert 0.8 < np.mean(shared) < 1.2


def test_batches_are_full_when_the_epoch_is_not_a_multiple(numbered):
    images, _ = take(numbered, 7, batch_size=12)
    assert len(images) == 7 * 12
    assert sorted(numbers(images)[:N]) == list(range(N))


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_start_step_continues_exactly(numbered, step):
    unbroken = training_dataset(numbered, 7, seed=3).skip(step).take(3)
    resumed = training_dataset(numbered, 7, seed=3, start_step=step).take(3)
    for a, b in zip(unbroken, resumed, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])


def test_seed_changes_order_and_flips(numbered):
    (a, _), (b, _) = (take(numbered, 5, seed=seed) for seed in (0, 1))
    assert (numbers(a) != numbers(b)).any()
    assert (mirrored(a) != mirrored(b)).any()


def test_half_of_the_pictures_are_mirrored(numbered):
    images, _ = take(numbered, 125)
    assert 0.45 < mirrored(images).mean() < 0.55


def test_flip_mirrors_left_to_right_only(numbered):
    images, _ = take(numbered, 5)
    plain = numbered.images[numbers(images)] / 127.5 - 1
    plain[mirrored(images)] = plain[mirrored(images)][:, :, ::-1]
    np.testing.assert_allclose(images, plain, atol=1e-6)


def test_no_flip(numbered):
    assert not mirrored(take(numbered, 5, flip=False)[0]).any()


def test_memory_mapped_pictures_give_the_same_batches(numbered, tmp_path):
    np.save(tmp_path / "images.npy", numbered.images)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    mapped = dataclasses.replace(numbered, images=images)
    for a, b in zip(take(numbered, 3), take(mapped, 3), strict=True):
        np.testing.assert_array_equal(a, b)


def test_pictures_are_not_copied(tmp_path):
    def own_memory():  # in kB, without memory-mapped files
        status = pathlib.Path("/proc/self/status").read_text()
        return int(re.search(r"RssAnon:\s*(\d+)", status)[1])

    n = 2**28 // (64 * 64 * 3)
    shape = (n, 64, 64, 3)
    images = np.memmap(tmp_path / "zeros", "uint8", "w+", shape=shape)
    before = own_memory()
    image_set = ImageSet(images, np.ones((n, 1)), LabelSet(("all",)), np.arange(n))
    dataset = training_dataset(image_set, 8)
    assert next(iter(dataset))[0].numpy().max() == -1.0
    assert own_memory() - before < 2**17


def test_shapes_are_known_as_distribution_needs(numbered):
    images, labels = training_dataset(numbered, 8).element_spec
    assert images.shape == (8, 4, 4, 3) and labels.shape == (8, 2)


def test_distributes(numbered):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    dataset = training_dataset(numbered, 8)
    spread = next(iter(strategy.experimental_distribute_dataset(dataset)))
    plain = next(iter(dataset))
    np.testing.assert_array_equal(spread[0], plain[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "1..40.*0"),
        ({"batch_size": 41}, "1..40.*41"),
        ({"batch_size": 4, "start_step": -1}, "start_step.*-1"),
        ({"batch_size": 4, "seed": -5}, "seed.*-5"),
    ],
)
def test_wrong_arguments_are_named(numbered, arguments, message):
    with pytest.raises(ValueError, match=message):
        training_dataset(numbered, **arguments)

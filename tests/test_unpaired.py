"""Batches of two domains that do not belong together."""

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import LabelSet
from keras_stargan.data import ImageSet, unpaired_dataset
from keras_stargan.data.batches import images_in_pass
from keras_stargan.data.batches.augmentation import enlarged_crops

SIZE = 8


def make_set(count_a, count_b, size=SIZE, names=("a", "b")):
    """Pictures of one grey each: 0, 1, ... of A and 100, 101, ... of B, mixed."""
    greys = np.concatenate([np.arange(count_a), 100 + np.arange(count_b)])
    greys = np.random.default_rng(0).permutation(greys)
    domains = (greys >= 100).astype(int)
    return ImageSet(
        images=np.broadcast_to(
            greys[:, None, None, None], (len(greys), size, size, 3)
        ).astype("uint8"),
        labels=np.eye(len(names))[domains],
        label_set=LabelSet(names),
        subjects=np.arange(len(greys)),
    )


def greys(images):
    return np.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int)


def drawn(image_set, count, batch_size=4, **kwargs):
    """The greys of A and of B in so many batches, each (count, batch_size)."""
    batches = unpaired_dataset(image_set, batch_size, **kwargs).take(count)
    batches = list(batches.as_numpy_iterator())
    return [np.stack([greys(b[f"images_{x}"]) for b in batches]) for x in "ab"]


def test_every_picture_of_the_larger_domain_a_comes_once_an_epoch():
    a, _ = drawn(make_set(12, 5), 6)
    first, second = a.reshape(2, 12)
    assert sorted(first) == sorted(second) == list(range(12))
    assert not np.array_equal(first, second)


def test_pictures_of_a_smaller_domain_a_come_equally_often_in_a_shuffled_order():
    a, _ = drawn(make_set(3, 12), 3)
    assert np.bincount(a.ravel()).tolist() == [4, 4, 4]
    assert not np.array_equal(a.ravel()[:3], a.ravel()[3:6])


def test_pictures_of_b_are_drawn_with_replacement_and_evenly():
    _, b = drawn(make_set(40, 10), 100)
    counts = np.bincount(b.ravel() - 100, minlength=10)
    # Of 400 draws, 40 are expected of each; 6 is the standard deviation.
    assert counts.min() > 20 and counts.max() < 60
    assert any(len(set(row)) < 4 for row in b)


def test_the_pictures_of_b_do_not_follow_those_of_a():
    a, b = drawn(make_set(20, 20), 100)
    assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.15


def test_a_batch_depends_on_seed_and_number_alone():
    image_set = make_set(9, 9)
    every = list(unpaired_dataset(image_set, 2).take(5).as_numpy_iterator())
    later = unpaired_dataset(image_set, 2, start_step=3).take(2).as_numpy_iterator()
    for one, two in zip(every[3:], later, strict=True):
        for name in ("images_a", "images_b"):
            np.testing.assert_array_equal(one[name], two[name])
    other = next(unpaired_dataset(image_set, 2, seed=1).as_numpy_iterator())
    assert not np.array_equal(every[0]["images_b"], other["images_b"])


def test_pictures_are_cropped_and_flipped_unless_told_otherwise():
    image_set = make_set(1, 1, size=32)
    ramp = np.broadcast_to(7 * np.arange(32)[:, None], (32, 32, 3))
    image_set.images[:] = [ramp.transpose(1, 0, 2), ramp]

    def variants(**kwargs):
        dataset = unpaired_dataset(image_set, 8, **kwargs).take(2)
        batches = list(dataset.as_numpy_iterator())
        return [
            {image.tobytes() for b in batches for image in b[f"images_{x}"]}
            for x in "ab"
        ]

    assert [len(v) for v in variants(flip=False, crop=False)] == [1, 1]
    # A mirrored column is the same column.
    assert sorted(len(v) for v in variants(crop=False)) == [1, 2]
    assert min(len(v) for v in variants()) > 2


def test_crops_are_windows_of_the_enlarged_picture():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3))
    picture = tf.constant(np.repeat(pixels, 3, axis=0), tf.float32)
    enlarged = tf.image.resize(picture, [20, 20], method="bicubic")
    enlarged = np.clip(np.round(enlarged), 0, 255)
    draws = tf.constant([[0.0, 0.0], [0.99, 0.0], [0.5, 0.99]])
    crops = enlarged_crops(picture, draws, factor=1.25)
    np.testing.assert_array_equal(crops[0], enlarged[0, :16, :16])
    np.testing.assert_array_equal(crops[1], enlarged[0, 4:, :16])
    np.testing.assert_array_equal(crops[2], enlarged[0, 2:18, 4:])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"batch_size": 0}, "batch_size must be 1 or more; received 0"),
        ({"start_step": -1}, "start_step must be 0 or more; received -1"),
        ({"seed": -1}, "seed must be in .* received -1"),
    ],
)
def test_impossible_numbers_are_an_error(change, message):
    with pytest.raises(ValueError, match=message):
        unpaired_dataset(make_set(2, 2), **{"batch_size": 2, **change})


def test_a_domain_without_pictures_is_an_error():
    with pytest.raises(ValueError, match="no picture of the domain b"):
        unpaired_dataset(make_set(3, 0))


def test_other_labels_than_two_domains_are_an_error():
    with pytest.raises(ValueError, match="two names; received a categorical one"):
        unpaired_dataset(make_set(3, 3, names=("a", "b", "c")))


@pytest.mark.parametrize(
    "batches, images", [("unpaired", 9), ("unpaired_halves", 9), ("labelled", 13)]
)
def test_a_pass_is_over_the_larger_domain(batches, images):
    assert images_in_pass(batches, make_set(9, 4)) == images

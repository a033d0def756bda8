"""Batches of two domains whose images belong together."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import LabelSet
from keras_stargan.data import ImageSet, paired_dataset
from keras_stargan.data.batches import images_in_pass


def make_set(pairs=5, size=8, names=("a", "b")):
    """Pairs of one gray each, 0, 1, ... of A and 100, 101, ... of B, mixed."""
    grays = np.concatenate([np.arange(pairs), 100 + np.arange(pairs)])
    grays = np.random.default_rng(0).permutation(grays)
    return ImageSet(
        images=np.broadcast_to(
            grays[:, None, None, None], (len(grays), size, size, 3)
        ).astype("uint8"),
        labels=np.eye(len(names))[(grays >= 100).astype(int)],
        label_set=LabelSet(names),
        subjects=grays % 100,
        aligned=True,
    )


def grays(images):
    return np.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int)


def batches(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def test_rows_belong_together_and_each_pair_comes_once_an_epoch():
    found = batches(paired_dataset(make_set(), 5), 2)
    a, b = (np.stack([grays(batch[f"images_{x}"]) for batch in found]) for x in "ab")
    np.testing.assert_array_equal(b, a + 100)
    assert sorted(a[0]) == sorted(a[1]) == list(range(5))
    assert not np.array_equal(a[0], a[1])


def test_both_pictures_of_a_pair_are_cropped_and_flipped_alike():
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), "uint8")
    image_set = make_set(1, size=32)
    image_set.images[:] = noise
    found = batches(paired_dataset(image_set, 4), 2)
    for batch in found:
        np.testing.assert_array_equal(batch["images_a"], batch["images_b"])
    assert len({image.tobytes() for x in found for image in x["images_a"]}) == 8
    plain = batches(paired_dataset(image_set, 8, crop=False), 1)[0]["images_a"]
    assert len({image.tobytes() for image in plain}) == 2
    whole = batches(paired_dataset(image_set, 1, crop=False, flip=False), 1)[0]
    np.testing.assert_allclose(whole["images_a"][0], noise / 127.5 - 1, atol=1e-6)


def test_a_batch_depends_on_seed_and_number_alone():
    every = batches(paired_dataset(make_set(), 2), 5)
    later = batches(paired_dataset(make_set(), 2, start_step=3), 2)
    tf.nest.map_structure(np.testing.assert_array_equal, every[3:], later)
    (other,) = batches(paired_dataset(make_set(), 2, seed=1), 1)
    assert np.any(every[0]["images_a"] != other["images_a"])


@pytest.mark.parametrize(
    "change, message",
    [
        ({"aligned": False}, "belong together.* aligned=False"),
        ({"label_set": LabelSet(("a", "b"), "binary")}, "received a binary one"),
        ({"subjects": np.arange(10)}, "There is no image of subject"),
        ({"labels": np.eye(2)[[0] * 10]}, "no picture of the domain b"),
    ],
)
def test_sets_without_pairs_are_an_error(change, message):
    with pytest.raises(ValueError, match=message):
        paired_dataset(dataclasses.replace(make_set(), **change))


def test_a_pass_is_over_all_pairs():
    assert images_in_pass("paired", make_set(5)) == 5

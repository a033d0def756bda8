"""Batches as dictionaries of named tensors, one kind for each way of training."""

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan.data import ImageSet, alternating_dataset, reference_dataset
from keras_stargan.data.batches import BATCHES, IMAGES_OF
from keras_stargan.labels import LabelSet


def make_set(name="letters"):
    rng = np.random.default_rng(0)
    return ImageSet(
        images=rng.integers(0, 256, (6, 4, 4, 3), "uint8"),
        labels=np.eye(2)[[0, 1, 0, 1, 0, 1]],
        label_set=LabelSet(("a", "b"), name=name),
        subjects=np.arange(6) // 2,
        aligned=True,
    )


def first(dataset):
    return next(iter(dataset.as_numpy_iterator()))


def test_labelled_batches_are_those_of_the_data_sets_in_turn():
    sets = [make_set("one"), make_set("two")]
    for step in (1, 2):
        named = first(BATCHES["labelled"](sets, 2, seed=3, first_step=step))
        images, labels = first(alternating_dataset(sets, 2, seed=3, start_step=step))
        assert list(named) == ["images", "labels"]
        np.testing.assert_array_equal(named["images"], images)
        np.testing.assert_array_equal(named["labels"], labels)


def test_reference_batches_name_what_reference_dataset_gives():
    named = first(BATCHES["references"]([make_set()], 2, seed=3, first_step=5))
    given = first(reference_dataset(make_set(), 2, seed=3, start_step=5))
    names = ["images", "domains", "references", "other_references", "target_domains"]
    assert list(named) == names
    for name, expected in zip(names, tf.nest.flatten(given), strict=True):
        np.testing.assert_array_equal(named[name], expected)


@pytest.mark.parametrize("kind", ["unpaired", "paired"])
def test_batches_of_two_domains(kind):
    batch = first(BATCHES[kind]([make_set()], 2, seed=3))
    assert {name: images.shape for name, images in batch.items()} == {
        "images_a": (2, 4, 4, 3),
        "images_b": (2, 4, 4, 3),
    }


def test_halves_of_unpaired_batches_are_translated_or_only_looked_at():
    whole = first(BATCHES["unpaired"]([make_set()], 4, seed=3, first_step=2))
    batch = first(BATCHES["unpaired_halves"]([make_set()], 4, seed=3, first_step=2))
    assert list(batch) == list(IMAGES_OF["unpaired_halves"])
    for x in "ab":
        joined = np.concatenate([batch[f"images_{x}"], batch[f"random_{x}"]])
        np.testing.assert_array_equal(joined, whole[f"images_{x}"])
        assert len(batch[f"images_{x}"]) == 2


def test_an_odd_batch_has_no_halves():
    with pytest.raises(ValueError, match="batch_size must be even; received 3"):
        BATCHES["unpaired_halves"]([make_set()], 3)


@pytest.mark.parametrize(
    "kind, names", [*((kind, [""]) for kind in BATCHES), ("labelled", ["one", "two"])]
)
def test_replicas_share_batches_of_every_kind(kind, names):
    options = BATCHES[kind]([make_set(name) for name in names], 2).options()
    assert options.deterministic
    policy = options.experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


@pytest.mark.parametrize("size, count", [(6, 2), (2, 4)])
@pytest.mark.parametrize("kind", list(BATCHES))
def test_parts_of_workers_are_together_the_batch_of_one(kind, size, count):
    image_set = make_set()
    whole = first(BATCHES[kind]([image_set], size, seed=1, first_step=3))
    parts = [
        first(BATCHES[kind]([image_set], size, seed=1, first_step=3, part=(i, count)))
        for i in range(count)
    ]
    for name, rows in whole.items():
        sizes = [len(part[name]) for part in parts]
        assert max(sizes) - min(sizes) <= 1, name
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_array_equal(joined, rows)


def test_a_part_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"received \(2, 2\)"):
        BATCHES["labelled"]([make_set()], 4, part=(2, 2))


@pytest.mark.parametrize("kind", list(IMAGES_OF))
def test_pictures_are_whole_unless_they_are_cropped(kind):
    image_set = make_set()
    whole = first(BATCHES[kind]([image_set], 2, crop=False))
    known = {x.tobytes() for x in (*image_set.images, *image_set.images[:, :, ::-1])}
    for images in whole.values():
        pixels = np.round((images + 1) * 127.5).astype("uint8")
        assert {image.tobytes() for image in pixels} <= known


@pytest.mark.parametrize("kind", ["references", *IMAGES_OF])
def test_methods_of_domains_need_one_data_set(kind):
    with pytest.raises(ValueError, match=r"one data set.*received 2 \(one, two\)"):
        BATCHES[kind]([make_set("one"), make_set("two")], 2)

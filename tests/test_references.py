"""Batches of StarGAN v2: balance, pairs, augmentation, resuming."""

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import LabelSet
from keras_stargan.data import ImageSet, reference_dataset
from keras_stargan.data.batches.augmentation import resized_crops

SIZE = 8


def make_set(counts, size=SIZE):
    """Pictures of one grey each: domain d's are 50 d + 0, 1, ..."""
    domains = np.repeat(np.arange(len(counts)), counts)
    greys = 50 * domains + np.concatenate([np.arange(count) for count in counts])
    return ImageSet(
        images=np.broadcast_to(
            greys[:, None, None, None], (len(greys), size, size, 3)
        ).astype("uint8"),
        labels=np.eye(len(counts))[domains],
        label_set=LabelSet(tuple("abcdefgh"[: len(counts)])),
        subjects=np.arange(len(greys)),
    )


def greys(images):
    return np.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int)


def batches(image_set, count, batch_size=16, **kwargs):
    dataset = reference_dataset(image_set, batch_size, **kwargs).take(count)
    return list(dataset.as_numpy_iterator())


def test_pictures_are_of_the_domains_that_are_said():
    for (images, domains), (first, second, targets) in batches(make_set([5, 3, 4]), 4):
        assert domains.dtype == targets.dtype == "int32"
        np.testing.assert_array_equal(greys(images) // 50, domains)
        np.testing.assert_array_equal(greys(first) // 50, targets)
        np.testing.assert_array_equal(greys(second) // 50, targets)


def test_domains_are_balanced_and_every_picture_comes():
    drawn = batches(make_set([40, 2]), 60)
    domains = np.concatenate([sources[1] for sources, _ in drawn])
    targets = np.concatenate([references[2] for _, references in drawn])
    # Of 960 draws; 0.05 is three standard deviations.
    assert abs(domains.mean() - 0.5) < 0.05
    assert abs(targets.mean() - 0.5) < 0.05
    seen = np.concatenate([greys(sources[0]) for sources, _ in drawn])
    assert set(seen) == {*range(40), 50, 51}


def test_sources_and_references_are_drawn_independently():
    drawn = batches(make_set([20, 20]), 60)
    sources, targets, first, second = (
        np.concatenate(parts)
        for parts in zip(
            *((s[1], r[2], greys(r[0]), greys(r[1])) for s, r in drawn), strict=True
        )
    )
    assert abs(np.corrcoef(sources, targets)[0, 1]) < 0.1
    assert abs(np.corrcoef(first % 50, second % 50)[0, 1]) < 0.1


def test_a_batch_depends_on_seed_and_number_alone():
    image_set = make_set([9, 9])
    every, later = batches(image_set, 5), batches(image_set, 2, start_step=3)
    for one, two in zip(every[3:], later, strict=True):
        for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(two), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(every[3][0][0], every[4][0][0])
    assert not np.array_equal(every[0][0][0], batches(image_set, 1, seed=1)[0][0][0])


def test_crops_keep_to_their_area_and_place():
    # A picture whose pixels say where they are.
    size = 101
    place = np.linspace(0, 1, size, dtype="float32")
    picture = np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1)
    count = 200
    draws = np.random.default_rng(0).random((count, 4)).astype("float32")
    crops = resized_crops(
        tf.constant(np.stack([picture] * count)), tf.range(count) % 2 == 0, draws
    ).numpy()
    np.testing.assert_allclose(crops[1], picture, atol=1e-6)
    corners = crops[::2, -1, -1] - crops[::2, 0, 0]
    areas, ratios = corners.prod(axis=1), corners[:, 1] / corners[:, 0]
    assert 0.75 < areas.min() < 0.82 and 0.95 < areas.max() <= 1.0001
    assert 0.9 < ratios.min() < 0.93 and 1.07 < ratios.max() < 1.1001
    assert crops[::2].min() >= 0 and crops[::2].max() <= 1.0001


def test_pictures_are_augmented_unless_told_otherwise():
    image_set = make_set([1, 1], size=32)
    ramp = np.broadcast_to(np.arange(32)[:, None], image_set.images.shape[1:])
    image_set.images[0] = ramp.transpose(1, 0, 2)
    plain = {
        i.tobytes() for (x, _), _ in batches(image_set, 4, augment=False) for i in x
    }
    varied = {i.tobytes() for (x, _), _ in batches(image_set, 4) for i in x}
    assert len(plain) == 2
    assert len(varied) > 10


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
        reference_dataset(make_set([2, 2]), **{"batch_size": 2, **change})


def test_a_domain_without_pictures_is_an_error():
    image_set = make_set([3, 3, 3]).subset(slice(0, 6))
    with pytest.raises(ValueError, match="no image of the domain c"):
        reference_dataset(image_set, 2)


def test_attributes_are_no_domains():
    attributes = ImageSet(
        images=np.zeros((2, SIZE, SIZE, 3), "uint8"),
        labels=np.eye(2),
        label_set=LabelSet(("a", "b"), "binary"),
        subjects=np.arange(2),
    )
    with pytest.raises(ValueError, match="categorical label set; received a binary"):
        reference_dataset(attributes, 2)

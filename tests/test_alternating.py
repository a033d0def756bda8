"""Batches of several data sets in turn."""

import itertools

import numpy as np
import pytest

from keras_stargan.data import ImageSet
from keras_stargan.data.batches.alternating import alternating_dataset
from keras_stargan.data.batches.pipeline import training_dataset
from keras_stargan.labels import LabelSet


def image_set(name, kind, count, level, size=4):
    labels = np.eye(2)[np.arange(count) % 2]
    return ImageSet(
        images=np.full((count, size, size, 3), level, "uint8"),
        labels=labels,
        label_set=LabelSet((f"{name} 1", f"{name} 2"), kind, name=name),
        subjects=np.arange(count),
    )


DARK = image_set("dark", "binary", 7, 0)
GREY = image_set("grey", "categorical", 5, 100)
BRIGHT = image_set("bright", "binary", 6, 255)


def batches(sets, count, start=0):
    dataset = alternating_dataset(sets, 2, seed=3, start_step=start)
    return [
        (images.numpy(), labels.numpy())
        for images, labels in itertools.islice(dataset, count)
    ]


def test_data_sets_take_turns():
    levels = [images.mean() for images, _ in batches([DARK, GREY, BRIGHT], 6)]
    np.testing.assert_allclose(levels, [-1, 100 / 127.5 - 1, 1] * 2, atol=1e-6)


def test_labels_are_unified_with_the_mask_of_the_batchs_own_set():
    for step, (_, labels) in enumerate(batches([DARK, GREY, BRIGHT], 6)):
        place = step % 3
        np.testing.assert_array_equal(labels[:, 6:], [np.eye(3)[place]] * 2)
        known = labels[:, 2 * place : 2 * place + 2]
        np.testing.assert_array_equal(known.sum(axis=1), [1, 1])
        assert labels[:, :6].sum() == known.sum()


@pytest.mark.parametrize("start", [1, 2, 3])
def test_resumed_run_sees_what_an_unbroken_one_sees(start):
    whole = batches([DARK, GREY, BRIGHT], 8)
    rest = batches([DARK, GREY, BRIGHT], 8 - start, start)
    for (images, labels), (more_images, more_labels) in zip(
        whole[start:], rest, strict=True
    ):
        np.testing.assert_array_equal(images, more_images)
        np.testing.assert_array_equal(labels, more_labels)


def test_one_data_set_alone_has_no_mask():
    (images, labels), *_ = batches([GREY], 1)
    expected_images, expected_labels = next(iter(training_dataset(GREY, 2, seed=3)))
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)


def test_pictures_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match="of one size; received 4 px and 8 px"):
        alternating_dataset([DARK, image_set("large", "binary", 4, 0, size=8)], 2)

"""The drawn creatures that StarGAN v2 trains on without other data."""

import numpy as np
import pytest

from keras_stargan.data import load_creatures
from keras_stargan.data.drawn import avatar_renderer

SIZE = 24


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def parts(cache):
    return load_creatures("species", SIZE, 4, 2, cache_dir=cache)


def test_both_parts_have_creatures_of_each_kind(parts):
    for part, count in zip(parts, (4, 2), strict=True):
        assert part.label_set.names == ("critters", "moods", "clay")
        assert part.images.shape == (3 * count, SIZE, SIZE, 3)
        np.testing.assert_array_equal(part.labels.sum(axis=0), [count] * 3)


def test_no_two_creatures_are_alike(parts):
    pictures = [image.tobytes() for part in parts for image in part.images]
    assert len(set(pictures)) == 18


def test_kinds_are_drawn_as_they_are_labelled(parts):
    train, _ = parts
    # Clay is drawn on pale ground, the others are not.
    corner = train.images[:, 0, 0].mean(axis=-1)
    clay = train.labels[:, train.label_set.index("clay")] == 1
    assert corner[clay].min() > 200 > corner[~clay].max()


def test_the_test_part_does_not_depend_on_the_training_part(parts, cache):
    _, test = load_creatures("species", SIZE, 1, 2, cache_dir=cache)
    np.testing.assert_array_equal(test.images, parts[1].images)
    assert not set(parts[0].subjects) & set(parts[1].subjects)


def test_creatures_are_drawn_once(parts, cache, monkeypatch):
    monkeypatch.delattr(avatar_renderer, "draw_all")
    again, _ = load_creatures("species", SIZE, 4, 2, cache_dir=cache)
    np.testing.assert_array_equal(again.images, parts[0].images)


@pytest.mark.parametrize("name", ["image_size", "num_each", "test_each"])
def test_numbers_below_1_are_an_error(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be 1 or more; received 0"):
        load_creatures(cache_dir=tmp_path, **{name: 0})


def test_an_unknown_set_is_an_error():
    with pytest.raises(ValueError, match="species, faces; received 'plants'"):
        load_creatures("plants")

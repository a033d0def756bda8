"""Features that are learned from the persons of a training set."""

import keras
import numpy as np
import pytest

from keras_stargan.data import ImageSet
from keras_stargan.labels import LabelSet
from keras_stargan.pretrained.persons import person_features, train_person_features

SIZE, PERSONS, IMAGES = 16, 4, 6


def people(persons=PERSONS):
    """Persons of a color each, whose label is what is written across the face."""
    rng = np.random.default_rng(0)
    colors = rng.integers(40, 216, (persons, 1, 1, 1, 3))
    images = colors + rng.integers(-20, 20, (persons, IMAGES, SIZE, SIZE, 3))
    labels = np.tile(np.eye(2)[np.arange(IMAGES) % 2], (persons, 1))
    images[:, ::2, 6:9] = 0
    names = np.repeat([f"person {i}" for i in range(persons)], IMAGES)
    flat = images.reshape(-1, SIZE, SIZE, 3).astype("uint8")
    return ImageSet(flat, labels, LabelSet(("bare", "mask")), names)


def train(image_set, steps):
    return train_person_features(image_set, steps, batch_size=12, width=4, verbose=0)


@pytest.fixture(scope="module")
def learned():
    return train(people(), 60)


def test_images_of_one_person_have_near_features(learned):
    images = people().images / 127.5 - 1
    features = np.mean(learned(images, training=False)[-1], axis=(1, 2))
    features = features.reshape(PERSONS, IMAGES, -1)
    # The first two images have different labels.
    same = np.linalg.norm(features[:, 0] - features[:, 1], axis=-1)
    other = np.linalg.norm(features[:, None, 0] - features[None, :, 0], axis=-1)
    assert same.max() < other[~np.eye(PERSONS, dtype=bool)].min()


def test_training_follows_from_the_seed(learned):
    for value, expected in zip(
        train(people(), 60).get_weights(), learned.get_weights(), strict=True
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-3, atol=1e-4)


def test_features_are_saved_as_any_model(learned, tmp_path):
    learned.save(tmp_path / "persons.keras")
    loaded = keras.saving.load_model(tmp_path / "persons.keras")
    images = np.zeros((1, SIZE, SIZE, 3))
    for value, expected in zip(loaded(images), learned(images), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-6)


@pytest.mark.parametrize(
    "image_size, sides", [(8, [4, 2]), (48, [24, 12]), (128, [16, 8])]
)
def test_the_last_two_stages_are_given(image_size, sides):
    outputs = person_features(image_size, width=2).outputs
    assert [output.shape[1] for output in outputs] == sides


def test_features_need_more_than_one_person():
    with pytest.raises(ValueError, match=r"two persons or more; .* of person 0"):
        train(people(1), 1)


def test_features_need_images_of_some_size():
    with pytest.raises(ValueError, match="at least 8; received 7"):
        person_features(7)

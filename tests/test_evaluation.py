import dataclasses
import functools
import json
import math

import keras
import numpy as np
import pytest

from keras_stargan import evaluation
from keras_stargan.data.image_set import ImageSet
from keras_stargan.images import from_uint8
from keras_stargan.labels import LabelSet

SIZE = 16
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], "uint8")
LABEL_SET = LabelSet(("red", "green", "blue"))
SQUARE = slice(4, 12)


def squares(people=6, seed=0, aligned=True):
    """Every person is a noisy background, every label a colour of the square."""
    rng = np.random.default_rng(seed)
    person, label = np.divmod(np.arange(3 * people), 3)
    images = rng.integers(60, 190, (people, SIZE, SIZE, 3), "uint8")[person]
    images[:, SQUARE, SQUARE] = COLOURS[label][:, None, None]
    return ImageSet(
        images=images,
        labels=np.eye(3, dtype="float32")[label],
        label_set=LABEL_SET,
        people=person,
        aligned=aligned,
    )


def answer(images, labels, off=0.0):
    """The true answer; outside the square off by as much as told."""
    translated = images + np.float32(off)
    colour = from_uint8(COLOURS)[labels.argmax(axis=1)]
    translated[:, SQUARE, SQUARE] = colour[:, None, None]
    return translated


def do_nothing(images, labels):
    return images


def train(image_set):
    return evaluation.train_classifier(image_set, steps=60, batch_size=16, verbose=0)


@pytest.fixture(scope="module")
def classifier():
    return train(squares(people=40, seed=1))


@pytest.fixture
def colour_classifier():
    """Logits are the colour of the middle: right by construction."""
    inputs = keras.Input((SIZE, SIZE, 3))
    return keras.Model(inputs, inputs[:, SIZE // 2, SIZE // 2])


def evaluate(translate, classifier, image_set=None, **kwargs):
    return evaluation.evaluate_translations(
        translate, image_set or squares(), classifier, batch_size=7, verbose=0, **kwargs
    )


def test_classifier_learns_labels_of_people_it_never_saw(classifier):
    test = squares(people=20)
    error = evaluation.classification_error(
        classifier, test.images, test.labels, LABEL_SET
    )
    assert error == 0.0


def test_training_follows_from_its_seed_and_leaves_the_global_one_alone(classifier):
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    again = train(squares(people=40, seed=1))
    assert np.random.random() == expected
    for weight, other in zip(again.weights, classifier.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)


def test_classifiers_of_other_seeds_start_elsewhere():
    first, same, other = (
        evaluation.build_classifier(16, LABEL_SET, seed=seed).get_weights()[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("size", [32, 50, 256])
def test_classifier_takes_images_of_many_sizes(size):
    model = evaluation.build_classifier(size, LABEL_SET)
    assert model.output_shape == (None, 3)
    assert model.count_params() < 2_000_000


def test_binary_labels_are_learnt_each_by_itself():
    colours = squares(people=40, seed=1)
    # Red has both attributes, green one, blue none.
    image_set = dataclasses.replace(
        colours,
        labels=np.stack([colours.labels[:, 0], 1 - colours.labels[:, 2]], axis=1),
        label_set=LabelSet(("red", "warm"), "binary"),
    )
    error = evaluation.classification_error(
        train(image_set), image_set.images, image_set.labels, image_set.label_set
    )
    assert error == 0.0


def test_binary_error_counts_entries(colour_classifier):
    label_set = LabelSet(("r", "g", "b"), "binary")
    images = np.zeros((2, SIZE, SIZE, 3), "uint8")
    images[0] = [255, 0, 0]
    labels = np.array([[1, 1, 0], [0, 0, 0]], "float32")
    error = evaluation.classification_error(
        colour_classifier, images, labels, label_set
    )
    assert error == pytest.approx(100 / 6)


def test_error_of_bytes_equals_that_of_floats(colour_classifier):
    test = squares()
    labels = np.roll(test.labels, 1, axis=0)
    labels[0] = test.labels[0]
    errors = [
        evaluation.classification_error(colour_classifier, images, labels, LABEL_SET)
        for images in (test.images, from_uint8(test.images))
    ]
    assert errors[0] == errors[1] == pytest.approx(100 * 17 / 18)


def test_error_refuses_labels_of_another_shape(colour_classifier):
    with pytest.raises(ValueError, match=r"\(18, 3\).*received \(18, 2\)"):
        evaluation.classification_error(
            colour_classifier, squares().images, np.zeros((18, 2)), LABEL_SET
        )


def test_true_answers_have_no_error(colour_classifier):
    figures = evaluate(answer, colour_classifier)
    assert figures["error_inside"] == figures["error_outside"] == 0.0
    assert figures["reconstruction_error"] == 0.0
    assert figures["psnr_db"] is None
    assert figures["classification_error_percent"] == 0.0


def test_true_answers_get_the_classifiers_own_error():
    inputs = keras.Input((SIZE, SIZE, 3))
    # Takes every blue square for a green one.
    only_red = np.array([1, 0, 0], "float32")
    or_green = np.array([0, 0.5, 0], "float32")
    classifier = keras.Model(inputs, inputs[:, 8, 8] * only_red + or_green)
    figures = evaluate(answer, classifier)
    for key in ("classification_error_percent", "classification_error_real_percent"):
        assert figures[key] == pytest.approx(100 / 3)


def test_doing_nothing_is_the_measure_of_the_error_inside(colour_classifier):
    figures = evaluate(do_nothing, colour_classifier)
    assert figures["error_inside_ratio"] == 1.0
    assert figures["error_outside"] == figures["error_outside_do_nothing"] == 0.0
    assert figures["psnr_db"] == pytest.approx(figures["psnr_do_nothing_db"])
    # Two of three channels are wrong by 2 in the 8 x 8 of the 16 x 16 pixels.
    assert figures["error_inside_do_nothing"] == pytest.approx(4 / 3)
    assert figures["changed_pixels_percent"] == pytest.approx(25.0)
    assert figures["psnr_db"] == pytest.approx(10 * math.log10(4 / (4 * 2 / 3 / 4)))
    # Right only where the target is the image's own label.
    assert figures["classification_error_percent"] == pytest.approx(200 / 3)


def test_errors_are_told_apart_by_place(colour_classifier):
    figures = evaluate(functools.partial(answer, off=0.1), colour_classifier)
    assert figures["error_inside"] == 0.0
    assert figures["error_outside"] == pytest.approx(0.1, rel=1e-5)
    assert figures["psnr_db"] == pytest.approx(10 * math.log10(4 / 0.0075), rel=1e-5)


def test_reconstruction_error_is_that_of_the_way_back(colour_classifier):
    def darken(images, labels):
        return images * 0.5

    source = from_uint8(squares().images)
    figures = evaluate(darken, colour_classifier)
    assert figures["reconstruction_error"] == pytest.approx(
        0.75 * np.abs(source).mean(), rel=1e-5
    )


def test_without_true_answers_their_figures_are_none(colour_classifier):
    aligned = evaluate(do_nothing, colour_classifier)
    figures = evaluate(do_nothing, colour_classifier, squares(aligned=False))
    assert figures.keys() == aligned.keys()
    assert {key for key, value in figures.items() if value is None} == {
        "error_inside",
        "error_outside",
        "error_inside_do_nothing",
        "error_outside_do_nothing",
        "error_inside_ratio",
        "changed_pixels_percent",
        "psnr_db",
        "psnr_do_nothing_db",
    }


def test_counts_and_values_go_into_json(colour_classifier):
    figures = evaluate(do_nothing, colour_classifier)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    counts = {key: figures[key] for key in ("images", "people", "translations")}
    assert counts == {"images": 18, "people": 6, "translations": 54}


def test_a_limited_evaluation_spreads_over_people_and_labels(colour_classifier):
    seen = set()

    def translate(images, labels):
        seen.update(image.tobytes() for image in images)
        return images

    test = squares()
    figures = evaluate(translate, colour_classifier, test, max_images=6)
    assert (figures["images"], figures["people"]) == (6, 6)
    used = [from_uint8(image).tobytes() in seen for image in test.images]
    assert test.labels[used].sum(axis=0).tolist() == [2, 2, 2]


def test_an_evaluation_of_nothing_is_an_error(colour_classifier):
    with pytest.raises(ValueError, match="received 0"):
        evaluate(do_nothing, colour_classifier, max_images=0)

import collections
import dataclasses
import functools
import itertools
import json
import math
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_stargan import evaluation
from keras_stargan.data.image_set import ImageSet
from keras_stargan.images import from_uint8
from keras_stargan.labels import LabelSet

SIZE = 16
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], "uint8")
LABEL_SET = LabelSet(("red", "green", "blue"))
SQUARE = slice(4, 12)


def squares(subjects=6, seed=0, aligned=True):
    """Every person is a noisy background, every label a colour of the square."""
    rng = np.random.default_rng(seed)
    person, label = np.divmod(np.arange(3 * subjects), 3)
    images = rng.integers(60, 190, (subjects, SIZE, SIZE, 3), "uint8")[person]
    images[:, SQUARE, SQUARE] = COLOURS[label][:, None, None]
    return ImageSet(
        images=images,
        labels=np.eye(3, dtype="float32")[label],
        label_set=LABEL_SET,
        subjects=person,
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
    return train(squares(subjects=40, seed=1))


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
    test = squares(subjects=20)
    error = evaluation.classification_error(
        classifier, test.images, test.labels, LABEL_SET
    )
    assert error == 0.0


def test_training_follows_from_its_seed_and_leaves_the_global_one_alone(classifier):
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    again = train(squares(subjects=40, seed=1))
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
    colours = squares(subjects=40, seed=1)
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
    assert "psnr_db" not in figures
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


def test_without_true_answers_their_figures_are_left_out(colour_classifier):
    aligned = evaluate(do_nothing, colour_classifier)
    figures = evaluate(do_nothing, colour_classifier, squares(aligned=False))
    assert aligned.keys() - figures.keys() == {
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


# ResNet-18.


def test_resnet_is_the_real_one():
    expressions = LabelSet(tuple("abcdefgh"))
    model = evaluation.build_resnet18(32, expressions)
    assert model.output_shape == (None, 8)
    # As torchvision's with eight outputs.
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == 11_180_616


def test_resnets_weights_follow_from_the_seed():
    first, same, other = (
        evaluation.build_resnet18(SIZE, LABEL_SET, seed=seed).trainable_weights
        for seed in (0, 0, 1)
    )
    for a, b, c in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        # Scales and shifts begin as ones and zeros with every seed.
        assert a.path.endswith("kernel") == bool(np.any(a != c)), a.path


def test_another_classifier_can_be_trained():
    given = []

    def build(*args, **kwargs):
        given.append((*args, kwargs))
        return evaluation.build_classifier(*args, width=4, **kwargs)

    model = evaluation.train_classifier(
        squares(), steps=1, batch_size=4, seed=7, verbose=0, build=build
    )
    assert given == [(SIZE, LABEL_SET, {"seed": 7})]
    assert model.get_weights()[0].shape[-1] == 4


@pytest.mark.filterwarnings("ignore:Even though")  # It is fed from tf.data.
def test_every_weight_of_resnet_is_trained():
    tf.config.run_functions_eagerly(True)  # Its graph takes long to make.
    try:
        model = evaluation.train_classifier(
            squares(),
            steps=2,
            batch_size=4,
            seed=1,
            verbose=0,
            build=evaluation.build_resnet18,
        )
    finally:
        tf.config.run_functions_eagerly(False)
    start = evaluation.build_resnet18(SIZE, LABEL_SET, seed=1)
    for trained, initial in zip(model.weights, start.weights, strict=True):
        assert np.any(trained != initial), trained.path


def test_without_keras_cv_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_cv.models", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-stargan\[evaluation\]'"):
        evaluation.build_resnet18(SIZE, LABEL_SET)


# Attributes.

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
CELEBA = LabelSet((*HAIR, "Male", "Young"), "binary", exclusive=(HAIR,))


def portraits(label_set=CELEBA, labels=None):
    """Pictures whose first pixels are their labels, 255 for 1."""
    if labels is None:
        others = list(itertools.product((0, 1), repeat=2))
        labels = [[*hair, *rest] for hair in np.eye(3, dtype=int) for rest in others]
    labels = np.array(labels, "float32")
    images = np.full((len(labels), SIZE, SIZE, 3), 100, "uint8")
    images[:, 0, : len(label_set)] = 255 * labels[:, :, None]
    return ImageSet(images, labels, label_set, subjects=np.arange(len(labels)))


def paint(images, labels, leave=()):
    """Writes the labels into the pictures, but for some entries."""
    images = np.array(images)
    for entry in range(labels.shape[1]):
        if entry not in leave:
            images[:, 0, entry] = 2 * labels[:, entry, None] - 1
    return images


def attribute_errors(translate, image_set=None, **kwargs):
    """Judged by a classifier that reads the first pixels."""
    image_set = image_set or portraits()
    inputs = keras.Input((SIZE, SIZE, 3))
    reader = keras.Model(inputs, inputs[:, 0, : len(image_set.label_set), 0])
    return evaluation.attribute_errors(
        translate, image_set, reader, batch_size=7, verbose=0, **kwargs
    )


def of(errors, key="error_percent"):
    return {combination: figures.get(key) for combination, figures in errors.items()}


def test_groups_have_the_papers_letters():
    assert evaluation.attribute_groups(CELEBA) == {
        "H": HAIR,
        "G": ("Male",),
        "A": ("Young",),
    }


def test_other_groups_go_by_their_names():
    sky = ("blue", "grey")
    label_set = LabelSet(("Hat", *sky, "Red_Hair"), "binary", exclusive=(sky,))
    assert evaluation.attribute_groups(label_set) == {
        "Hat": ("Hat",),
        "blue/grey": sky,
        "Red_Hair": ("Red_Hair",),
    }


def test_right_translations_have_no_error_in_any_combination():
    errors = attribute_errors(paint)
    combinations = ["H", "G", "A", "H+G", "H+A", "G+A", "H+G+A"]
    assert of(errors) == dict.fromkeys(combinations, 0.0)
    assert of(errors, "error_real_percent") == dict.fromkeys(combinations, 0.0)
    everything_but_all = dict.fromkeys(combinations, 0.0) | {"H+G+A": None}
    assert of(errors, "others_error_percent") == everything_but_all


def test_doing_nothing_is_always_wrong():
    errors = attribute_errors(do_nothing)
    assert set(of(errors).values()) == {100.0}
    assert set(of(errors, "others_error_percent").values()) == {0.0, None}


def test_any_wrong_attribute_makes_a_combination_wrong():
    errors = attribute_errors(functools.partial(paint, leave=[3]))
    assert of(errors) == {
        combination: 100.0 if "G" in combination else 0.0 for combination in errors
    }


def test_other_attributes_that_change_are_told():
    def age(images, labels):
        images = paint(images, labels)
        images[:, 0, 4] *= -1
        return images

    errors = of(attribute_errors(age), "others_error_percent")
    assert (errors["H"], errors["G"], errors["H+G"], errors["A"]) == (100, 100, 100, 0)


def test_every_other_hair_colour_is_a_target():
    seen = collections.Counter()

    def translate(images, labels):
        own = (images[:, 0, :5, 0] > 0).astype(int)
        flips = np.abs(own - labels)[:, 3:].astype(int)
        assert (labels[:, :3].sum(axis=1) == 1).all()
        hair = own[:, :3].argmax(axis=1), labels[:, :3].argmax(axis=1)
        seen.update(zip(*hair, *flips.T, strict=True))
        return paint(images, labels)

    errors = attribute_errors(translate)
    assert errors["H"]["translations"] == errors["H+G+A"]["translations"] == 2 * 12
    assert errors["G"]["translations"] == errors["G+A"]["translations"] == 12
    # From hair, to hair, gender flipped, age flipped: four pictures each, and none
    # to which nothing is done.
    changes = set(itertools.product(range(3), range(3), (0, 1), (0, 1)))
    assert seen == dict.fromkeys(changes - {(i, i, 0, 0) for i in range(3)}, 4)


def test_who_has_no_hair_colour_gets_each():
    bald = portraits(labels=[[0, 0, 0, 1, 1]])
    errors = attribute_errors(paint, bald)
    assert errors["H"]["translations"] == 3
    assert of(errors)["H"] == of(errors, "error_real_percent")["H"] == 0.0


def test_of_five_groups_only_single_ones_and_all_are_changed():
    label_set = LabelSet(tuple("abcde"), "binary")
    errors = attribute_errors(paint, portraits(label_set, np.eye(5)))
    assert list(errors) == ["a", "b", "c", "d", "e", "a+b+c+d+e"]


def test_the_classifiers_own_errors_are_those_on_real_pictures():
    image_set = portraits()
    # The labels say that nobody is young, half of the pictures otherwise.
    labels = image_set.labels * [1, 1, 1, 1, 0]
    wrong_labels = dataclasses.replace(image_set, labels=labels)
    errors = of(attribute_errors(paint, wrong_labels), "error_real_percent")
    assert errors == {
        combination: 50.0 if "A" in combination else 0.0 for combination in errors
    }


def test_a_limited_evaluation_of_attributes_takes_so_many_pictures():
    assert attribute_errors(paint, max_images=5)["G"]["translations"] == 5


def test_categorical_labels_are_no_attributes(colour_classifier):
    with pytest.raises(ValueError, match="binary labels; received categorical"):
        evaluation.attribute_errors(do_nothing, squares(), colour_classifier)

"""A target's text means the same in a SavedModel as everywhere else."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan.export.target_text import domain_numbers, target_labels
from keras_stargan.labels import LabelSet, LabelSpace, Target

HAIR = ("black", "blond")
SPACE = LabelSpace(
    (
        LabelSet((*HAIR, "male", "young"), "binary", exclusive=(HAIR,), name="people"),
        LabelSet(("happy", "sad, very"), name="faces"),
    )
)
OWN = np.array([[1, 0, 1, 0, 1, 0]], "float32")
NAMES = (*SPACE.names, *(f"-{name}" for name in SPACE.names))
TEXTS = [*NAMES, "", "blnd", *(", ".join(p) for p in itertools.permutations(NAMES, 2))]


def ours(text):
    try:
        return Target.parse(SPACE, text).resolve(OWN)
    except ValueError:
        return None


@pytest.fixture(scope="module")
def served():
    function = tf.function(
        lambda text, own: target_labels(text, own, SPACE, SPACE.names)
    )
    return lambda text: function(tf.constant([text]), tf.constant(OWN))


def test_every_text_gives_the_labels_of_target(served):
    understood = [text for text in TEXTS if ours(text) is not None]
    assert 20 < len(understood) < len(TEXTS) - 20
    for text in understood:
        labels, errors = served(text)
        np.testing.assert_array_equal(labels, ours(text), err_msg=text)
        assert errors.numpy().tolist() == [b""], text


def test_what_target_refuses_is_an_error_that_lists_the_names(served):
    for text in TEXTS:
        if ours(text) is None:
            (error,) = served(text)[1].numpy()
            assert b"one of happy, sad, very; received '" in error, text


def test_a_domain_that_no_network_translates_to_is_an_error():
    space = LabelSpace((LabelSet(("cat", "dog")),))
    own = tf.constant([[0.0, 1.0], [1.0, 0.0]])
    # An image that is of the domain already stays as it is.
    labels, errors = target_labels(tf.constant(["cat", "cat"]), own, space, ["dog"])
    np.testing.assert_array_equal(labels, [[1, 0], [1, 0]])
    assert errors.numpy()[0] == b"target must be one of dog; received 'cat'. "
    assert errors.numpy()[1] == b""
    numbers, errors = domain_numbers(tf.constant(["dog", "cat"]), space, ["dog"])
    assert numbers[0] == 1
    assert errors.numpy()[0] == b""
    assert errors.numpy()[1] == b"domain must be one of dog; received 'cat'. "

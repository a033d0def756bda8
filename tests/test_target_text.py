"""A target's text means the same in a SavedModel as everywhere else."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_stargan.export.target_text import target_labels
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
    function = tf.function(lambda text, own: target_labels(text, own, SPACE))
    return lambda text: function(tf.constant([text]), tf.constant(OWN))


def test_every_text_gives_the_labels_of_target(served):
    understood = [text for text in TEXTS if ours(text) is not None]
    assert 20 < len(understood) < len(TEXTS) - 20
    for text in understood:
        np.testing.assert_array_equal(served(text), ours(text), err_msg=text)


def test_what_target_refuses_is_refused(served):
    for text in TEXTS:
        if ours(text) is None:
            with pytest.raises(tf.errors.InvalidArgumentError, match="one of happy"):
                served(text)

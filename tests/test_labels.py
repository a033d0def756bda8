"""Label sets, and the labels of several data sets as one vector with a mask."""

import keras
import numpy as np
import pytest

from keras_stargan.labels import LabelSet, LabelSpace, Target
from keras_stargan.losses import classification_loss

HAIR = ("black", "blond")
PEOPLE = LabelSet((*HAIR, "male"), "binary", (HAIR,), name="CelebA")
FACES = LabelSet(("happy", "sad"), name="RaFD")
BOTH = LabelSpace((PEOPLE, FACES))


def test_single_set_needs_no_mask():
    space = LabelSpace.of(FACES)
    assert (space.size, space.num_labels, space.names) == (2, 2, FACES.names)
    np.testing.assert_array_equal(space.unify([[0, 1]]), [[0, 1]])


def test_unified_label_has_zeros_for_what_is_unknown_and_the_mask_last():
    assert (BOTH.size, BOTH.num_labels) == (7, 5)
    np.testing.assert_array_equal(
        BOTH.unify([[1, 0, 1]], "CelebA"), [[1, 0, 1, 0, 0, 1, 0]]
    )
    np.testing.assert_array_equal(BOTH.unify([[0, 1]], "RaFD"), [[0, 0, 0, 0, 1, 0, 1]])


def test_mask_says_which_data_set_a_label_is_of():
    labels = np.concatenate([BOTH.unify([[0, 1]], 1), BOTH.unify([[1, 0, 0]], 0)])
    np.testing.assert_array_equal(BOTH.data_sets(labels), [1, 0])


def test_wrong_mask_changes_nothing_else():
    wrong = BOTH.with_mask(BOTH.unify([[0, 1]], "RaFD"), "CelebA")
    np.testing.assert_array_equal(wrong, [[0, 0, 0, 0, 1, 1, 0]])


def test_names_that_two_sets_share_carry_the_sets_name():
    space = LabelSpace(
        (LabelSet(("young", "old"), name="a"), LabelSet(("young", "sad"), name="b"))
    )
    assert space.names == ("a/young", "old", "b/young", "sad")


@pytest.mark.parametrize("sets", [(), (LabelSet(("a",)), LabelSet(("b",)))])
def test_sets_must_have_names_to_tell_them_apart(sets):
    with pytest.raises(ValueError, match="with different names"):
        LabelSpace(sets)


def test_unknown_names_are_errors_that_name_the_nearest():
    with pytest.raises(ValueError, match=r"no label 'blnd'.*Did you mean .*blond"):
        Target.parse(BOTH, "blnd")
    with pytest.raises(ValueError, match=r"no data set 'Rafd'.*Did you mean RaFD"):
        BOTH.unify([[0, 1]], "Rafd")


# Targets.


def each(space, own):
    """The targets of every label in turn, by their titles."""
    return {target.title: target.resolve(own) for target in Target.each(space)}


def test_several_attributes_are_chosen_at_once():
    np.testing.assert_array_equal(
        Target.chosen(LabelSpace.of(PEOPLE), ["blond", "male"]).resolve(
            [[1, 0, 1], [0, 1, 0]]
        ),
        [[0, 1, 0], [0, 1, 1]],
    )


def test_chosen_targets_of_all_sets_carry_their_masks():
    targets = each(BOTH, [[1, 0, 1, 0, 0]])
    assert list(targets) == ["black", "blond", "male", "happy", "sad"]
    np.testing.assert_array_equal(targets["male"], [[1, 0, 0, 0, 0, 1, 0]])
    np.testing.assert_array_equal(targets["sad"], [[0, 0, 0, 0, 1, 0, 1]])


def test_categorical_targets_are_each_name_for_all_images():
    space = LabelSpace.of(LabelSet(("a", "b", "c")))
    targets = each(space, [[0, 1, 0], [1, 0, 0]])
    assert list(targets) == ["a", "b", "c"]
    for index, target in enumerate(targets.values()):
        np.testing.assert_array_equal(target, np.eye(3)[[index, index]])


def test_binary_targets_flip_or_choose_within_an_exclusive_group():
    label_set = LabelSet(("black", "blond", "male"), "binary", (("black", "blond"),))
    targets = each(LabelSpace.of(label_set), [[1, 0, 1], [0, 0, 0]])
    assert targets["black"].tolist() == [[1, 0, 1], [1, 0, 0]]
    assert targets["blond"].tolist() == [[0, 1, 1], [0, 1, 0]]
    assert targets["male"].tolist() == [[1, 0, 0], [0, 0, 1]]


def test_targets_refuse_labels_of_another_length():
    with pytest.raises(ValueError, match=r"\(n, 2\); received \(1, 3\)"):
        each(LabelSpace.of(LabelSet(("a", "b"))), [[0, 1, 0]])


def test_guesses_stand_in_for_unknown_labels_only():
    labels = np.concatenate([BOTH.unify([[0, 1]], 1), BOTH.unify([[1, 0, 0]], 0)])
    guesses = [[0, 1, 1, 1, 0], [0, 1, 1, 1, 0]]
    np.testing.assert_array_equal(
        BOTH.known_labels(labels, guesses), [[0, 1, 1, 0, 1], [1, 0, 0, 1, 0]]
    )
    targets = each(BOTH, BOTH.known_labels(labels, guesses))
    np.testing.assert_array_equal(
        targets["male"], [[0, 1, 0, 0, 0, 1, 0], [1, 0, 1, 0, 0, 1, 0]]
    )


def test_named_target_sets_clears_and_leaves_the_rest():
    own = [[1, 0, 1, 0, 1]]
    np.testing.assert_array_equal(
        Target.parse(BOTH, "blond, -male").resolve(own), [[0, 1, 0, 0, 0, 1, 0]]
    )
    np.testing.assert_array_equal(
        Target.parse(BOTH, "blond").resolve(own), [[0, 1, 1, 0, 0, 1, 0]]
    )
    np.testing.assert_array_equal(
        Target.parse(BOTH, "happy").resolve(own), [[0, 0, 0, 1, 0, 0, 1]]
    )


@pytest.mark.parametrize(
    "names, message",
    [
        ([], "received none"),
        (["male", "sad"], "labels of one data set; received male, sad"),
        (["happy", "sad"], "one of them; received happy, sad"),
        (["-happy"], "one of them; received -happy"),
        (["black", "blond"], "black and blond: they exclude each other"),
        (["male", "-male"], "male and -male: they exclude each other"),
    ],
)
def test_impossible_targets_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        Target.parse(BOTH, ",".join(names))


# Checks of training labels.


@pytest.mark.parametrize(
    "label, message",
    [
        ([0, 0, 0, 1, 1, 0, 1], "RaFD labels must be one-hot.*sum 2"),
        ([0, 0, 0, 0, 0, 0, 1], "RaFD labels must be one-hot.*sum 0"),
        ([1, 0, 0, 0, 0, 0, 0], "Masks must be one-hot.*sum 0"),
        ([1, 0, 0, 1, 0, 1, 0], "Labels of RaFD must be 0 where the mask names"),
        ([1, 0, 2, 0, 0, 1, 0], "0 or 1; received values from 0 to 2"),
    ],
)
def test_wrong_training_labels_are_refused(label, message):
    with pytest.raises(ValueError, match=message):
        BOTH.check([label])


def test_right_training_labels_pass():
    BOTH.check([[0, 0, 0, 0, 1, 0, 1], [1, 0, 1, 0, 0, 1, 0]])


# The discriminator's view.


def test_loss_counts_the_known_labels_only():
    labels = BOTH.unify([[1, 0, 1]], "CelebA")
    logits = np.array([[2.0, -1.0, 0.5, 3.0, -3.0]], "float32")
    # Sigmoid cross entropy, summed over the attributes.
    expected = np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0)) + np.log1p(np.exp(-0.5))
    loss = classification_loss(
        keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(logits), BOTH
    )
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_loss_of_a_mixed_batch_is_the_mean_over_its_images():
    labels = np.concatenate([BOTH.unify([[0, 1]], 1), BOTH.unify([[1, 0, 0]], 0)])
    logits = np.random.RandomState(0).randn(2, 5).astype("float32")

    def loss(rows):
        return float(
            classification_loss(
                keras.ops.convert_to_tensor(labels[rows]),
                keras.ops.convert_to_tensor(logits[rows]),
                BOTH,
            )
        )

    each = [loss(slice(0, 1)), loss(slice(1, 2))]
    assert loss(slice(None)) == pytest.approx(np.mean(each), rel=1e-5)


def test_labels_seen_are_the_greatest_logits_where_one_excludes_the_others():
    logits = [[2.0, 3.0, -1.0, 0.1, 0.2], [-2.0, -3.0, 1.0, 0.2, 0.1]]
    np.testing.assert_array_equal(
        BOTH.from_logits(logits), [[0, 1, 0, 0, 1], [0, 0, 1, 1, 0]]
    )


def test_configuration_makes_an_equal_label_space():
    assert LabelSpace.from_config(BOTH.get_config()) == BOTH

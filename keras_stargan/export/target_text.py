"""The text of a target, understood inside a SavedModel as `Target` understands it."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_stargan.labels import LabelSpace


def target_labels(target: tf.Tensor, own: tf.Tensor, space: LabelSpace) -> tf.Tensor:
    """The label vectors of targets, as `Target.parse(space, text).resolve(own)`.

    Args:
        target: string `(n,)`.
        own: the images' own labels, float32 `(n, num_labels)`, or None where targets
            name all labels.
        space: the labels of the model.

    Returns:
        float32 `(n, size)`. Running it with an unknown name, none, names of several
        data sets, several categorical ones, or names that exclude each other, is an
        error that lists the right names.
    """
    names = tf.constant(space.names)
    given = tf.strings.strip(tf.strings.split(target, ",").to_tensor(""))
    # A label's name may have a comma in it, or begin with a minus sign.
    whole = tf.strings.strip(target)[:, tf.newaxis] == names
    found = given[:, :, tf.newaxis] == names
    minus = tf.strings.substr(given, 0, 1) == "-"
    without = tf.strings.regex_replace(given, "^-", "")
    cleared = (without[:, :, tf.newaxis] == names) & minus[:, :, tf.newaxis]
    known = tf.reduce_any(found | cleared, axis=2) | (given == "")
    right = tf.reduce_all(known, axis=1) | tf.reduce_any(whole, axis=1)
    is_whole = tf.reduce_any(whole, axis=1, keepdims=True)
    present = tf.where(is_whole, whole, tf.reduce_any(found, axis=1))
    absent = ~is_whole & ~present & tf.reduce_any(cleared, axis=1)
    conflict = ~is_whole & tf.reduce_any(found, 1) & tf.reduce_any(cleared, 1)
    excluded = tf.matmul(tf.cast(present, tf.float32), _exclusion(space)) > 0
    right &= ~tf.reduce_any(conflict | (present & excluded), axis=1)
    named = tf.cast(present | absent, tf.float32)
    mask = tf.stack(
        [tf.reduce_max(named[:, entries], axis=1) for entries in space.entries], axis=1
    )
    right &= tf.reduce_sum(mask, axis=1) == 1
    for label_set, entries in zip(space.sets, space.entries, strict=True):
        if label_set.kind == "categorical":
            right &= ~tf.reduce_any(absent[:, entries], axis=1)
    own = tf.zeros_like(named) if own is None else own
    values = tf.where(present, 1.0, tf.where(absent | excluded, 0.0, own))
    # Only the labels of the target's own data set are known.
    sizes = [len(label_set) for label_set in space.sets]
    values *= tf.repeat(mask, sizes, axis=1)
    check = tf.debugging.Assert(
        tf.reduce_all(right),
        [f"target must be {_allowed(space)}; received:", target],
        summarize=16,
    )
    with tf.control_dependencies([check]):
        return tf.concat([values, mask], axis=1)[:, : space.size]


def domain_numbers(domain: tf.Tensor, names: Sequence[str]) -> tf.Tensor:
    """The numbers, int32 `(n,)`, of domains' names, string `(n,)`.

    Running it with an unknown name is an error that lists the right ones.
    """
    found = tf.strings.strip(domain)[:, tf.newaxis] == tf.constant(names)
    message = f"domain must be one of {', '.join(names)}; received:"
    right = tf.reduce_all(tf.reduce_any(found, axis=1))
    check = tf.debugging.Assert(right, [message, domain], summarize=16)
    with tf.control_dependencies([check]):
        return tf.argmax(found, axis=1, output_type=tf.int32)


def _exclusion(space: LabelSpace) -> np.ndarray:
    """Entry (i, j) is 1 if label j must be 0 where label i is 1."""
    matrix = np.zeros((space.num_labels, space.num_labels), "float32")
    for label_set, entries in zip(space.sets, space.entries, strict=True):
        for name in label_set.names:
            for other in label_set.group(name):
                row, column = (
                    entries.start + label_set.index(n) for n in (name, other)
                )
                matrix[row, column] = other != name
    return matrix


def _allowed(space: LabelSpace) -> str:
    """What a target may be, in words."""
    return "; or ".join(
        (
            "one of "
            if label_set.kind == "categorical"
            else "names, separated by commas, with - before what is to go, among "
        )
        + ", ".join(space.names[entries])
        for label_set, entries in zip(space.sets, space.entries, strict=True)
    )

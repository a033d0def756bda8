"""The text of a target, understood inside a SavedModel as `Target` understands it."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_stargan.labels import LabelSpace

_SHOWN = 100  # characters of a wrong text that an error shows


def target_labels(
    target: tf.Tensor,
    own: tf.Tensor | None,
    space: LabelSpace,
    reachable: Sequence[str],
    what: str = "target",
) -> tuple[tf.Tensor, tf.Tensor]:
    """The label vectors of targets, as `Target.parse(space, text).resolve(own)`.

    Args:
        target: string `(n,)`.
        own: the images' own labels, float32 `(n, num_labels)`, or None where targets
            name all labels.
        space: the labels of the model.
        reachable: the labels that images can be translated to. A categorical one that
            is missing is wrong for an image that does not have it already.
        what: the targets' name in errors.

    Returns:
        float32 `(n, size)`; and string `(n,)`: for an unknown name, none, names of
        several data sets, several categorical ones, or names that exclude each other,
        an error that lists the right names, else "". The labels of a wrong target mean
        nothing.
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
    own = tf.zeros_like(named) if own is None else own
    reached = tf.constant([n in reachable for n in space.names]) | (own > 0)
    for label_set, entries in zip(space.sets, space.entries, strict=True):
        if label_set.kind == "categorical":
            right &= ~tf.reduce_any(absent[:, entries], axis=1)
            right &= tf.reduce_all((reached | ~present)[:, entries], axis=1)
    values = tf.where(present, 1.0, tf.where(absent | excluded, 0.0, own))
    # Only the labels of the target's own data set are known.
    sizes = [len(label_set) for label_set in space.sets]
    values *= tf.repeat(mask, sizes, axis=1)
    labels = tf.concat([values, mask], axis=1)[:, : space.size]
    return labels, _errors(
        right, target, f"{what} must be {_allowed(space, reachable)}"
    )


def domain_numbers(
    domain: tf.Tensor, space: LabelSpace, reachable: Sequence[str]
) -> tuple[tf.Tensor, tf.Tensor]:
    """The numbers of domains' names.

    Args:
        domain: string `(n,)`.
        space: the labels of the model.
        reachable: the domains that images can be translated to.

    Returns:
        int32 `(n,)`; and string `(n,)`: for another name than those in `reachable` an
        error that lists them, else "". The number of a wrong domain means nothing.
    """
    found = tf.strings.strip(domain)[:, tf.newaxis] == tf.constant(space.names)
    found &= tf.constant([name in reachable for name in space.names])
    message = f"domain must be one of {', '.join(reachable)}"
    errors = _errors(tf.reduce_any(found, axis=1), domain, message)
    return tf.argmax(found, axis=1, output_type=tf.int32), errors


def _errors(right: tf.Tensor, given: tf.Tensor, message: str) -> tf.Tensor:
    """What is wrong with each text, string `(n,)`; "" where it is right."""
    # A server's reply in JSON must be Unicode, and need not be as long as the request.
    shown = tf.strings.unicode_transcode(given, "UTF-8", "UTF-8")
    shown = tf.strings.substr(shown, 0, _SHOWN, unit="UTF8_CHAR")
    text = tf.strings.join([f"{message}; received '", shown, "'. "])
    return tf.where(right, "", text)


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


def _allowed(space: LabelSpace, reachable: Sequence[str]) -> str:
    """What a target may be, in words."""
    return "; or ".join(
        "one of " + ", ".join(n for n in space.names[entries] if n in reachable)
        if label_set.kind == "categorical"
        else "names, separated by commas, with - before what is to go, among "
        + ", ".join(space.names[entries])
        for label_set, entries in zip(space.sets, space.entries, strict=True)
    )

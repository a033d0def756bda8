"""Losses of a classifier of labels."""

from typing import Any

import keras
from keras import ops


def classification_losses(
    labels: keras.KerasTensor, logits: keras.KerasTensor, kind: str
) -> keras.KerasTensor:
    """-log D_cls(c | x) of each image (StarGAN, equations 2 and 3).

    Args:
        labels: `(batch, num_labels)`, one-hot or binary.
        logits: `(batch, num_labels)`.
        kind: `"categorical"` for softmax cross entropy, or `"binary"` for sigmoid
            cross entropy, summed over the labels as in the published code.

    Returns:
        `(batch,)`.
    """
    if kind == "categorical":
        return ops.categorical_crossentropy(labels, logits, from_logits=True)
    return ops.sum(ops.binary_crossentropy(labels, logits, from_logits=True), axis=-1)


def classification_loss(
    labels: keras.KerasTensor, logits: keras.KerasTensor, space: Any
) -> keras.KerasTensor:
    """-log D_cls(c | x) of the known labels, mean over the batch.

    An image's known labels are those of its data set (StarGAN, equations 2 and 3, and
    section 3.2).

    Args:
        labels: `(batch, size)`, with the mask of each image's data set.
        logits: `(batch, num_labels)`.
        space: the `LabelSpace` that says what the entries mean.
    """
    losses = 0.0
    for index, (label_set, entries) in enumerate(
        zip(space.sets, space.entries, strict=True)
    ):
        known = labels[:, space.num_labels + index] if len(space.sets) > 1 else 1.0
        losses += known * classification_losses(
            labels[:, entries], logits[:, entries], label_set.kind
        )
    return ops.mean(losses)

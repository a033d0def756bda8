"""Classification losses."""

import keras
from keras import ops


def classification_loss(
    labels: keras.KerasTensor, logits: keras.KerasTensor, kind: str
) -> keras.KerasTensor:
    """-log D_cls(c | x) (StarGAN, equations 2 and 3), mean over the batch.

    Args:
        labels: `(batch, num_labels)`, one-hot or binary.
        logits: `(batch, num_labels)`.
        kind: `"categorical"`: softmax cross entropy; `"binary"`: sigmoid cross
            entropy, summed over the attributes as in the published code.
    """
    if kind == "categorical":
        losses = ops.categorical_crossentropy(labels, logits, from_logits=True)
    else:
        losses = ops.sum(
            ops.binary_crossentropy(labels, logits, from_logits=True), axis=-1
        )
    return ops.mean(losses)

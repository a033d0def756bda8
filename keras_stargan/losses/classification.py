"""Classification losses."""

import keras
from keras import ops


def classification_losses(
    labels: keras.KerasTensor, logits: keras.KerasTensor, kind: str
) -> keras.KerasTensor:
    """-log D_cls(c | x) (StarGAN, equations 2 and 3) of each image.

    Args:
        labels: `(batch, num_labels)`, one-hot or binary.
        logits: `(batch, num_labels)`.
        kind: `"categorical"`: softmax cross entropy; `"binary"`: sigmoid cross
            entropy, summed over the attributes as in the published code.

    Returns:
        `(batch,)`.
    """
    if kind == "categorical":
        return ops.categorical_crossentropy(labels, logits, from_logits=True)
    return ops.sum(ops.binary_crossentropy(labels, logits, from_logits=True), axis=-1)

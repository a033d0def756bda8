"""A network of layers one after the other, one of which gets labels as well."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_stargan.networks.batch_normalization import BatchNormalization
from keras_stargan.networks.weights import make_weights


class Chain(keras.Model):
    """Layers one after the other; before one of them, labels join the channels.

    Args:
        chain: the layers.
        shape: of an input, without the batch.
        num_labels: entries of a label vector. 0: the network takes no labels.
        joined: number of the layer that gets the labels, replicated over height and
            width, behind its other channels.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: `(batch, *shape)`; with labels, a list of it and `(batch, num_labels)`.
        training: whether batch normalizations take the batch's own statistics.

    Returns:
        What the last layer gives.
    """

    def __init__(
        self,
        chain: Sequence[keras.layers.Layer],
        shape: tuple[int, ...],
        num_labels: int = 0,
        joined: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.chain = list(chain)
        self.num_labels = num_labels
        self.joined = joined
        labels = [keras.Input((num_labels,))] if num_labels else []
        make_weights(self, keras.Input(shape), *labels)

    def call(self, inputs, training=False):
        x, labels = inputs if self.num_labels else (inputs, None)
        for i, layer in enumerate(self.chain):
            if labels is not None and i == self.joined:
                planes = ops.ones_like(x[..., :1]) * labels[:, None, None]
                x = ops.concatenate([x, planes], axis=-1)
            normalizes = isinstance(layer, BatchNormalization)
            x = layer(x, training=training) if normalizes else layer(x)
        return x

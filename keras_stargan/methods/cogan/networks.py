"""CoGAN's networks: two of each kind, which share all layers but one."""

from functools import partial
from typing import Any

import keras
from keras import ops
from keras.initializers import Constant, VarianceScaling

from keras_stargan.networks import BatchNormalization as Norm
from keras_stargan.networks import CroppedConv2DTranspose, PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.weights import make_weights

# One slope for a whole layer.
_prelu = partial(keras.layers.PReLU, Constant(0.25), shared_axes=(1, 2, 3))


def _conv(kind: type, *arguments: Any, dtype: Any) -> keras.layers.Layer:
    """A convolution; one initializer for several of them would start them alike."""
    kernel = VarianceScaling(2.0, "fan_avg", "uniform")  # Xavier's, gain sqrt 2.
    start = {"kernel_initializer": kernel, "bias_initializer": Constant(0.1)}
    return kind(*arguments, **start, dtype=dtype)


class PairGenerator(keras.Model):
    """Makes an image of A and one of B, both from 0 to 1, of each latent `(n, dim)`.

    Only the last layers differ (CoGAN, section 3). For 28 px, the kernels are the
    published ones: 4x4, three 3x3 with stride 2 (to 7, 13 and 25 pixels), 6x6. For
    other sizes, which is our rule, 4x4 ones double 4 pixels up to the size; then 3x3.
    """

    def __init__(self, size: int, dim: int, filters: int, channels: int, **kwargs):
        super().__init__(**kwargs)
        dtype = {"dtype": self.dtype_policy}
        conv = partial(_conv, CroppedConv2DTranspose, **dtype)
        kernels, last = [4] * (size // 4).bit_length(), 3
        if size == 28:
            kernels, last = [4, 3, 3, 3], 6
        self.shared = []
        for i, kernel in enumerate(kernels):
            stride, crop = (2, (1, 1)) if i else (1, (0, 0))
            self.shared += [
                conv(max(1, filters >> i), kernel, stride, crop),
                Norm(center=False, scale=False, **dtype),
                _prelu(**dtype),
            ]
        self.last = [conv(channels, last, 1, (1, 1)) for _ in "ab"]
        make_weights(self, keras.Input((dim,)))

    def call(self, inputs, training=False):
        x, dtype = inputs[:, None, None, :], output_dtype(self.dtype_policy)
        for layer in self.shared:
            x = layer(x, training=training) if isinstance(layer, Norm) else layer(x)
        return [ops.sigmoid(ops.cast(last(x), dtype)) for last in self.last]


class PairDiscriminator(keras.Model):
    """Judges images of A and images of B, both from 0 to 1 (CoGAN, section 3).

    Only the first layers differ. Convolutions 5x5 are pooled until fewer than 12 pixels
    are left (our rule for sizes other than 28). It returns the logits of "made" and
    "real" `(2 * n, 2)`, A's first; A's and B's features; and a list of classes' logits.
    """

    def __init__(self, size: int, filters: int, channels: int, classes: int, **kwargs):
        super().__init__(**kwargs)
        conv = partial(_conv, PaddedConv2D, dtype=self.dtype_policy)
        self.first = [conv(filters, 5) for _ in "ab"]
        self.pooled, side = [], (size - 4) // 2
        while side >= 12:
            self.pooled.append(conv(filters * 5 // 2, 5))
            side = (side - 4) // 2
        self.last = conv(filters * 25, side)
        self.prelu = _prelu(dtype=self.dtype_policy)
        self.heads = [conv(n, 1) for n in (2, classes) if n]
        make_weights(self, *[keras.Input((size, size, channels))] * 2)

    def call(self, inputs):
        features, dtype = [], output_dtype(self.dtype_policy)
        for x, first in zip(inputs, self.first, strict=True):
            for convolution in (first, *self.pooled):
                x = ops.max_pool(convolution(x), 2, 2, "valid", "channels_last")
            features.append(self.prelu(self.last(x)))
        heads = [head(ops.concatenate(features)) for head in self.heads]
        judged, *classes = (ops.cast(x, dtype)[:, 0, 0] for x in heads)
        return judged, features, classes

"""The networks of DiscoGAN: convolutions 4x4 without biases, batch normalization."""

import keras
from keras import ops

from keras_stargan.networks import BatchNormalization, LeakyReLU, PaddedConv2D
from keras_stargan.networks.convolutions import CroppedConv2DTranspose
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.weights import make_weights


class DiscoGenerator(keras.Model):
    """Halves an image down to 4x4 pixels and doubles it again, without skips.

    Args:
        image_size: side of the images in pixels, a power of 2, 16 or more.
        num_filters: channels of the first layer, doubled by each next one up to 8
            times as many.
        extra_layers: whether two more layers make 100 numbers of the map of 4x4, and
            a map again.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [0, 1].
        training: whether to normalize by the statistics of the global batch, or else by
            their running averages.

    Returns:
        Images of the same shape and range.
    """

    def __init__(
        self, image_size: int, num_filters: int, extra_layers: bool = False, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.extra_layers = extra_layers
        halvings = image_size.bit_length() - 3
        self.widths = [num_filters * min(2**i, 8) for i in range(halvings)]
        self.chain = []
        for i, width in enumerate(self.widths, 1):
            self.add(f"down{i}", width, normalized=i > 1)
        self.complete()
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def complete(self):
        """Appends what follows the map of 4x4."""
        up = {"layer": CroppedConv2DTranspose, "crop": (1, 1), "slope": 0.0}
        if self.extra_layers:
            self.add("code", 100, strides=1, pad=0)
            self.add("map", self.widths[-1], **up | {"strides": 1, "crop": (0, 0)})
        for i, width in enumerate(self.widths[-2::-1], 1):
            self.add(f"up{i}", width, **up)
        self.add("out", 3, **up | {"slope": None}, normalized=False)

    def add(self, name, filters, normalized=True, slope=0.2, layer=None, **kwargs):
        """Appends a convolution, its normalization and its LeakyReLU, or no such."""
        dtype = {"dtype": self.dtype_policy}
        # PyTorch's initial weights are uniform in +-1/sqrt(fan in).
        initial = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        kwargs = {"strides": 2, "kernel_initializer": initial} | kwargs | dtype
        if layer is None:
            layer, kwargs = PaddedConv2D, {"pad": 1} | kwargs
        self.chain.append(layer(filters, 4, use_bias=False, name=name, **kwargs))
        if normalized:
            self.chain.append(BatchNormalization(name=f"{name}_norm", **dtype))
        if slope is not None:
            self.chain.append(LeakyReLU(slope, name=f"{name}_relu", **dtype))

    def run(self, x, training):
        """The last layer's output, and those of all activations."""
        seen, dtype = [], output_dtype(self.dtype_policy)
        for layer in self.chain:
            is_norm = isinstance(layer, BatchNormalization)
            x = layer(x, training=training) if is_norm else layer(x)
            if isinstance(layer, LeakyReLU):
                seen.append(ops.cast(x, dtype))
        return ops.cast(x, dtype), seen

    def call(self, inputs, training=False):
        return ops.sigmoid(self.run(inputs, training)[0])


class DiscoDiscriminator(DiscoGenerator):
    """Halves an image likewise, and scores it as real or not.

    It returns scores `(batch, 1, 1, 1)`, whose sigmoid is the probability that an image
    is real, and a list of what its normalized layers see: at 64 px, tensors of
    `(batch, 16, 16, 2 * num_filters)` to `(batch, 4, 4, 8 * num_filters)`.
    """

    def complete(self):
        self.add("score", 1, normalized=False, slope=None, strides=1, pad=0)

    def call(self, inputs, training=False):
        scores, (_, *features) = self.run(inputs, training)
        return scores, features

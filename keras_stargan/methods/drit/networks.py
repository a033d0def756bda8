"""The networks of DRIT (section 3), with the layers of the published code.

Convolutions reflect the image at its edges. All networks but the content discriminator
have layers of their own for each domain: their calls take `domain`, "a" or "b".
"""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks import (
    CroppedConv2DTranspose,
    InstanceNormalization,
    LeakyReLU,
    PaddedConv2D,
    ResNetBlock,
    fan_in_uniform,
    leaky_relu,
)
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.weights import make_weights


class LayerNormalization(keras.layers.GroupNormalization):
    """Normalizes each image over height, width and channels; scales each channel."""

    def __init__(self, **kwargs) -> None:
        super().__init__(groups=1, epsilon=1e-5, **kwargs)

    def build(self, input_shape):
        # The shape that the published files have.
        shape = (1, 1, input_shape[-1])
        self.gamma = self.add_weight(shape, "ones", name="gamma")
        self.beta = self.add_weight(shape, "zeros", name="beta")


class Layers:
    """Makes layers of one type, with the published initial weights."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = {"dtype": dtype}

    def conv(self, filters, kernel_size, channels, strides=1, pad=0):
        bias = {"bias_initializer": fan_in_uniform(kernel_size**2 * channels)}
        sizes = (filters, kernel_size, strides, pad)
        return PaddedConv2D(*sizes, pad_mode="reflect", **bias, **self.dtype)

    def dense(self, units, inputs):
        initial = {
            f"{name}_initializer": fan_in_uniform(inputs) for name in ("kernel", "bias")
        }
        return keras.layers.Dense(units, **initial, **self.dtype)

    def relu(self):
        return keras.layers.ReLU(**self.dtype)

    def leaky_relu(self, negative_slope=0.01):
        return LeakyReLU(negative_slope, **self.dtype)

    def norm(self):
        return InstanceNormalization(center=False, scale=False, **self.dtype)

    def residual(self, filters):
        return ResNetBlock(filters, **self.dtype)

    def up(self, filters):
        bias = {"bias_initializer": fan_in_uniform(9 * filters)}
        up = CroppedConv2DTranspose(filters, 3, **bias, **self.dtype)
        return [up, LayerNormalization(**self.dtype), self.relu()]

    def pixels(self):
        # A convolution 1x1, which is a transposed one in the published files.
        bias = {"bias_initializer": fan_in_uniform(3)}
        return CroppedConv2DTranspose(3, 1, 1, (0, 0), **bias, **self.dtype)


def beside(features: keras.KerasTensor, codes: keras.KerasTensor) -> keras.KerasTensor:
    """Codes `(n, k)` as k more channels of features `(n, height, width, channels)`."""
    shape = (*ops.shape(features)[:3], codes.shape[-1])
    return ops.concatenate(
        [features, ops.broadcast_to(codes[:, None, None], shape)], axis=-1
    )


def run(layers, x):
    """Passes x through layers, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


class PooledBlock(keras.layers.Layer):
    """A residual block that halves the size, for attributes."""

    def __init__(self, filters: int, channels: int, **kwargs) -> None:
        super().__init__(**kwargs)
        make = Layers(self.dtype_policy)
        self.conv1 = make.conv(channels, 3, channels, pad=1)
        self.conv2 = make.conv(filters, 3, channels, pad=1)
        self.shortcut = make.conv(filters, 1, channels)

    def call(self, inputs):
        def pooled(x):
            return ops.average_pool(x, 2, 2, "valid", "channels_last")

        x = self.conv1(leaky_relu(inputs, 0.2))
        x = pooled(self.conv2(leaky_relu(x, 0.2)))
        return x + self.shortcut(pooled(inputs))


class CodedBlock(keras.layers.Layer):
    """A residual block that sees a code at each pixel, twice."""

    def __init__(self, filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        n, make = filters, Layers(self.dtype_policy)
        self.convs = [make.conv(n, 3, n, pad=1) for _ in range(2)]
        self.norm = make.norm()
        self.mixers = [[make.conv(k * n, 1, 2 * n) for k in (2, 1)] for _ in range(2)]

    def call(self, inputs, codes):
        x = inputs
        for conv, mixers in zip(self.convs, self.mixers, strict=True):
            x = beside(self.norm(conv(x)), codes)
            for mixer in mixers:
                x = ops.relu(mixer(x))
        return inputs + x


class ContentEncoder(keras.Model):
    """E^c: images to their content `(n, size / 4, size / 4, 4 * num_filters)`."""

    def __init__(self, image_size: int, num_filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        n, make = num_filters, Layers(self.dtype_policy)

        def own():
            chain = [make.conv(n, 7, 3, pad=3), make.leaky_relu()]
            for k in (n, 2 * n):
                chain += [make.conv(2 * k, 3, k, 2, 1), make.norm(), make.relu()]
            return [*chain, *(make.residual(4 * n) for _ in range(3))]

        self.own = {"a": own(), "b": own()}
        self.shared = make.residual(4 * n)
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs, domain=None):
        if domain is None:
            return [self.call(inputs, x) for x in "ab"]
        content = self.shared(run(self.own[domain], inputs))
        return ops.cast(content, output_dtype(self.dtype_policy))


class AttributeEncoder(keras.Model):
    """E^a: images to attributes `(n, latent_dim)`, one of them or two in a list.

    In the concatenation form they are the mean and the logarithm of the variance.
    """

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, form: str, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, make = num_filters, Layers(self.dtype_policy)
        policy = {"dtype": self.dtype_policy}

        def concatenation():
            blocks = [PooledBlock((k + 1) * n, k * n, **policy) for k in (1, 2, 3)]
            chain = [make.conv(n, 4, 3, 2, 1), *blocks, make.leaky_relu(0.2)]
            return chain, [make.dense(latent_dim, 4 * n) for _ in range(2)]

        def transform():
            chain = [make.conv(n, 7, 3, pad=3), make.relu()]
            for before, after in ((n, 2 * n), (2 * n, 4 * n), *2 * ((4 * n, 4 * n),)):
                chain += [make.conv(after, 4, before, 2, 1), make.relu()]
            return chain, [make.conv(latent_dim, 1, 4 * n)]

        own = transform if form == "transform" else concatenation
        self.own = {"a": own(), "b": own()}
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs, domain=None):
        if domain is None:
            return [self.call(inputs, x) for x in "ab"]
        chain, heads = self.own[domain]
        features = ops.mean(run(chain, inputs), axis=(1, 2), keepdims=True)
        outputs = (ops.squeeze(head(features), axis=(1, 2)) for head in heads)
        return [ops.cast(x, output_dtype(self.dtype_policy)) for x in outputs]


class ConcatenationGenerator(keras.Model):
    """G: `[content, attributes]` to images; attributes are further channels."""

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, k, make = num_filters, latent_dim, Layers(self.dtype_policy)
        self.shared = make.residual(4 * n)

        def own():
            half = (4 * n + 2 * k) // 2
            quarter = (half + k) // 2
            residuals = [make.residual(4 * n + k) for _ in range(3)]
            return [residuals, make.up(half), make.up(quarter), [make.pixels()]]

        self.own = {"a": own(), "b": own()}
        _make_generator(self, image_size, n, k)

    def call(self, inputs, domain=None):
        if domain is None:
            return [self.call(inputs, x) for x in "ab"]
        content, attributes = inputs
        x = self.shared(content)
        for layers in self.own[domain]:
            x = run(layers, beside(x, attributes))
        return ops.tanh(ops.cast(x, output_dtype(self.dtype_policy)))


class TransformGenerator(keras.Model):
    """G: `[content, attributes]` to images; attributes change each residual block."""

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, make = num_filters, Layers(self.dtype_policy)

        def own():
            sizes = ((4 * n, latent_dim), (4 * n, 4 * n), (16 * n, 4 * n))
            first, second, third = (make.dense(*size) for size in sizes)
            blocks = [CodedBlock(4 * n, dtype=self.dtype_policy) for _ in range(4)]
            last = [*make.up(2 * n), *make.up(n), make.pixels()]
            return [first, make.relu(), second, make.relu(), third], blocks, last

        self.own = {"a": own(), "b": own()}
        _make_generator(self, image_size, n, latent_dim)

    def call(self, inputs, domain=None):
        if domain is None:
            return [self.call(inputs, x) for x in "ab"]
        x, attributes = inputs
        to_codes, blocks, last = self.own[domain]
        codes = ops.split(run(to_codes, attributes), 4, axis=-1)
        for block, code in zip(blocks, codes, strict=True):
            x = block(x, code)
        return ops.tanh(ops.cast(run(last, x), output_dtype(self.dtype_policy)))


def _make_generator(network, image_size, num_filters, latent_dim):
    content = keras.Input((image_size // 4, image_size // 4, 4 * num_filters))
    make_weights(network, content, keras.Input((latent_dim,)))


class ContentDiscriminator(keras.Model):
    """D^c: content to logits `(n, s, s, 1)`: whether it is of an image of B."""

    def __init__(
        self, image_size: int, num_filters: int, num_layers: int, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, make = 4 * num_filters, Layers(self.dtype_policy)
        self.chain = []
        for sizes in (*num_layers * [(n, 7, n, 2, 1)], (n, 4, n)):
            self.chain += [make.conv(*sizes), make.leaky_relu()]
        self.chain.append(make.conv(1, 1, n))
        make_weights(self, keras.Input((image_size // 4, image_size // 4, n)))

    def call(self, inputs):
        return ops.cast(run(self.chain, inputs), output_dtype(self.dtype_policy))

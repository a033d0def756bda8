"""Networks that split images of two domains into content and attributes (DRIT).

Convolutions reflect the image at its edges. All networks but the content discriminator
have layers of their own for each domain: their calls take `domain`, "a" or "b". Without
it they give the results of both, which makes all weights.
"""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.activations import LeakyReLU, leaky_relu
from keras_stargan.networks.convolutions import CroppedConv2DTranspose, PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_uniform
from keras_stargan.networks.instance_normalization import InstanceNormalization
from keras_stargan.networks.resnet_generator import ResNetBlock
from keras_stargan.networks.weights import make_weights


class LayerNormalization(keras.layers.GroupNormalization):
    """Normalizes each image over height, width and channels; scales each channel."""

    def __init__(self, **kwargs) -> None:
        super().__init__(groups=1, epsilon=1e-5, **kwargs)

    def build(self, input_shape):
        shape = (1, 1, input_shape[-1])  # As in the published files.
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
        kernel, bias = fan_in_uniform(inputs), fan_in_uniform(inputs)
        return keras.layers.Dense(units, None, True, kernel, bias, **self.dtype)

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


def run(layers, x):
    """Passes x through layers, one after the other."""
    for layer in layers:
        x = layer(x)
    return x


def beside(features: keras.KerasTensor, codes: keras.KerasTensor) -> keras.KerasTensor:
    """Codes `(n, k)` as k more channels of features `(n, height, width, channels)`."""
    shape = (*ops.shape(features)[:3], codes.shape[-1])
    codes = ops.broadcast_to(codes[:, None, None], shape)
    return ops.concatenate([features, codes], axis=-1)


class PooledBlock(keras.layers.Layer):
    """A residual block that halves the size, for attributes."""

    def __init__(self, filters: int, channels: int, **kwargs) -> None:
        super().__init__(**kwargs)
        make = Layers(self.dtype_policy)
        self.conv1 = make.conv(channels, 3, channels, pad=1)
        self.conv2 = make.conv(filters, 3, channels, pad=1)
        self.shortcut = make.conv(filters, 1, channels)

    def call(self, inputs):
        x = self.conv1(leaky_relu(inputs, 0.2))
        x = self.conv2(leaky_relu(x, 0.2))
        x, shortcut = (
            ops.average_pool(y, 2, 2, "valid", "channels_last") for y in (x, inputs)
        )
        return x + self.shortcut(shortcut)


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


class DomainNetwork(keras.Model):
    """A network with layers of its own for each domain, in `own`."""

    def call(self, inputs, domain=None):
        if domain is None:
            return [self.call(inputs, x) for x in "ab"]
        return self.of_domain(inputs, *self.own[domain])

    def as_float(self, x):
        return ops.cast(x, output_dtype(self.dtype_policy))


class ContentEncoder(DomainNetwork):
    """E^c: images to their content `(n, size / 4, size / 4, 4 * num_filters)`."""

    def __init__(self, image_size: int, num_filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        n, make = num_filters, Layers(self.dtype_policy)

        def own():
            convs = [make.conv(n, 7, 3, pad=3), make.leaky_relu()]
            for k in (n, 2 * n):
                convs += [make.conv(2 * k, 3, k, 2, 1), make.norm(), make.relu()]
            return convs, [make.residual(4 * n) for _ in range(3)]

        self.own = {"a": own(), "b": own()}
        self.shared = make.residual(4 * n)
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def of_domain(self, images, convs, residuals):
        return self.as_float(self.shared(run([*convs, *residuals], images)))


class AttributeEncoder(DomainNetwork):
    """E^a: images to a list of `(n, latent_dim)`.

    In the concatenation form it has the mean and the logarithm of the variance of the
    attributes, in the transform form the attributes themselves.
    """

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, form: str, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, k, make = num_filters, latent_dim, Layers(self.dtype_policy)
        policy = {"dtype": self.dtype_policy}

        def concatenation():
            blocks = [PooledBlock((i + 1) * n, i * n, **policy) for i in (1, 2, 3)]
            chain = [make.conv(n, 4, 3, 2, 1), *blocks, make.leaky_relu(0.2)]
            return chain, [make.dense(k, 4 * n) for _ in range(2)]

        def transform():
            chain = [make.conv(n, 7, 3, pad=3), make.relu()]
            for before, after in ((1, 2), (2, 4), (4, 4), (4, 4)):
                chain += [make.conv(after * n, 4, before * n, 2, 1), make.relu()]
            return chain, [make.conv(k, 1, 4 * n)]

        own = transform if form == "transform" else concatenation
        self.own = {"a": own(), "b": own()}
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def of_domain(self, images, chain, heads):
        features = ops.mean(run(chain, images), axis=(1, 2), keepdims=True)
        return [self.as_float(head(features)[:, 0, 0]) for head in heads]


class ConcatenationGenerator(DomainNetwork):
    """G: `[content, attributes]` to images; attributes are further channels."""

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, k, make = num_filters, latent_dim, Layers(self.dtype_policy)
        half = (4 * n + 2 * k) // 2

        def own():
            residuals = [make.residual(4 * n + k) for _ in range(3)]
            ups = make.up(half), make.up((half + k) // 2)
            return residuals, *ups, [make.pixels()]

        self.own = {"a": own(), "b": own()}
        self.shared = make.residual(4 * n)
        make_weights(self, *generator_inputs(image_size, n, k))

    def of_domain(self, inputs, *parts):
        content, attributes = inputs
        x = self.shared(content)
        for layers in parts:
            x = run(layers, beside(x, attributes))
        return ops.tanh(self.as_float(x))


class TransformGenerator(DomainNetwork):
    """G: `[content, attributes]` to images; attributes change each residual block."""

    def __init__(
        self, image_size: int, num_filters: int, latent_dim: int, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        n, make = num_filters, Layers(self.dtype_policy)
        sizes = ((4 * n, latent_dim), (4 * n, 4 * n), (16 * n, 4 * n))

        def own():
            first, second, third = (make.dense(*size) for size in sizes)
            blocks = [CodedBlock(4 * n, dtype=self.dtype_policy) for _ in range(4)]
            ups = [*make.up(2 * n), *make.up(n), make.pixels()]
            return [first, make.relu(), second, make.relu(), third], blocks, ups

        self.own = {"a": own(), "b": own()}
        make_weights(self, *generator_inputs(image_size, n, latent_dim))

    def of_domain(self, inputs, to_codes, blocks, ups):
        x, attributes = inputs
        codes = ops.split(run(to_codes, attributes), 4, axis=-1)
        for block, code in zip(blocks, codes, strict=True):
            x = block(x, code)
        return ops.tanh(self.as_float(run(ups, x)))


def generator_inputs(image_size, num_filters, latent_dim):
    """Symbolic content and attributes."""
    content = (image_size // 4, image_size // 4, 4 * num_filters)
    return keras.Input(content), keras.Input((latent_dim,))


GENERATORS = {"concatenation": ConcatenationGenerator, "transform": TransformGenerator}


def content_layers(image_size: int) -> int:
    """The published 3 layers 7x7 of the content discriminator, or as many as fit."""
    return max(n for n in range(4) if 28 * 2**n - 12 <= image_size)


class ContentDiscriminator(keras.Model):
    """D^c: content to logits `(n, s, s, 1)`: whether it is of an image of B."""

    def __init__(self, image_size: int, num_filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        n, make = 4 * num_filters, Layers(self.dtype_policy)
        convs = [(n, 7, n, 2, 1)] * content_layers(image_size)
        self.chain = []
        for sizes in (*convs, (n, 4, n)):
            self.chain += [make.conv(*sizes), make.leaky_relu()]
        self.chain.append(make.conv(1, 1, n))
        make_weights(self, keras.Input((image_size // 4, image_size // 4, n)))

    def call(self, inputs):
        return ops.cast(run(self.chain, inputs), output_dtype(self.dtype_policy))

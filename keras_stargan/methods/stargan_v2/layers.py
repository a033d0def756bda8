"""Layers of the StarGAN v2 networks (StarGAN v2, appendix)."""

import keras
from keras import ops

from keras_stargan.networks import (
    Conv2D,
    DoubledConv2D,
    InstanceNormalization,
    PooledConv2D,
    doubled,
    leaky_relu,
)
from keras_stargan.networks.converters import is_for_converters
from keras_stargan.networks.instance_normalization import instance_normalize

PACKAGE = "keras_stargan.stargan_v2"  # Some names are also names of StarGAN's.
LEAK = 0.2


def he_normal(fan_in: int) -> keras.initializers.Initializer:
    """Normal with the standard deviation sqrt(2 / fan_in).

    Args:
        fan_in: how many values enter one output of the layer.
    """
    # Keras' own is truncated, and takes the domains of stacked kernels for inputs.
    return keras.initializers.RandomNormal(stddev=(2 / fan_in) ** 0.5)


def conv(
    filters: int,
    kernel_size: int,
    in_channels: int,
    layer: type[Conv2D] = Conv2D,
    **kwargs,
) -> Conv2D:
    """A convolution of stride 1 that keeps the size, with He-normal weights.

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel.
        in_channels: channels of the input.
        layer: the class of the layer.
        **kwargs: as for `keras.layers.Conv2D`.
    """
    return layer(
        filters,
        kernel_size,
        **{
            "padding": "same",
            "data_format": "channels_last",
            "kernel_initializer": he_normal(kernel_size**2 * in_channels),
            **kwargs,
        },
    )


def dense(units: int, in_features: int, **kwargs) -> keras.layers.Dense:
    """A dense layer with He-normal weights.

    Args:
        units: features of the output.
        in_features: features of the input.
        **kwargs: as for `keras.layers.Dense`.
    """
    return keras.layers.Dense(
        units, kernel_initializer=he_normal(in_features), **kwargs
    )


def pick_domain(
    values: keras.KerasTensor, domains: keras.KerasTensor
) -> keras.KerasTensor:
    """What the head of each example's own domain gave.

    Args:
        values: `(batch, num_domains, features)`, of every domain's head.
        domains: `(batch,)`, whole numbers from 0 to `num_domains - 1`.

    Returns:
        `(batch, features)`.
    """
    # By a product: the gradient of a gather adds up in no certain order on GPUs.
    own = ops.one_hot(domains, values.shape[1], dtype=values.dtype)
    return ops.sum(own[:, :, None] * values, axis=1)


@keras.saving.register_keras_serializable(PACKAGE)
class DomainDense(keras.layers.Layer):
    """A dense layer for each domain, all computed at once.

    Args:
        units: features of the output.
        num_domains: how many layers.
        relu: whether a ReLU follows.

    Call arguments:
        inputs: `(batch, in_features)`, the same for each domain's layer, or
            `(batch, num_domains, in_features)`, to each its own.

    Returns:
        `(batch, num_domains, units)`.
    """

    def __init__(
        self, units: int, num_domains: int, relu: bool = False, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.num_domains = num_domains
        self.relu = relu

    def build(self, input_shape):
        self.kernel = self.add_weight(
            (self.num_domains, input_shape[-1], self.units),
            initializer=he_normal(input_shape[-1]),
            name="kernel",
        )
        self.bias = self.add_weight(
            (self.num_domains, self.units), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        equation = "bi,kio->bko" if inputs.ndim == 2 else "bki,kio->bko"
        x = ops.einsum(equation, inputs, self.kernel) + self.bias
        return ops.relu(x) if self.relu else x

    def get_config(self):
        return super().get_config() | {
            "units": self.units,
            "num_domains": self.num_domains,
            "relu": self.relu,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class ResidualBlock(keras.layers.Layer):
    """[IN] - act - conv 3x3 - [pool] - [IN] - act - conv 3x3, and a shortcut.

    The sum is divided by sqrt(2), which keeps its variance.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        normalise: whether there is instance normalisation.
        downsample: whether the size is halved, by average pooling.

    Call arguments:
        inputs: `(batch, height, width, in_channels)`.

    Returns:
        `(batch, height, width, out_channels)`, height and width halved if
        `downsample`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        normalise: bool = False,
        downsample: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.normalise = normalise
        self.downsample = downsample
        dtype = {"dtype": self.dtype_policy}
        layer = PooledConv2D if downsample else Conv2D
        self.conv1 = conv(
            in_channels, 3, in_channels, layer=layer, name="conv1", **dtype
        )
        self.conv2 = conv(out_channels, 3, in_channels, name="conv2", **dtype)
        if normalise:
            self.norm1 = InstanceNormalization(name="norm1", **dtype)
            self.norm2 = InstanceNormalization(name="norm2", **dtype)
        if in_channels != out_channels:
            self.conv1x1 = conv(
                out_channels, 1, in_channels, use_bias=False, name="conv1x1", **dtype
            )

    def build(self, input_shape):
        for layer in (self.conv1, self.conv2):
            layer.build(input_shape)
        if self.normalise:
            self.norm1.build(input_shape)
            self.norm2.build(input_shape)
        if self.in_channels != self.out_channels:
            self.conv1x1.build(input_shape)

    def call(self, inputs):
        x = self.norm1(inputs) if self.normalise else inputs
        x = self.conv1(leaky_relu(x, LEAK))
        shortcut = inputs
        if self.downsample:
            shortcut = ops.average_pool(shortcut, 2, data_format="channels_last")
        x = self.norm2(x) if self.normalise else x
        x = self.conv2(leaky_relu(x, LEAK))
        if self.in_channels != self.out_channels:
            # After the pooling: the same as before it, with a quarter of the work.
            shortcut = self.conv1x1(shortcut)
        return (x + shortcut) / 2**0.5

    def get_config(self):
        return super().get_config() | {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "normalise": self.normalise,
            "downsample": self.downsample,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """AdaIN: instance normalisation whose scale and shift come from a style code.

    (1 + gamma) IN(x) + beta, with gamma and beta from a dense layer of the style.

    Args:
        channels: of the images.
        style_dim: entries of a style code.

    Call arguments:
        inputs: `[x, styles]`, `(batch, height, width, channels)` and
            `(batch, style_dim)`.

    Returns:
        A tensor of the shape of x.
    """

    def __init__(self, channels: int, style_dim: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.style_dim = style_dim
        dtype = {"dtype": self.dtype_policy}
        self.norm = InstanceNormalization(
            center=False, scale=False, name="norm", **dtype
        )
        self.dense = dense(2 * channels, style_dim, name="dense", **dtype)

    def build(self, input_shape):
        images, styles = input_shape
        self.norm.build(images)
        self.dense.build(styles)

    def call(self, inputs):
        images, styles = inputs
        x = ops.cast(images, keras.backend.result_type(images.dtype, "float32"))
        parameters = ops.cast(self.dense(styles), x.dtype)[:, None, None, :]
        gamma, beta = ops.split(parameters, 2, axis=-1)
        if is_for_converters():
            normalized = instance_normalize(x, None, None, self.norm.epsilon)
            outputs = (1.0 + gamma) * normalized + beta
        else:
            outputs = instance_normalize(x, 1.0 + gamma, beta, self.norm.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return super().get_config() | {
            "channels": self.channels,
            "style_dim": self.style_dim,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class StyleBlock(keras.layers.Layer):
    """AdaIN - act - [up] - conv 3x3 - AdaIN - act - conv 3x3, and a shortcut.

    The sum is divided by sqrt(2). Without the shortcut (where masked features come
    by a high-pass filter instead), nothing is added and nothing divided.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        style_dim: entries of a style code.
        upsample: whether the size is doubled, by repeating pixels.
        shortcut: whether there is one. Without, its convolution remains as an
            unused weight, as published weights have it.

    Call arguments:
        inputs: `[x, styles]`, `(batch, height, width, in_channels)` and
            `(batch, style_dim)`.

    Returns:
        `(batch, height, width, out_channels)`, height and width doubled if
        `upsample`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        style_dim: int,
        upsample: bool = False,
        shortcut: bool = True,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.style_dim = style_dim
        self.upsample = upsample
        self.shortcut = shortcut
        dtype = {"dtype": self.dtype_policy}
        self.norm1 = AdaptiveInstanceNormalization(
            in_channels, style_dim, name="norm1", **dtype
        )
        layer = DoubledConv2D if upsample else Conv2D
        self.conv1 = conv(
            out_channels, 3, in_channels, layer=layer, name="conv1", **dtype
        )
        self.norm2 = AdaptiveInstanceNormalization(
            out_channels, style_dim, name="norm2", **dtype
        )
        self.conv2 = conv(out_channels, 3, out_channels, name="conv2", **dtype)
        if in_channels != out_channels:
            self.conv1x1 = conv(
                out_channels,
                1,
                in_channels,
                use_bias=False,
                trainable=shortcut,
                name="conv1x1",
                **dtype,
            )

    def build(self, input_shape):
        images, styles = input_shape
        hidden = (*images[:-1], self.out_channels)
        self.norm1.build((images, styles))
        self.conv1.build(images)
        self.norm2.build((hidden, styles))
        self.conv2.build(hidden)
        if self.in_channels != self.out_channels:
            self.conv1x1.build(images)

    def call(self, inputs):
        images, styles = inputs
        x = leaky_relu(self.norm1([images, styles]), LEAK)
        x = self.conv1(x)
        x = leaky_relu(self.norm2([x, styles]), LEAK)
        x = self.conv2(x)
        if not self.shortcut:
            return x
        shortcut = images
        if self.in_channels != self.out_channels:
            # Before the pixels are repeated: the same with a quarter of the work.
            shortcut = self.conv1x1(shortcut)
        if self.upsample:
            shortcut = doubled(shortcut)
        return (x + shortcut) / 2**0.5

    def get_config(self):
        return super().get_config() | {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "style_dim": self.style_dim,
            "upsample": self.upsample,
            "shortcut": self.shortcut,
        }


def high_pass(x: keras.KerasTensor, w_hpf: float) -> keras.KerasTensor:
    """Each pixel against its eight neighbours, zeros around the image.

    Args:
        x: `(batch, height, width, channels)`.
        w_hpf: what the filter is divided by.

    Returns:
        A tensor of the same shape.
    """
    kernel = [[-1.0, -1.0, -1.0], [-1.0, 8.0, -1.0], [-1.0, -1.0, -1.0]]
    kernel = ops.convert_to_tensor(kernel, x.dtype) / w_hpf
    kernel = ops.tile(kernel[:, :, None, None], (1, 1, x.shape[-1], 1))
    return ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last")

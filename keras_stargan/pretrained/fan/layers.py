"""Layers of FAN, the face alignment network."""

import keras
import numpy as np
from keras import ops

PACKAGE = "keras_stargan.fan"


def conv(filters: int, kernel_size: int, **kwargs) -> keras.layers.Conv2D:
    """A convolution that keeps the size and has no bias, unless told otherwise.

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel.
        **kwargs: as for `keras.layers.Conv2D`.
    """
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        **{
            "padding": "same",
            "use_bias": False,
            "data_format": "channels_last",
            **kwargs,
        },
    )


# Keras makes a weight's path in a saved file from the names of its layers' classes, so
# saved models could no longer be loaded if this class were renamed.
@keras.saving.register_keras_serializable(PACKAGE)
class NormalisedReLU(keras.layers.BatchNormalization):
    """Batch normalization with the moving averages, and a ReLU.

    FAN is not trained here, so its averages never change.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        A tensor of the same shape.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**{"epsilon": 1e-5, "axis": -1, **kwargs})

    def call(self, inputs):
        return ops.relu(super().call(inputs, training=False))


@keras.saving.register_keras_serializable(PACKAGE)
class AddCoordinates(keras.layers.Layer):
    """Appends each pixel's row, column and distance from the center as channels.

    Rows and columns run from -1 to 1, distances from 0 to 1.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height, width, channels + 3)`.
    """

    def call(self, inputs):
        rows, columns = np.meshgrid(
            *(np.linspace(-1, 1, size) for size in inputs.shape[1:3]), indexing="ij"
        )
        distances = np.hypot(rows, columns) / 2**0.5
        planes = np.stack([rows, columns, distances], axis=-1)
        planes = ops.convert_to_tensor(planes, inputs.dtype)
        ones = ops.ones_like(inputs[..., :1])
        return ops.concatenate([inputs, ones * planes], axis=-1)


@keras.saving.register_keras_serializable(PACKAGE)
class HierarchicalBlock(keras.layers.Layer):
    """Three 3x3 convolutions in a row, each after BN - ReLU, and a shortcut.

    The outputs of all three, with a half, a quarter and a quarter of the channels, are
    concatenated and added to the input.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.

    Call arguments:
        inputs: `(batch, height, width, in_channels)`.

    Returns:
        `(batch, height, width, out_channels)`.
    """

    def __init__(self, in_channels: int, out_channels: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.out_channels = out_channels
        dtype = {"dtype": self.dtype_policy}
        half, quarter = out_channels // 2, out_channels // 4
        self.norm1 = NormalisedReLU(name="norm1", **dtype)
        self.conv1 = conv(half, 3, name="conv1", **dtype)
        self.norm2 = NormalisedReLU(name="norm2", **dtype)
        self.conv2 = conv(quarter, 3, name="conv2", **dtype)
        self.norm3 = NormalisedReLU(name="norm3", **dtype)
        self.conv3 = conv(quarter, 3, name="conv3", **dtype)
        if in_channels != out_channels:
            self.shortcut_norm = NormalisedReLU(name="shortcut_norm", **dtype)
            self.shortcut_conv = conv(out_channels, 1, name="shortcut_conv", **dtype)

    def build(self, input_shape):
        half, quarter = (
            (*input_shape[:-1], self.out_channels // part) for part in (2, 4)
        )
        for layer, shape in (
            (self.norm1, input_shape),
            (self.conv1, input_shape),
            (self.norm2, half),
            (self.conv2, half),
            (self.norm3, quarter),
            (self.conv3, quarter),
        ):
            layer.build(shape)
        if self.in_channels != self.out_channels:
            self.shortcut_norm.build(input_shape)
            self.shortcut_conv.build(input_shape)

    def call(self, inputs):
        first = self.conv1(self.norm1(inputs))
        second = self.conv2(self.norm2(first))
        third = self.conv3(self.norm3(second))
        shortcut = inputs
        if self.in_channels != self.out_channels:
            shortcut = self.shortcut_conv(self.shortcut_norm(shortcut))
        return ops.concatenate([first, second, third], axis=-1) + shortcut

    def get_config(self):
        return super().get_config() | {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class Hourglass(keras.layers.Layer):
    """Halves the size several times and doubles it again, with a branch at each size.

    Args:
        channels: of the input and the output.
        depth: number of times that the size is halved.

    Call arguments:
        inputs: `(batch, height, width, channels)`, height and width multiples of
            `2**depth`.

    Returns:
        A tensor of the same shape.
    """

    def __init__(self, channels: int, depth: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.channels = channels
        self.depth = depth

        def block(name):
            return HierarchicalBlock(
                channels, channels, name=name, dtype=self.dtype_policy
            )

        self.branch = block("branch")
        self.before = block("before")
        # A block at the lowest size, an hourglass at the others.
        self.inner = (
            Hourglass(channels, depth - 1, name="inner", dtype=self.dtype_policy)
            if depth > 1
            else block("inner")
        )
        self.after = block("after")

    def build(self, input_shape):
        for block in (self.branch, self.before, self.inner, self.after):
            block.build(input_shape)

    def call(self, inputs):
        x = ops.average_pool(inputs, 2, data_format="channels_last")
        x = self.after(self.inner(self.before(x)))
        x = ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
        return self.branch(inputs) + x

    def get_config(self):
        return super().get_config() | {"channels": self.channels, "depth": self.depth}

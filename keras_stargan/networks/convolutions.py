"""Convolutions of images: as fast as can be, and padded and cropped as in PyTorch.

With strides of 2 or even kernels, Keras' `padding="same"` puts more zeros at the bottom
and the right than at the top and the left, so the result is shifted by a pixel compared
to the published networks. The padded and cropped layers treat all sides equally.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_stargan.networks.converters import is_for_converters
from keras_stargan.networks.initializers import normal_002

_PAD_MODES = ("constant", "reflect")
# A product is taken where an image has this many filters or more for each pixel of the
# output. Measured with batches of 8: from there on, it is the faster way.
_FILTERS_PER_PIXEL = 64


@keras.saving.register_keras_serializable("keras_stargan")
class Conv2D(keras.layers.Conv2D):
    """A convolution that is a matrix product where images are small and kernels large.

    Before each convolution, TensorFlow's kernels for CPUs copy its weights to another
    order. At the end of a discriminator, where an image has few pixels and the weights
    are tens of millions, that takes several times as long as the convolution. A product
    takes the weights as they lie, and leaves out those that meet only padding.

    Args:
        *args: as for `keras.layers.Conv2D`, with `data_format="channels_last"`.
        **kwargs: likewise.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, new_height, new_width, filters)`.
    """

    def convolution_op(self, inputs, kernel):
        height, width = (
            _Taps.of(side, size, stride, self.padding)
            for side, size, stride in zip(
                inputs.shape[1:3], self.kernel_size, self.strides, strict=True
            )
        )
        is_plain = self.groups == 1 and set(self.dilation_rate) == {1}
        if (
            not (is_plain and height and width)
            or self.filters < _FILTERS_PER_PIXEL * height.outputs * width.outputs
            or is_for_converters()
        ):
            return super().convolution_op(inputs, kernel)
        padded = ops.pad(inputs, [(0, 0), height.pad, width.pad, (0, 0)])
        patches = ops.concatenate(
            [
                padded[:, rows, columns]
                for rows in height.parts
                for columns in width.parts
            ],
            axis=-1,
        )
        weights = kernel[height.used, width.used]
        product = ops.matmul(
            ops.reshape(patches, (-1, patches.shape[-1])),
            ops.reshape(weights, (patches.shape[-1], self.filters)),
        )
        shape = (-1, height.outputs, width.outputs, self.filters)
        return ops.reshape(product, shape)


def doubled(images: keras.KerasTensor) -> keras.KerasTensor:
    """Images of twice the height and width, by repeating pixels.

    Args:
        images: `(batch, height, width, channels)`.
    """
    return ops.repeat(ops.repeat(images, 2, axis=1), 2, axis=2)


@keras.saving.register_keras_serializable("keras_stargan")
class DoubledConv2D(Conv2D):
    """A convolution 3x3 of `doubled` images, without making these.

    Where pixels are repeated, a kernel of 3x3 meets 2x2 different ones. Their weights,
    added up beforehand, are those of a transposed convolution, which has 4/9 of the
    work.

    Args:
        filters: channels of the output.
        kernel_size: 3.
        **kwargs: as for `keras.layers.Conv2D`, with `padding="same"`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, 2 * height, 2 * width, filters)`.
    """

    def convolution_op(self, inputs, kernel):
        if is_for_converters():
            return super().convolution_op(doubled(inputs), kernel)
        for axis in (0, 1):
            first, second, third = ops.split(kernel, 3, axis)
            parts = [third, second + third, first + second, first]
            kernel = ops.concatenate(parts, axis)
        return ops.conv_transpose(
            inputs,
            ops.transpose(kernel, (0, 1, 3, 2)),
            strides=2,
            padding="same",
            data_format="channels_last",
        )

    def compute_output_shape(self, input_shape):
        sides = (None if side is None else 2 * side for side in input_shape[1:3])
        return (input_shape[0], *sides, self.filters)


@keras.saving.register_keras_serializable("keras_stargan")
class PooledConv2D(Conv2D):
    """A convolution 3x3 and average pooling 2x2 after it, as one.

    The mean of four neighbors' results is that of a kernel of 4x4 with a stride of 2,
    which has 4/9 of the work.

    Args:
        filters: channels of the output.
        kernel_size: 3.
        **kwargs: as for `keras.layers.Conv2D`, with `padding="same"`, without an
            activation.

    Call arguments:
        inputs: `(batch, height, width, channels)`, height and width even.

    Returns:
        `(batch, height / 2, width / 2, filters)`.
    """

    def convolution_op(self, inputs, kernel):
        if is_for_converters():
            outputs = super().convolution_op(inputs, kernel)
            return ops.average_pool(outputs, 2, data_format="channels_last")
        for axis in (0, 1):
            first, second, third = ops.split(kernel, 3, axis)
            parts = [first, first + second, second + third, third]
            kernel = ops.concatenate(parts, axis) / 2
        return ops.conv(
            inputs, kernel, strides=2, padding="same", data_format="channels_last"
        )

    def compute_output_shape(self, input_shape):
        sides = (None if side is None else side // 2 for side in input_shape[1:3])
        return (input_shape[0], *sides, self.filters)


class _Taps(NamedTuple):
    """What a convolution does along one side of an image.

    Args:
        outputs: pixels of the result.
        used: those rows of the kernel that meet a pixel anywhere.
        pad: zeros that these need before and behind the image.
        parts: for each of them, the padded pixels that it meets.
    """

    outputs: int
    used: slice
    pad: tuple[int, int]
    parts: tuple[slice, ...]

    @classmethod
    def of(
        cls, side: int | None, size: int, stride: int, padding: str
    ) -> "_Taps | None":
        """Makes one for images of `side` pixels; None if that is unknown or too few."""
        if side is None or (padding == "valid" and side < size):
            return None
        same = padding == "same"
        outputs = -(-side // stride) if same else (side - size) // stride + 1
        span = stride * (outputs - 1) + 1
        before = max(span - 1 + size - side, 0) // 2 if same else 0
        # Where the first output meets each row of the kernel.
        starts = [tap - before for tap in range(size)]
        used = [tap for tap, at in enumerate(starts) if at + span > 0 and at < side]
        first, last = used[0], used[-1]
        left = max(-starts[first], 0)
        right = max(starts[last] + span - side, 0)
        parts = tuple(
            slice(starts[tap] + left, starts[tap] + left + span, stride) for tap in used
        )
        return cls(outputs, slice(first, last + 1), (left, right), parts)


@keras.saving.register_keras_serializable("keras_stargan")
class PaddedConv2D(keras.layers.Conv2D):
    """A convolution whose input is padded by the same width on all four sides.

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel.
        strides: 1 or more. Defaults to 1.
        pad: pixels that are added on each side. Defaults to 0.
        pad_mode: `"constant"` adds zeros; `"reflect"` mirrors the image, without
            repeating the pixels at its edge. Defaults to `"constant"`.
        **kwargs: as for `keras.layers.Conv2D`. Kernels start as N(0, 0.02), unless
            `kernel_initializer` is given.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, new_height, new_width, filters)`, with
        `new_height = (height + 2 * pad - kernel_size) // strides + 1`.

    Raises:
        ValueError: for an unknown `pad_mode`.

    Example:
        >>> PaddedConv2D(8, 4, strides=2, pad=1)(keras.ops.ones((1, 6, 6, 3))).shape
        TensorShape([1, 3, 3, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        pad: int = 0,
        pad_mode: str = "constant",
        **kwargs,
    ) -> None:
        if pad_mode not in _PAD_MODES:
            raise ValueError(
                f"pad_mode must be one of {_PAD_MODES}; received {pad_mode!r}."
            )
        kwargs.setdefault("kernel_initializer", normal_002())
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding="valid",
            data_format="channels_last",
            **kwargs,
        )
        self.pad = pad
        self.pad_mode = pad_mode

    def padded(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """The inputs with `pad` pixels more on each side."""
        width = (self.pad, self.pad)
        return ops.pad(inputs, [(0, 0), width, width, (0, 0)], mode=self.pad_mode)

    def call(self, inputs):
        return super().call(self.padded(inputs))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = (
            None if side is None else side + 2 * self.pad for side in (height, width)
        )
        return super().compute_output_shape((batch, *sides, channels))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        config = super().get_config()
        del config["padding"], config["data_format"]
        return config | {"pad": self.pad, "pad_mode": self.pad_mode}


@keras.saving.register_keras_serializable("keras_stargan")
class CroppedConv2DTranspose(keras.layers.Conv2DTranspose):
    """A transposed convolution whose full result is cropped on each side.

    The full result of `m` pixels has `(m - 1) * strides + kernel_size`. PyTorch's
    `padding` pixels of it are dropped at the top and the left, and
    `padding - output_padding` at the bottom and the right.

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel, at least `strides`.
        strides: how many times as large the output is. Defaults to 2.
        crop: pixels that are dropped, as (top and left, bottom and right). Defaults
            to (1, 0), which doubles the size exactly with kernels of 3x3 and
            `strides=2`; kernels of 4x4 need (1, 1) for that.
        **kwargs: as for `keras.layers.Conv2DTranspose`. Kernels start as N(0, 0.02),
            unless `kernel_initializer` is given.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, new_height, new_width, filters)`.

    Example:
        >>> CroppedConv2DTranspose(8, 3)(keras.ops.ones((1, 6, 6, 3))).shape
        TensorShape([1, 12, 12, 8])
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 2,
        crop: tuple[int, int] = (1, 0),
        **kwargs,
    ) -> None:
        kwargs.setdefault("kernel_initializer", normal_002())
        super().__init__(
            filters,
            kernel_size,
            strides=strides,
            padding="valid",
            data_format="channels_last",
            **kwargs,
        )
        self.crop = tuple(crop)

    def call(self, inputs):
        start, end = self.crop
        outputs = super().call(inputs)
        height, width = ops.shape(outputs)[1:3]
        return outputs[:, start : height - end, start : width - end]

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = super().compute_output_shape(input_shape)
        sides = (None if side is None else side - sum(self.crop) for side in sides)
        return (batch, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        config = super().get_config()
        del config["padding"], config["data_format"]
        return config | {"crop": self.crop}

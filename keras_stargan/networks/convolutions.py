"""Convolutions that pad and crop as those of PyTorch.

With strides of 2 or even kernels, Keras' `padding="same"` puts more zeros at the bottom
and the right than at the top and the left, so the result is shifted by a pixel compared
to the published networks. These layers pad all sides equally instead.
"""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.initializers import normal_002

_PAD_MODES = ("constant", "reflect")


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

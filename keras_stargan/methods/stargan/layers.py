"""Layers of the StarGAN networks (StarGAN, section 4.2 and appendix)."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks import Conv2D, InstanceNormalization, fan_in_uniform
from keras_stargan.networks.converters import is_for_converters


def conv(
    filters: int,
    kernel_size: int,
    in_channels: int,
    strides: int = 1,
    **kwargs,
) -> Conv2D:
    """A convolution with the published padding and initial weights.

    Zero padding that keeps the size at stride 1 and halves it at stride 2.
    (`"same"` equals the published symmetric padding for odd kernels at stride 1
    and for 4x4 at stride 2 on even sizes, which is all that StarGAN uses.)

    Args:
        filters: channels of the output.
        kernel_size: height and width of the kernel.
        in_channels: channels of the input.
        strides: 1 or 2.
        **kwargs: as for `keras.layers.Conv2D`.
    """
    initializer = fan_in_uniform(kernel_size**2 * in_channels)
    return Conv2D(
        filters,
        kernel_size,
        strides=strides,
        **{
            "padding": "same",
            "data_format": "channels_last",
            "kernel_initializer": initializer,
            "bias_initializer": initializer,
            **kwargs,
        },
    )


def upsampling_conv(filters: int, **kwargs) -> keras.layers.Conv2DTranspose:
    """A transposed convolution 4x4 that doubles the size, without bias.

    Args:
        filters: channels of the output.
        **kwargs: as for `keras.layers.Conv2DTranspose`.
    """
    return keras.layers.Conv2DTranspose(
        filters,
        4,
        strides=2,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        # PyTorch counts the outputs of a transposed convolution as its fan in.
        kernel_initializer=fan_in_uniform(16 * filters),
        **kwargs,
    )


def convolve_with_labels(
    layer: Conv2D, images: keras.KerasTensor, labels: keras.KerasTensor
) -> keras.KerasTensor:
    """A convolution of images and of labels replicated over height and width.

    The label's planes are appended to the image's channels (StarGAN, section 3.1). A
    plane has the same value everywhere, so what it adds to the result differs only
    near the borders, where parts of the kernel meet padding. That is computed without
    the planes, which saves most of the work of the layer.

    Args:
        layer: of stride 1, without a bias, with weights for the channels of both.
        images: `(batch, height, width, channels)`.
        labels: `(batch, num_labels)`.

    Returns:
        `(batch, height, width, filters)`.
    """
    images = ops.cast(images, layer.compute_dtype)
    labels = ops.cast(labels, layer.compute_dtype)
    channels = images.shape[-1]
    if not layer.built:
        layer.build((*images.shape[:-1], channels + labels.shape[-1]))
    if is_for_converters():
        planes = ops.ones_like(images[..., :1]) * labels[:, None, None, :]
        return layer(ops.concatenate([images, planes], axis=-1))
    kernel = ops.cast(layer.kernel, layer.compute_dtype)
    rows, columns = (
        ops.cast(_meets_image(ops.shape(images)[axis], size), layer.compute_dtype)
        for axis, size in zip((1, 2), layer.kernel_size, strict=True)
    )
    # What a label adds at each place of the kernel, then at each pixel.
    added = ops.tensordot(labels, kernel[:, :, channels:], [[1], [2]])
    added = ops.einsum("bkcf,hk->bhcf", added, rows)
    added = ops.einsum("bhcf,wc->bhwf", added, columns)
    return layer.convolution_op(images, kernel[:, :, :channels]) + added


def _meets_image(side: Any, size: int) -> keras.KerasTensor:
    """Whether each row of a kernel meets the image at each row of the image."""
    reached = ops.arange(side)[:, None] + ops.arange(size)[None] - size // 2
    return ops.logical_and(reached >= 0, reached < side)


@keras.saving.register_keras_serializable("keras_stargan")
class ResidualBlock(keras.layers.Layer):
    """Conv 3x3 - IN - ReLU - conv 3x3 - IN, added to the input; no biases.

    Args:
        filters: channels of the input and the output.

    Call arguments:
        inputs: `(batch, height, width, filters)`.

    Returns:
        A tensor of the same shape.
    """

    def __init__(self, filters: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        conv_args = {"use_bias": False, "dtype": self.dtype_policy}
        self.conv1 = conv(filters, 3, filters, name="conv1", **conv_args)
        self.norm1 = InstanceNormalization(name="norm1", dtype=self.dtype_policy)
        self.conv2 = conv(filters, 3, filters, name="conv2", **conv_args)
        self.norm2 = InstanceNormalization(name="norm2", dtype=self.dtype_policy)

    def build(self, input_shape):
        for layer in (self.conv1, self.norm1, self.conv2, self.norm2):
            layer.build(input_shape)

    def call(self, inputs):
        x = ops.relu(self.norm1(self.conv1(inputs)))
        return inputs + self.norm2(self.conv2(x))

    def get_config(self):
        return super().get_config() | {"filters": self.filters}

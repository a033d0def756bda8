"""Resizing of images, computed in their own type."""

import keras
from keras import ops


def resize_bilinear(images: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Resizes images by linear interpolation, without smoothing.

    Pixels are squares, and the corners of the image stay its corners (PyTorch's
    `align_corners=False`). `keras.ops.image.resize` computes the same, but always
    in float32.

    Args:
        images: float `(batch, height, width, channels)`.
        size: height and width of the result in pixels.

    Returns:
        `(batch, size, size, channels)`, of the type of the images.
    """
    height, width = ops.shape(images)[1:3]
    rows = _shares(height, size, images.dtype)
    columns = _shares(width, size, images.dtype)
    return ops.einsum("yh,xw,bhwc->byxc", rows, columns, images)


def _shares(length, size, dtype):
    """The weight of each of `length` old pixels in each of `size` new pixels."""
    centers = ops.arange(size, dtype=dtype) + 0.5
    length_as_float = ops.cast(length, dtype)
    positions = ops.clip(
        centers * (length_as_float / size) - 0.5, 0.0, length_as_float - 1.0
    )
    distances = ops.abs(positions[:, None] - ops.arange(length, dtype=dtype)[None, :])
    return ops.relu(1.0 - distances)

"""LPIPS, the perceptual distance of two images (Zhang et al., CVPR 2018)."""

import importlib.util
import os
import pathlib

import keras
import numpy as np
from keras import ops

from keras_stargan.files.pytorch import (
    assign_weights,
    check_weights,
    read_state_dict,
)
from keras_stargan.networks.batches import in_batches

# (image - shift) / scale normalizes images in [-1, 1] as in AlexNet's training.
_SHIFT = np.array([-0.030, -0.088, -0.188], "float32")
_SCALE = np.array([0.458, 0.448, 0.450], "float32")
# AlexNet's convolutions: filters, size of the kernel, number in torchvision's file.
_CONVS = ((64, 11, 0), (192, 5, 3), (384, 3, 6), (256, 3, 8), (256, 3, 10))
_MIN_SIZE = 31  # The last convolutions get no pixel of smaller images.
_FORMAT = {"data_format": "channels_last"}


class LPIPS(keras.Model):
    """LPIPS, version 0.1, with AlexNet; `load_lpips` gives one with weights.

    The distance of two images is the squared Euclidean distance of their embeddings.
    An embedding has the features after each of AlexNet's five ReLUs, scaled to unit
    length at every pixel, times the square roots of the linear weights. So each image
    passes through the network only once, even if it is compared with many others.

    Call arguments:
        inputs: images `(n, height, width, 3)` in [-1, 1], of at least 31 px.

    Returns:
        Embeddings `(n, d)`, float32.

    Raises:
        ValueError: for images that are too small.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**{"trainable": False, **kwargs})
        # Not "same": at stride 4, it pads with more zeros on one side.
        self.padding = keras.layers.ZeroPadding2D(2, **_FORMAT)
        self.pool = keras.layers.MaxPooling2D(3, 2, **_FORMAT)
        self.convs = [
            keras.layers.Conv2D(
                filters,
                size,
                strides=4 if i == 0 else 1,
                padding="valid" if i == 0 else "same",
                activation="relu",
                name=f"conv{i}",
                **_FORMAT,
            )
            for i, (filters, size, _) in enumerate(_CONVS)
        ]
        self.linears = [
            keras.layers.Conv2D(1, 1, use_bias=False, name=f"linear{i}", **_FORMAT)
            for i in range(len(_CONVS))
        ]
        for (filters, *_), linear in zip(_CONVS, self.linears, strict=True):
            linear.build((None, None, None, filters))
        self(np.zeros((1, _MIN_SIZE, _MIN_SIZE, 3), "float32"))

    def call(self, inputs):
        """Computes the embeddings of images."""
        if min(inputs.shape[1:3]) < _MIN_SIZE:
            raise ValueError(
                f"LPIPS needs images of at least {_MIN_SIZE} px; received shape "
                f"{tuple(inputs.shape)}."
            )
        x = self.padding((ops.cast(inputs, "float32") - _SHIFT) / _SCALE)
        parts = []
        for i, (conv, linear) in enumerate(zip(self.convs, self.linears, strict=True)):
            x = conv(self.pool(x) if i in (1, 2) else x)
            length = ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True))
            _, height, width, channels = x.shape
            # The distance is a mean over the pixels.
            weights = ops.sqrt(linear.kernel[0, 0, :, 0] / (height * width))
            part = x / (length + 1e-10) * weights
            parts.append(ops.reshape(part, (-1, height * width * channels)))
        return ops.concatenate(parts, axis=-1)


def load_lpips(
    trunk: str | os.PathLike, linear: str | os.PathLike | None = None
) -> LPIPS:
    """Loads LPIPS with its published weights from PyTorch's files.

    Args:
        trunk: torchvision's AlexNet, `alexnet-owt-7be5be79.pth`.
        linear: the linear weights, `alex.pth` of version 0.1. Defaults to the file in
            the package `lpips`, whose code is not run.

    Returns:
        The network.

    Raises:
        ImportError: if PyTorch is not installed, or neither `linear` is given nor the
            package `lpips` installed.
        OSError: if there is no such file.
        ValueError: if an entry is missing, superfluous or of another shape, or a
            linear weight is below 0. The message names it.
    """
    linear = _packaged_linear_weights() if linear is None else linear
    model = LPIPS()
    trunk_state, linear_state = read_state_dict(trunk), read_state_dict(linear)
    trunk_names = {
        f"features.{place}": conv
        for (*_, place), conv in zip(_CONVS, model.convs, strict=True)
    }
    linear_names = {f"lin{i}.model.1": conv for i, conv in enumerate(model.linears)}
    unused = [name for name in trunk_state if name.startswith("classifier.")]
    check_weights(trunk_names | dict.fromkeys(unused), trunk_state, f"{trunk}, AlexNet")
    check_weights(linear_names, linear_state, f"{linear}, linear weights")
    for name, values in linear_state.items():
        if np.min(values) < 0:
            raise ValueError(
                f"{linear}: the entry {name!r} of LPIPS must not be below 0; its least "
                f"value is {np.min(values):.4g}."
            )
    assign_weights(trunk_names, trunk_state)
    assign_weights(linear_names, linear_state)
    return model


def lpips_distance(
    model: LPIPS, images: np.ndarray, others: np.ndarray, batch_size: int = 32
) -> np.ndarray:
    """Computes the LPIPS distances of pairs of images.

    Args:
        model: from `load_lpips`.
        images: `(n, height, width, 3)`, n > 0, float in [-1, 1].
        others: the other image of each pair, of the same shape.
        batch_size: number of pairs that pass through the network at once.

    Returns:
        A float32 array `(n,)`; 0 for equal images.

    Raises:
        ValueError: if the shapes differ.
    """
    images, others = np.asarray(images, "float32"), np.asarray(others, "float32")
    if images.shape != others.shape or not len(images):
        raise ValueError(
            "images and others must be equally many images of one shape; received "
            f"{images.shape} and {others.shape}."
        )
    return in_batches(
        lambda x, y: ops.sum(ops.square(model(x) - model(y)), axis=-1),
        batch_size,
        images,
        others,
    )


def _packaged_linear_weights() -> pathlib.Path:
    # Found without importing the package, which would import torchvision.
    package = importlib.util.find_spec("lpips")
    if package is None or package.origin is None:
        raise ImportError(
            "The linear weights of LPIPS are in the package lpips: "
            "pip install 'keras-stargan[lpips]'. Or give their file as linear=."
        )
    return pathlib.Path(package.origin).parent / "weights" / "v0.1" / "alex.pth"

"""Inception-v3 (Szegedy et al., CVPR 2016), the network of FID and KID."""

import os

import keras
import numpy as np
from keras import ops

from keras_stargan.files.pytorch import (
    assign_weights,
    check_weights,
    read_state_dict,
)
from keras_stargan.pretrained.feature_network import FeatureNetwork

IMAGE_SIZE = 299
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], "float32")
_IMAGENET_STD = np.array([0.229, 0.224, 0.225], "float32")
# Numbers of classes that the networks were trained for. They tell the files apart.
_FID_CLASSES, _TORCHVISION_CLASSES = 1008, 1000
_FORMAT = {"data_format": "channels_last"}


def load_inception(weights: str | os.PathLike = "imagenet") -> FeatureNetwork:
    """Loads Inception-v3 without its classes: it gives 2,048 pooled features.

    FIDs with different weights cannot be compared with each other. There are three
    kinds of weights, and the figures contain the name of the kind:

    - `pt_inception-2015-12-05-6726825d.pth`: the network of the standard FID in
      PyTorch's layout (the file of pytorch-fid). As in pytorch-fid, images are resized
      bilinearly and have values from -1 to 1. Most FIDs in papers are of this kind.
    - `inception_v3_google-....pth`: torchvision's network, trained on ImageNet. The
      published code of StarGAN v2 uses it, also for the figures of its paper. Images
      are normalized by ImageNet's mean and standard deviation.
    - `"imagenet"`: the weights of Keras, also trained on ImageNet, but different ones.
      Images are normalized in the same way. The weights are downloaded when they are
      first used.

    Args:
        weights: a file of one of the first two kinds, or `"imagenet"`. The number of
            classes in the file tells its kind.

    Returns:
        A network for images of any size.

    Raises:
        ImportError: if PyTorch, which reads the files, is not installed.
        OSError: if there is no such file, or Keras' weights cannot be downloaded.
        ValueError: if it is another file; the message names the wrong entry.
    """
    if weights == "imagenet":
        try:
            network = keras.applications.InceptionV3(include_top=False, pooling="avg")
        except Exception as error:  # Keras raises a bare one for a failed download.
            raise OSError(
                f"Keras' ImageNet weights of Inception-v3 cannot be loaded: {error} "
                "Without a connection, give the file of other weights, or use another "
                "FeatureNetwork."
            ) from error
        return _prepared(network, "Inception-v3, Keras' ImageNet weights", False)
    state = read_state_dict(weights)
    classes = len(state["fc.weight"]) if "fc.weight" in state else 0
    if classes not in (_FID_CLASSES, _TORCHVISION_CLASSES):
        raise ValueError(
            f"{weights}: the entry 'fc.weight' of Inception-v3 must have "
            f"{_FID_CLASSES} rows (the standard FID's) or {_TORCHVISION_CLASSES} "
            f"(torchvision's); {f'it has {classes}' if classes else 'it is missing'}."
        )
    fid = classes == _FID_CLASSES
    network = inception_v3(fid)
    names = {layer.name.replace("-", "."): layer for layer in network.layers}
    unused = [name for name in state if name.startswith(("AuxLogits.", "fc."))]
    check_weights(names | dict.fromkeys(unused), state, f"{weights}, Inception-v3")
    assign_weights(names, state)
    whose = "the standard FID weights" if fid else "torchvision's ImageNet weights"
    return _prepared(network, f"Inception-v3, {whose}", fid)


def _prepared(network: keras.Model, name: str, fid: bool) -> FeatureNetwork:
    """Adds the resizing and normalization of those who published the weights."""
    images = keras.Input((None, None, 3))
    x = ops.image.resize(
        images,
        (IMAGE_SIZE, IMAGE_SIZE),
        interpolation="bilinear",
        # StarGAN v2's code resizes with Pillow, pytorch-fid with PyTorch.
        antialias=not fid,
        **_FORMAT,
    )
    if not fid:
        x = (0.5 * x + (0.5 - _IMAGENET_MEAN)) / _IMAGENET_STD
    model = keras.Model(images, network(x), name="inception_features")
    return FeatureNetwork(name, model, is_inception=True)


def inception_v3(fid: bool) -> keras.Model:
    """Builds the network without its classes; its kernels are 0 until they are loaded.

    The network of the standard FID differs from torchvision's in the pools of its
    blocks: means ignore the padding, and the last pool takes the maximum.

    Args:
        fid: whether to build the network of the standard FID.

    Returns:
        A model that takes normalized images `(n, height, width, 3)` of at least 75 px
        and gives features `(n, 2048)`. Its layers have the names of torchvision, with
        `-` instead of dots.
    """
    x = images = keras.Input((None, None, 3))
    x = _conv(x, "Conv2d_1a_3x3", 32, 3, strides=2)
    x = _conv(x, "Conv2d_2a_3x3", 32, 3, padding="valid")
    x = _conv(x, "Conv2d_2b_3x3", 64, 3)
    x = _max_pool(x)
    x = _conv(x, "Conv2d_3b_1x1", 80, 1)
    x = _conv(x, "Conv2d_4a_3x3", 192, 3, padding="valid")
    x = _max_pool(x)
    for block, filters in (("5b", 32), ("5c", 64), ("5d", 64)):
        x = _concatenate(
            _convs(x, block, ("branch1x1", 64, 1)),
            _convs(x, block, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
            _convs(x, block, *_double_3x3(64, 96)),
            _convs(_mean_pool(x, fid), block, ("branch_pool", filters, 1)),
        )
    x = _concatenate(
        _convs(x, "6a", ("branch3x3", 384, 3, 2)),
        _convs(x, "6a", *_double_3x3(64, 96)[:2], ("branch3x3dbl_3", 96, 3, 2)),
        _max_pool(x),
    )
    for block, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        x = _concatenate(
            _convs(x, block, ("branch1x1", 192, 1)),
            _convs(
                x,
                block,
                ("branch7x7_1", width, 1),
                ("branch7x7_2", width, (1, 7)),
                ("branch7x7_3", 192, (7, 1)),
            ),
            _convs(
                x,
                block,
                ("branch7x7dbl_1", width, 1),
                ("branch7x7dbl_2", width, (7, 1)),
                ("branch7x7dbl_3", width, (1, 7)),
                ("branch7x7dbl_4", width, (7, 1)),
                ("branch7x7dbl_5", 192, (1, 7)),
            ),
            _convs(_mean_pool(x, fid), block, ("branch_pool", 192, 1)),
        )
    x = _concatenate(
        _convs(x, "7a", ("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2)),
        _convs(
            x,
            "7a",
            ("branch7x7x3_1", 192, 1),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, 3, 2),
        ),
        _max_pool(x),
    )
    for block in ("7b", "7c"):
        small = _convs(x, block, ("branch3x3_1", 384, 1))
        large = _convs(x, block, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
        pool = (
            _max_pool(x, strides=1, padding="same")
            if fid and block == "7c"
            else _mean_pool(x, fid)
        )
        x = _concatenate(
            _convs(x, block, ("branch1x1", 320, 1)),
            _convs(small, block, ("branch3x3_2a", 384, (1, 3))),
            _convs(small, block, ("branch3x3_2b", 384, (3, 1))),
            _convs(large, block, ("branch3x3dbl_3a", 384, (1, 3))),
            _convs(large, block, ("branch3x3dbl_3b", 384, (3, 1))),
            _convs(pool, block, ("branch_pool", 192, 1)),
        )
    features = keras.layers.GlobalAveragePooling2D(**_FORMAT)(x)
    return keras.Model(images, features, name="inception_v3", trainable=False)


def _double_3x3(first: int, filters: int) -> tuple:
    return (
        ("branch3x3dbl_1", first, 1),
        ("branch3x3dbl_2", filters, 3),
        ("branch3x3dbl_3", filters, 3),
    )


def _convs(x, block: str, *convs: tuple):
    """A branch of a block; each convolution is (name, filters, kernel, strides)."""
    for name, *arguments in convs:
        x = _conv(x, f"Mixed_{block}-{name}", *arguments)
    return x


def _conv(x, name: str, filters: int, kernel_size, strides: int = 1, padding="same"):
    x = keras.layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding if strides == 1 else "valid",
        use_bias=False,
        kernel_initializer="zeros",
        name=f"{name}-conv",
        **_FORMAT,
    )(x)
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=f"{name}-bn")(x)
    return keras.layers.ReLU()(x)


def _max_pool(x, strides: int = 2, padding: str = "valid"):
    return keras.layers.MaxPooling2D(3, strides, padding, **_FORMAT)(x)


def _mean_pool(x, fid: bool):
    if fid:
        return keras.layers.AveragePooling2D(3, 1, "same", **_FORMAT)(x)
    x = keras.layers.ZeroPadding2D(1, **_FORMAT)(x)
    return keras.layers.AveragePooling2D(3, 1, **_FORMAT)(x)


def _concatenate(*branches):
    return keras.layers.Concatenate()(branches)

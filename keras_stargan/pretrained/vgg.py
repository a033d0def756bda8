"""VGG-16 (Simonyan and Zisserman, ICLR 2015), whose features compare images."""

import os
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_stargan.networks import InstanceNormalization

# Convolutions and their channels between the poolings. The published networks of MUNIT
# and UNIT lack the pooling before the last three convolutions.
_GROUPS = ((64, 2), (128, 2), (256, 3), (512, 6))
# Means of red, green and blue in VGG's training.
_MEANS = np.array([123.680, 116.779, 103.939])
_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
_PLACE = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
_HELP = (
    "The perceptual term (lambda_vgg above 0) needs the weights of VGG-16: give "
    f'vgg="imagenet", by which Keras downloads them, or the path of {_FILE}.'
)


class VGGFeatures(keras.Model):
    """The last convolution's features of VGG-16, normalized for each image and channel.

    The network has three poolings instead of VGG's four, as in the published codes of
    MUNIT and UNIT. It has no trained weights before `load_weights_of_vgg`.

    Args:
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images `(n, height, width, 3)` in [-1, 1], of 8 px or more.

    Returns:
        Features `(n, height // 8, width // 8, 512)`.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        options = {"dtype": self.dtype_policy}
        form = {"data_format": "channels_last"} | options
        self.chain = []
        for i, (filters, count) in enumerate(_GROUPS, 1):
            if i > 1:
                self.chain.append(keras.layers.MaxPooling2D(name=f"pool{i}", **form))
            for k in range(1, count + 1):
                conv = {"padding": "same", "activation": "relu", "name": f"conv{i}_{k}"}
                self.chain.append(keras.layers.Conv2D(filters, 3, **conv, **form))
        self.norm = InstanceNormalization(center=False, scale=False, **options)
        self.convs = [x for x in self.chain if isinstance(x, keras.layers.Conv2D)]
        channels = 3
        for conv in self.convs:
            conv.build((None, None, None, channels))
            channels = conv.filters
        self.built = True

    def call(self, inputs):
        # Caffe's order of colors is blue, green, red.
        x = ((inputs + 1.0) * 127.5 - ops.cast(_MEANS, inputs.dtype))[..., ::-1]
        for layer in self.chain:
            x = layer(x)
        return self.norm(x)


def load_weights_of_vgg(network: VGGFeatures, file: str | os.PathLike) -> None:
    """Gives the network the weights of a file of Keras' VGG-16 without its classes.

    Args:
        network: the network.
        file: `vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5`, or any file that
            `keras.applications.VGG16(include_top=False)` reads.

    Raises:
        OSError: if there is no such file, or it is of another kind.
        ValueError: if it holds other weights.
    """
    whole = keras.applications.VGG16(include_top=False, weights=None)
    whole.load_weights(file)
    convs = [x for x in whole.layers if isinstance(x, keras.layers.Conv2D)]
    for conv, source in zip(network.convs, convs, strict=True):
        conv.set_weights(source.get_weights())


def add_vgg(
    model: Any, weights: str | os.PathLike | dict[str, str] | None = None
) -> None:
    """Gives a model a `VGGFeatures` for its perceptual term, as its attribute `vgg`.

    Args:
        model: an `AdversarialModel` whose constructor has an argument `vgg`.
        weights: "imagenet", for which Keras downloads its file if it has not done so;
            or what `add_frozen` takes as `file`.

    Raises:
        OSError: if there is no such file, or Keras' file cannot be downloaded.
        ValueError: if the file holds other weights.
    """
    if weights == "imagenet":
        try:
            weights = keras.utils.get_file(_FILE, _PLACE + _FILE, cache_subdir="models")
        except Exception as error:  # Keras raises a bare one for a failed download.
            raise OSError(
                f"Keras' ImageNet weights of VGG-16 cannot be loaded: {error} Without "
                f"a connection, give the path of {_FILE}."
            ) from error
    network = VGGFeatures(dtype=model.float_dtype)
    model.add_frozen("vgg", network, load_weights_of_vgg, _HELP, weights)


def perceptual_loss(
    network: VGGFeatures, images: keras.KerasTensor, others: keras.KerasTensor
) -> keras.KerasTensor:
    """Mean squared difference of two batches' features (MUNIT, section 5.1).

    Args:
        network: with trained weights.
        images: `(n, height, width, 3)` in [-1, 1].
        others: of the same shape.
    """
    return ops.mean(ops.square(network(images) - network(others)))

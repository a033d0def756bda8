"""StarGAN's discriminator without its classifier, which StarGAN's baselines share."""

from typing import Any

import keras

from keras_stargan.networks.activations import LeakyReLU
from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.sizes import check_size
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class PatchCritic(keras.Model):
    """Scores patches of an image as real or not: D_src (StarGAN, table 5).

    Convolutions 4x4 with biases that halve the size, without normalization, and a
    convolution 3x3 without a bias that gives the scores. Kernels start as N(0, 0.02).

    Args:
        image_size: height and width of the images in pixels, a multiple of
            `2**num_layers`.
        num_filters: channels of the first layer, doubled by each next one.
            Defaults to 64.
        num_layers: convolutions that halve the size. Defaults to 6.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].

    Returns:
        Scores `(batch, s, s, 1)` of any size, with `s = image_size / 2**num_layers`.

    Raises:
        ValueError: for an `image_size` that is not a multiple of `2**num_layers`.

    Example:
        >>> PatchCritic(image_size=128).count_params()
        44721088
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_layers: int = 6,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, num_layers, "discriminator")
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_layers = num_layers

        dtype = {"dtype": self.dtype_policy}
        self.chain = []
        for i in range(num_layers):
            name, width = f"down{i + 1}", num_filters * 2**i
            self.chain += [
                PaddedConv2D(width, 4, strides=2, pad=1, name=name, **dtype),
                LeakyReLU(0.01, name=f"{name}_leaky_relu", **dtype),
            ]
        self.chain += [
            PaddedConv2D(1, 3, pad=1, use_bias=False, name="score", **dtype),
            keras.layers.Activation(
                "linear", dtype=output_dtype(self.dtype_policy), name="output"
            ),
        ]
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs):
        x = inputs
        for layer in self.chain:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "num_layers": self.num_layers,
        }

"""The encoder of MUNIT, from images to their styles."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_normal
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class StyleEncoder(keras.Model):
    """Maps images to their styles (MUNIT, appendix B.1).

    A convolution 7x7, four of 4x4 that halve the size, all with biases, reflection
    padding and ReLU, then the mean over all pixels and a linear layer. There is no
    normalization: it would take the style away.

    Args:
        image_size: height and width of the images in pixels, at least 16.
        num_filters: channels of the first layer; the second has 2 times as many, the
            others 4 times. Defaults to 64.
        style_dim: entries of a style. Defaults to 8.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].

    Returns:
        Styles `(batch, style_dim)`.

    Raises:
        ValueError: for an `image_size` that is too small.

    Example:
        >>> StyleEncoder(image_size=256).count_params()
        2764936
    """

    def __init__(
        self, image_size: int, num_filters: int = 64, style_dim: int = 8, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        if image_size < 16:
            raise ValueError(
                "The style encoder needs images of 16 px or more; received "
                f"image_size={image_size}."
            )
        self.image_size = image_size
        self.num_filters = num_filters
        self.style_dim = style_dim

        def conv(name, filters, kernel_size, **kwargs):
            kwargs |= {"kernel_initializer": fan_in_normal(), "name": name}
            return PaddedConv2D(filters, kernel_size, dtype=self.dtype_policy, **kwargs)

        reflect = {"pad_mode": "reflect"}
        down = {"strides": 2, "pad": 1} | reflect
        self.convs = [conv("in", num_filters, 7, pad=3, **reflect)]
        self.convs += [
            conv(f"down{i}", num_filters * min(2**i, 4), 4, **down) for i in range(1, 5)
        ]
        self.style = conv("style", style_dim, 1)
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs):
        x = inputs
        for conv in self.convs:
            x = ops.relu(conv(x))
        x = self.style(ops.mean(x, axis=(1, 2), keepdims=True))
        return ops.cast(x[:, 0, 0], output_dtype(self.dtype_policy))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "style_dim": self.style_dim,
        }

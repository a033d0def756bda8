"""The discriminator of MUNIT, UNIT and DRIT: patches of an image at several sizes."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.activations import LeakyReLU
from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_uniform
from keras_stargan.networks.spectral_norm import SpectralConv2D
from keras_stargan.networks.weights import make_weights


def halved(images: keras.KerasTensor) -> keras.KerasTensor:
    """Averages of 3x3 pixels at every second place, as PyTorch computes them.

    Windows begin one pixel outside of the image, and pixels outside do not count.

    Args:
        images: `(batch, height, width, channels)`.

    Returns:
        `(batch, ceil(height / 2), ceil(width / 2), channels)`.
    """

    def sums(values):
        padded = ops.pad(values, [(0, 0), (1, 1), (1, 1), (0, 0)])
        return 9.0 * ops.average_pool(padded, 3, 2, "valid", "channels_last")

    return sums(images) / sums(ops.ones_like(images[:1, :, :, :1]))


@keras.saving.register_keras_serializable("keras_stargan")
class MultiScaleDiscriminator(keras.Model):
    """Scores patches of an image, of its half, its quarter and so on.

    A network of the same structure for each scale: convolutions that halve the size,
    with reflection padding, biases and LeakyReLU, and a convolution 1x1 to the scores.
    There is no normalization.

    Args:
        image_size: height and width of the images in pixels, at least
            `2**(num_layers + num_scales - 1)`.
        num_filters: channels of the first layer, doubled by each next one. Defaults
            to 64.
        num_layers: convolutions that halve the size. Defaults to 4.
        num_scales: how many sizes of the image are looked at. Defaults to 3.
        negative_slope: of LeakyReLU. Defaults to 0.2.
        bias_initializer: of all biases. None: U(-b, b) with b = 1/sqrt(fan in), as
            PyTorch's default. Defaults to `"zeros"`.
        kernel_size: of the convolutions that halve the size. Defaults to 4; half
            of an odd size is rounded up with 3, and down with 4.
        spectral_norm: whether all kernels are divided by their spectral norm. Defaults
            to False.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].
        training: whether the estimate of the spectral norms moves.

    Returns:
        A list of scores `(batch, s, s, 1)` of any size, the image's own scale first.

    Raises:
        ValueError: for an `image_size` that leaves no score.

    Example:
        >>> MultiScaleDiscriminator(image_size=256).count_params()
        8271171
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_layers: int = 4,
        num_scales: int = 3,
        negative_slope: float = 0.2,
        bias_initializer: Any = "zeros",
        kernel_size: int = 4,
        spectral_norm: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        least = 2 ** (num_layers + num_scales - 1)
        if image_size < least:
            raise ValueError(
                f"A discriminator with {num_layers} layers that halve the size and "
                f"{num_scales} scales needs images of {least} px or more; received "
                f"image_size={image_size}."
            )
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_layers = num_layers
        self.num_scales = num_scales
        self.negative_slope = negative_slope
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_size = kernel_size
        self.spectral_norm = spectral_norm

        dtype = {"dtype": self.dtype_policy}

        def conv(name, filters, kernel_size, channels, **kwargs):
            bias = self.bias_initializer
            if bias is None:
                bias = fan_in_uniform(kernel_size**2 * channels)
            elif isinstance(bias, keras.initializers.Initializer):
                bias = bias.clone()  # Or all biases would start alike.
            return (SpectralConv2D if spectral_norm else PaddedConv2D)(
                filters,
                kernel_size,
                name=name,
                bias_initializer=bias,
                **kwargs,
                **dtype,
            )

        self.scales = []
        for i in range(1, num_scales + 1):
            chain, channels = [], 3
            for k in range(num_layers):
                name, down = f"scale{i}_down{k + 1}", {"strides": 2, "pad": 1}
                filters = num_filters * 2**k
                sizes = (filters, kernel_size, channels)
                chain += [
                    conv(name, *sizes, pad_mode="reflect", **down),
                    LeakyReLU(negative_slope, name=f"{name}_leaky_relu", **dtype),
                ]
                channels = filters
            self.scales.append([*chain, conv(f"scale{i}_scores", 1, 1, channels)])
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs, training=False):
        scores, images = [], inputs
        for i, chain in enumerate(self.scales):
            x = images = halved(images) if i else images
            for layer in chain:
                x = layer(x)  # Keras hands `training` on.
            scores.append(ops.cast(x, output_dtype(self.dtype_policy)))
        return scores

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "num_layers": self.num_layers,
            "num_scales": self.num_scales,
            "negative_slope": self.negative_slope,
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_size": self.kernel_size,
            "spectral_norm": self.spectral_norm,
        }

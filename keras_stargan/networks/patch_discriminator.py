"""The discriminator of pix2pix and CycleGAN."""

from typing import Any

import keras

from keras_stargan.networks.activations import LeakyReLU
from keras_stargan.networks.batch_normalization import BatchNormalization
from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import around_one
from keras_stargan.networks.instance_normalization import InstanceNormalization
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class PatchDiscriminator(keras.Model):
    """Scores overlapping patches of an image as real or not (PatchGAN).

    Convolutions 4x4: `num_layers` that halve the size, and two more that keep it but
    for one pixel. All but the first and the last have a normalization after them. With
    3 layers a score sees a patch of 70x70 pixels.

    Args:
        image_size: height and width of the images in pixels, at least
            `3 * 2**num_layers`.
        num_filters: channels of the first layer, doubled by each next one up to 8
            times as many. Defaults to 64.
        num_layers: convolutions that halve the size. Defaults to 3.
        in_channels: channels of the input; 6 for pairs of images. Defaults to 3.
        normalization: "instance", without learned scale and shift, as in CycleGAN; or
            "batch", before which convolutions have no biases, as in pix2pix. Defaults
            to "instance".
        pixels: whether to score each pixel by itself instead of patches, by three
            convolutions 1x1 instead (pix2pix, section 4.4: the PixelGAN). With batch
            normalization, only the first has biases. Defaults to False.

    Call arguments:
        inputs: images `(batch, image_size, image_size, in_channels)` in [-1, 1].
        training: whether batch normalization takes the batch's own statistics.

    Returns:
        Scores `(batch, s, s, 1)` of any size, with `s = image_size // 2**num_layers -
        2`. What a score means is up to the adversarial loss; there is no sigmoid.

    Raises:
        ValueError: for an `image_size` that leaves no score, or an unknown
            normalization.

    Example:
        >>> PatchDiscriminator(image_size=256).count_params()
        2764737
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_layers: int = 3,
        in_channels: int = 3,
        normalization: str = "instance",
        pixels: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if normalization not in ("instance", "batch"):
            raise ValueError(
                f"normalization must be instance or batch; received {normalization!r}."
            )
        least = 1 if pixels else 3 * 2**num_layers
        if image_size < least:
            raise ValueError(
                f"A discriminator with {num_layers} layers that halve the size needs "
                f"images of {least} px or more; received image_size={image_size}."
            )
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_layers = num_layers
        self.in_channels = in_channels
        self.normalization = normalization
        self.pixels = pixels

        dtype = {"dtype": self.dtype_policy}

        kernel_size, pad = (1, 0) if pixels else (4, 1)

        def conv(filters, strides, name, use_bias):
            options = {"pad": pad, "name": name, "use_bias": use_bias}
            return PaddedConv2D(filters, kernel_size, strides, **options, **dtype)

        def norm(name):
            if normalization == "instance":
                return InstanceNormalization(
                    center=False, scale=False, name=name, **dtype
                )
            return BatchNormalization(
                gamma_initializer=around_one(), name=name, **dtype
            )

        has_biases = normalization == "instance"
        down = 0 if pixels else num_layers
        names = [*(f"down{i + 1}" for i in range(down)), "flat"]
        names = ["pixel1", "pixel2"] if pixels else names
        self.chain = []
        for i, name in enumerate(names):
            filters, strides = num_filters * min(2**i, 8), 2 if i < down else 1
            self.chain.append(conv(filters, strides, name, i == 0 or has_biases))
            if i > 0:
                self.chain.append(norm(f"{name}_norm"))
            self.chain.append(LeakyReLU(0.2, name=f"{name}_leaky_relu", **dtype))
        self.chain += [
            conv(1, 1, "score", has_biases or not pixels),
            keras.layers.Activation(
                "linear", dtype=output_dtype(self.dtype_policy), name="output"
            ),
        ]
        make_weights(self, keras.Input((image_size, image_size, in_channels)))

    def call(self, inputs, training=False):
        x = inputs
        for layer in self.chain:
            is_batch = isinstance(layer, BatchNormalization)
            x = layer(x, training=training) if is_batch else layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "num_layers": self.num_layers,
            "in_channels": self.in_channels,
            "normalization": self.normalization,
            "pixels": self.pixels,
        }

"""The decoder of MUNIT and UNIT, from contents to images."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.adaptive_block import AdaptiveResNetBlock
from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_normal
from keras_stargan.networks.resnet_generator import ResNetBlock
from keras_stargan.networks.weights import make_weights
from keras_stargan.networks.whole_image_normalization import WholeImageNormalization


@keras.saving.register_keras_serializable("keras_stargan")
class ContentDecoder(keras.Model):
    """Maps contents to images (MUNIT, appendix B.1; UNIT's decoder).

    Residual blocks, two times an upsampling to the nearest pixel and a convolution 5x5
    with the normalization of whole images, and a convolution 7x7. All convolutions have
    biases and reflection padding.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4, at
            least 8.
        num_filters: channels before the last layer; a content has 4 times as many.
            Defaults to 64.
        num_residual_blocks: residual blocks at the lowest size. Defaults to 4.
        style_dim: entries of a style. Dense layers map it to the scales and the shifts
            of the residual blocks (`AdaptiveResNetBlock`), as in MUNIT. Defaults to 0:
            there are no styles, as in UNIT.
        mapping_dim: features of the two hidden dense layers. Defaults to 256.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: contents `(batch, image_size // 4, image_size // 4, 4 * num_filters)`;
            with styles, a list of these and of the styles `(batch, style_dim)`.

    Returns:
        Images `(batch, image_size, image_size, 3)` in [-1, 1].

    Example:
        >>> ContentDecoder(image_size=256).count_params()
        5754627
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_residual_blocks: int = 4,
        style_dim: int = 0,
        mapping_dim: int = 256,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_residual_blocks = num_residual_blocks
        self.style_dim = style_dim
        self.mapping_dim = mapping_dim

        n, dtype = num_filters, {"dtype": self.dtype_policy}

        def conv(name, filters, kernel_size):
            return PaddedConv2D(
                filters,
                kernel_size,
                pad=kernel_size // 2,
                pad_mode="reflect",
                kernel_initializer=fan_in_normal(),
                name=name,
                **dtype,
            )

        def up(name, filters):
            return [
                keras.layers.UpSampling2D(
                    2, "channels_last", name=f"{name}_pixels", **dtype
                ),
                conv(name, filters, 5),
                WholeImageNormalization(name=f"{name}_norm", **dtype),
                keras.layers.ReLU(name=f"{name}_relu", **dtype),
            ]

        def dense(name, units, activation=None):
            start = {"kernel_initializer": fan_in_normal(), "name": name}
            return keras.layers.Dense(units, activation, **start, **dtype)

        block = AdaptiveResNetBlock if style_dim else ResNetBlock
        self.blocks = [
            block(4 * n, fan_in_normal(), name=f"residual{i + 1}", **dtype)
            for i in range(num_residual_blocks)
        ]
        self.chain = [
            *up("up1", 2 * n),
            *up("up2", n),
            conv("out", 3, 7),
            keras.layers.Activation(
                "tanh", dtype=output_dtype(self.dtype_policy), name="tanh"
            ),
        ]
        inputs = [keras.Input((image_size // 4, image_size // 4, 4 * n))]
        self.mapping = []
        if style_dim:
            # For each block two scales and two shifts of each channel.
            count = num_residual_blocks * 4 * 4 * n
            self.mapping = [
                dense("mapping1", mapping_dim, "relu"),
                dense("mapping2", mapping_dim, "relu"),
                dense("mapping3", count),
            ]
            inputs.append(keras.Input((style_dim,)))
        make_weights(self, *inputs)

    def parameters_of(self, styles: keras.KerasTensor) -> keras.KerasTensor:
        """The shifts and scales of all blocks, one block's after the other's.

        Args:
            styles: `(batch, style_dim)`.
        """
        x = styles
        for layer in self.mapping:
            x = layer(x)
        return x

    def call(self, inputs):
        x, parts = inputs, [[]] * len(self.blocks)
        if self.style_dim:
            x, styles = inputs
            parameters = self.parameters_of(styles)
            parts = [[part] for part in ops.split(parameters, len(parts), axis=-1)]
        for block, part in zip(self.blocks, parts, strict=True):
            x = block(x, *part)
        for layer in self.chain:
            x = layer(x)
        return x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "num_residual_blocks": self.num_residual_blocks,
            "style_dim": self.style_dim,
            "mapping_dim": self.mapping_dim,
        }

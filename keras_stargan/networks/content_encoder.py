"""The encoder of MUNIT and UNIT, from images to what a translation keeps of them."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_normal
from keras_stargan.networks.instance_normalization import InstanceNormalization
from keras_stargan.networks.resnet_generator import ResNetBlock
from keras_stargan.networks.sizes import check_size
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class ContentEncoder(keras.Model):
    """Maps images to their content (MUNIT, appendix B.1; UNIT's encoder).

    A convolution 7x7, two of 4x4 that halve the size, and residual blocks. All have
    biases, reflection padding and instance normalization without learned scale and
    shift.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4, at
            least 8.
        num_filters: channels of the first layer. Defaults to 64.
        num_residual_blocks: residual blocks at the lowest size. Defaults to 4.
        **kwargs: as for `keras.Model`.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].

    Returns:
        `(batch, image_size // 4, image_size // 4, 4 * num_filters)`.

    Raises:
        ValueError: for an `image_size` that it cannot take.

    Example:
        >>> ContentEncoder(image_size=256).count_params()
        5385856
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_residual_blocks: int = 4,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, 2, "content encoder")
        if image_size < 8:
            raise ValueError(
                "The content encoder needs images of 8 px or more; received "
                f"image_size={image_size}."
            )
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_residual_blocks = num_residual_blocks

        n, dtype = num_filters, {"dtype": self.dtype_policy}
        reflect = {"pad_mode": "reflect"}

        def conv(name, filters, kernel_size, **kwargs):
            norm = {"center": False, "scale": False, "name": f"{name}_norm"}
            start = {"kernel_initializer": fan_in_normal()}
            return [
                PaddedConv2D(
                    filters,
                    kernel_size,
                    name=name,
                    **kwargs,
                    **reflect,
                    **start,
                    **dtype,
                ),
                InstanceNormalization(**norm, **dtype),
                keras.layers.ReLU(name=f"{name}_relu", **dtype),
            ]

        self.chain = [
            *conv("in", n, 7, pad=3),
            *conv("down1", 2 * n, 4, strides=2, pad=1),
            *conv("down2", 4 * n, 4, strides=2, pad=1),
            *(
                ResNetBlock(4 * n, fan_in_normal(), name=f"residual{i + 1}", **dtype)
                for i in range(num_residual_blocks)
            ),
        ]
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs):
        x = inputs
        for layer in self.chain:
            x = layer(x)
        return ops.cast(x, output_dtype(self.dtype_policy))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {
            "image_size": self.image_size,
            "num_filters": self.num_filters,
            "num_residual_blocks": self.num_residual_blocks,
        }

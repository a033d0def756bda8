"""The generator of CycleGAN, which StarGAN's baselines share."""

from typing import Any

import keras
from keras import ops

from keras_stargan.networks.convolutions import CroppedConv2DTranspose, PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import normal_002
from keras_stargan.networks.instance_normalization import InstanceNormalization
from keras_stargan.networks.sizes import check_size
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class ResNetBlock(keras.layers.Layer):
    """Conv 3x3 - IN - ReLU - conv 3x3 - IN, added to the input.

    The convolutions have biases and reflect the image at its edges; instance
    normalization (IN) has no learned scale and shift.

    Args:
        filters: channels of the input and the output.
        kernel_initializer: of both kernels. Defaults to None: N(0, 0.02).

    Call arguments:
        inputs: `(batch, height, width, filters)`.

    Returns:
        A tensor of the same shape.
    """

    def __init__(self, filters: int, kernel_initializer: Any = None, **kwargs) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_initializer = keras.initializers.get(
            kernel_initializer or normal_002()
        )
        dtype = {"dtype": self.dtype_policy}

        def conv(name):
            return PaddedConv2D(
                filters,
                3,
                pad=1,
                pad_mode="reflect",
                # Or both kernels would start alike.
                kernel_initializer=self.kernel_initializer.clone(),
                name=name,
                **dtype,
            )

        def norm(name):
            return InstanceNormalization(center=False, scale=False, name=name, **dtype)

        self.conv1, self.norm1 = conv("conv1"), norm("norm1")
        self.conv2, self.norm2 = conv("conv2"), norm("norm2")

    def build(self, input_shape):
        for layer in (self.conv1, self.norm1, self.conv2, self.norm2):
            layer.build(input_shape)

    def call(self, inputs):
        x = ops.relu(self.norm1(self.conv1(inputs)))
        return inputs + self.norm2(self.conv2(x))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return super().get_config() | {
            "filters": self.filters,
            "kernel_initializer": initializer,
        }


@keras.saving.register_keras_serializable("keras_stargan")
class ResNetGenerator(keras.Model):
    """Translates images to one other domain (CycleGAN, appendix).

    Two convolutions halve the size, residual blocks follow, and two transposed
    convolutions double it again. Every convolution has a bias and, but for the last,
    instance normalization without learned scale and shift after it.

    Args:
        image_size: height and width of the images in pixels, a multiple of 4.
        num_filters: channels of the first layer. Defaults to 64.
        num_residual_blocks: residual blocks at the lowest size. Defaults to None:
            6 up to 128 px and 9 above, as in the paper.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].

    Returns:
        Images of the same shape in [-1, 1].

    Raises:
        ValueError: for an `image_size` that is not a multiple of 4.

    Example:
        >>> ResNetGenerator(image_size=256).count_params()
        11378179
    """

    def __init__(
        self,
        image_size: int,
        num_filters: int = 64,
        num_residual_blocks: int | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, 2, "generator")
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_residual_blocks = num_residual_blocks
        if num_residual_blocks is None:
            num_residual_blocks = 6 if image_size <= 128 else 9

        n, dtype = num_filters, {"dtype": self.dtype_policy}

        def normalized(layer):
            name = layer.name
            return [
                layer,
                InstanceNormalization(
                    center=False, scale=False, name=f"{name}_norm", **dtype
                ),
                keras.layers.ReLU(name=f"{name}_relu", **dtype),
            ]

        def conv(filters, kernel_size, name, **kwargs):
            return PaddedConv2D(filters, kernel_size, name=name, **kwargs, **dtype)

        def up(filters, name):
            return CroppedConv2DTranspose(filters, 3, name=name, **dtype)

        reflect = {"pad": 3, "pad_mode": "reflect"}
        self.chain = [
            *normalized(conv(n, 7, "in", **reflect)),
            *normalized(conv(2 * n, 3, "down1", strides=2, pad=1)),
            *normalized(conv(4 * n, 3, "down2", strides=2, pad=1)),
            *(
                ResNetBlock(4 * n, name=f"residual{i + 1}", **dtype)
                for i in range(num_residual_blocks)
            ),
            *normalized(up(2 * n, "up1")),
            *normalized(up(n, "up2")),
            conv(3, 7, "out", **reflect),
            keras.layers.Activation(
                "tanh", dtype=output_dtype(self.dtype_policy), name="tanh"
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
            "num_residual_blocks": self.num_residual_blocks,
        }

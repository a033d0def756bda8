"""Generator and discriminator of StarGAN (StarGAN, appendix, tables 4 and 5)."""

import keras

from keras_stargan.methods.stargan.layers import (
    ResidualBlock,
    conv,
    convolve_with_labels,
    upsampling_conv,
)
from keras_stargan.networks import InstanceNormalization, LeakyReLU
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.recomputation import call_block
from keras_stargan.networks.sizes import check_size
from keras_stargan.networks.weights import make_weights


@keras.saving.register_keras_serializable("keras_stargan")
class Generator(keras.Model):
    """Translates images to the domain that a label names: G(x, c).

    The label is replicated over height and width and appended to the image's
    channels (StarGAN, section 3.1).

    Args:
        image_size: height and width of the images in pixels, a multiple of 4.
        num_labels: entries of a label vector.
        conv_dim: channels of the first layer. Defaults to 64.
        num_residual_blocks: blocks at the lowest size. Defaults to 6.

    Call arguments:
        inputs: `[images, labels]`: images `(batch, image_size, image_size, 3)`
            in [-1, 1], labels `(batch, num_labels)`.

    Returns:
        Images `(batch, image_size, image_size, 3)` in [-1, 1].

    Raises:
        ValueError: for an `image_size` that is not a multiple of 4.

    Example:
        >>> generator = Generator(image_size=128, num_labels=8)
        >>> generator.count_params()
        8439936
    """

    def __init__(
        self,
        image_size: int,
        num_labels: int,
        conv_dim: int = 64,
        num_residual_blocks: int = 6,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, 2, "generator")
        self.image_size = image_size
        self.num_labels = num_labels
        self.conv_dim = conv_dim
        self.num_residual_blocks = num_residual_blocks

        dtype = {"dtype": self.dtype_policy}

        def normalised(layer, name):
            return [
                layer,
                InstanceNormalization(name=f"{name}_norm", **dtype),
                keras.layers.ReLU(name=f"{name}_relu", **dtype),
            ]

        width = conv_dim
        bare = {"use_bias": False, **dtype}
        layers = normalised(conv(width, 7, 3 + num_labels, name="in", **bare), "in")
        for i in (1, 2):
            name = f"down{i}"
            down = conv(2 * width, 4, width, strides=2, name=name, **bare)
            layers += normalised(down, name)
            width *= 2
        layers += [
            ResidualBlock(width, name=f"residual{i + 1}", **dtype)
            for i in range(num_residual_blocks)
        ]
        for i in (1, 2):
            width //= 2
            name = f"up{i}"
            layers += normalised(upsampling_conv(width, name=name, **dtype), name)
        layers += [
            conv(3, 7, width, name="out", **bare),
            keras.layers.Activation(
                "tanh", dtype=output_dtype(self.dtype_policy), name="tanh"
            ),
        ]
        self.chain = layers
        size = (image_size, image_size, 3)
        make_weights(self, keras.Input(size), keras.Input((num_labels,)))

    def call(self, inputs):
        x = convolve_with_labels(self.chain[0], *inputs)
        for layer in self.chain[1:]:
            is_block = isinstance(layer, ResidualBlock)
            x = call_block(layer, x) if is_block else layer(x)
        return x

    def get_config(self):
        return super().get_config() | {
            "image_size": self.image_size,
            "num_labels": self.num_labels,
            "conv_dim": self.conv_dim,
            "num_residual_blocks": self.num_residual_blocks,
        }


@keras.saving.register_keras_serializable("keras_stargan")
class Discriminator(keras.Model):
    """Tells real patches from translated ones, and which labels an image has.

    D(x) -> (D_src(x), D_cls(x)); a PatchGAN without normalisation.

    Args:
        image_size: height and width of the images in pixels, a multiple of
            `2**num_layers`.
        num_labels: entries of a label vector.
        conv_dim: channels of the first layer, doubled by each next one.
            Defaults to 64.
        num_layers: convolutions that halve the size. Defaults to 6.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].

    Returns:
        `(sources, logits)`: patch scores `(batch, s, s, 1)` with
        `s = image_size / 2**num_layers`, and label logits `(batch, num_labels)`.

    Raises:
        ValueError: for an `image_size` that is not a multiple of `2**num_layers`.

    Example:
        >>> discriminator = Discriminator(image_size=128, num_labels=8)
        >>> discriminator.count_params()
        44786624
    """

    def __init__(
        self,
        image_size: int,
        num_labels: int,
        conv_dim: int = 64,
        num_layers: int = 6,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, num_layers, "discriminator")
        self.image_size = image_size
        self.num_labels = num_labels
        self.conv_dim = conv_dim
        self.num_layers = num_layers

        dtype = {"dtype": self.dtype_policy}
        channels, self.chain = 3, []
        for i in range(num_layers):
            width, name = conv_dim * 2**i, f"down{i + 1}"
            self.chain += [
                conv(width, 4, channels, strides=2, name=name, **dtype),
                LeakyReLU(0.01, name=f"{name}_leaky_relu", **dtype),
            ]
            channels = width
        patches = image_size // 2**num_layers
        bare = {"use_bias": False, **dtype}
        self.source = conv(1, 3, channels, name="source", **bare)
        self.classifier = conv(
            num_labels, patches, channels, padding="valid", name="classifier", **bare
        )
        output = output_dtype(self.dtype_policy)
        self.flatten = keras.layers.Flatten(dtype=output, name="logits")
        self.to_float = keras.layers.Activation("linear", dtype=output, name="score")
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def call(self, inputs):
        x = inputs
        for layer in self.chain:
            x = layer(x)
        return self.to_float(self.source(x)), self.flatten(self.classifier(x))

    def get_config(self):
        return super().get_config() | {
            "image_size": self.image_size,
            "num_labels": self.num_labels,
            "conv_dim": self.conv_dim,
            "num_layers": self.num_layers,
        }

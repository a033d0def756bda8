"""The generator of pix2pix."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_stargan.networks.activations import leaky_relu
from keras_stargan.networks.batch_normalization import BatchNormalization
from keras_stargan.networks.convolutions import CroppedConv2DTranspose, PaddedConv2D
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import around_one
from keras_stargan.networks.sizes import check_size
from keras_stargan.networks.weights import make_weights

# The channels of a level are at most so many times those of the first. Below the level
# that reaches them first, decoder layers are followed by dropout.
_WIDEST, _LEVELS_WITHOUT_DROPOUT = 8, 4


@keras.saving.register_keras_serializable("keras_stargan")
class UNetGenerator(keras.Model):
    """An encoder and a decoder with a skip connection at each size (pix2pix, 3.2.1).

    Convolutions 4x4 halve the size down to the innermost level, and transposed ones
    double it again. Level j of the decoder takes the encoder's output of level j beside
    its own of level j + 1. Batch normalization follows all layers but the first, the
    innermost of the encoder and the last.

    Args:
        image_size: height and width of the images, a multiple of `2**num_halvings`.
        num_filters: channels of the first level, doubled by each next one up to 8 times
            as many. Defaults to 64.
        num_halvings: levels. Defaults to 8, the published unet_256; unet_128 has 7.

    Call arguments:
        inputs: images `(batch, image_size, image_size, 3)` in [-1, 1].
        training: whether batch normalization takes the batch's own statistics.
        kept: of dropout, in the order of `dropout_shapes`: for each of its layers the
            values that it keeps, booleans `(batch, *shape)`. Without, there is none.
        per_image: whether batch normalization takes each image's own statistics.

    Returns:
        Images of the same shape in [-1, 1].

    Raises:
        ValueError: for an `image_size` that cannot be halved so often.

    Example:
        >>> UNetGenerator(64, num_filters=2, num_halvings=6).dropout_shapes
        [(4, 4, 16)]
    """

    def __init__(
        self, image_size: int, num_filters: int = 64, num_halvings: int = 8, **kwargs
    ) -> None:
        super().__init__(**kwargs)
        check_size(image_size, num_halvings, "generator")
        self.image_size = image_size
        self.num_filters = num_filters
        self.num_halvings = num_halvings
        dtype = {"dtype": self.dtype_policy}
        last = num_halvings
        # In the order of the published files: down to the innermost level and up.
        self.parts: dict[str, keras.Layer] = {}

        def add(kind, level, layer, normalized, **options):
            name = f"{kind}{level}"
            self.parts[name] = layer(kernel_size=4, name=name, **options, **dtype)
            if normalized:
                name = f"{kind}_norm{level}"
                self.parts[name] = BatchNormalization(
                    gamma_initializer=around_one(), name=name, **dtype
                )

        for level in range(1, last + 1):
            options = {"strides": 2, "pad": 1, "filters": self._width(level)}
            options["use_bias"] = False
            add("down", level, PaddedConv2D, 1 < level < last, **options)
        for level in range(last, 0, -1):
            options = {"crop": (1, 1), "use_bias": level == 1}
            options["filters"] = self._width(level - 1) if level > 1 else 3
            add("up", level, CroppedConv2DTranspose, level > 1, **options)
        self.tanh = keras.layers.Activation(
            "tanh", dtype=output_dtype(self.dtype_policy), name="tanh"
        )
        make_weights(self, keras.Input((image_size, image_size, 3)))

    def _width(self, level: int) -> int:
        return self.num_filters * min(2 ** (level - 1), _WIDEST)

    @property
    def dropout_shapes(self) -> list[tuple[int, int, int]]:
        """The shape of an image's values in each layer that is followed by dropout."""
        levels = range(self.num_halvings - 1, _LEVELS_WITHOUT_DROPOUT, -1)
        sizes = [(level, self.image_size >> (level - 1)) for level in levels]
        return [(size, size, self._width(level - 1)) for level, size in sizes]

    def call(
        self,
        inputs,
        training: bool = False,
        kept: Sequence[Any] = (),
        per_image: bool = False,
    ):
        def part(kind, level, x):
            x = self.parts[f"{kind}{level}"](x)
            if norm := self.parts.get(f"{kind}_norm{level}"):
                x = norm(x, training=training, per_image=per_image)
            return x

        x, skips, last = inputs, [], self.num_halvings
        for level in range(1, last + 1):
            x = part("down", level, x if level == 1 else leaky_relu(x, 0.2))
            skips.append(x)
        masks = list(kept)
        for level in range(last, 0, -1):
            if level < last:
                x = ops.concatenate([skips[level - 1], x], axis=-1)
            x = part("up", level, ops.relu(x))
            if _LEVELS_WITHOUT_DROPOUT < level < last and masks:
                x = x * (2 * ops.cast(masks.pop(0), x.dtype))
        return self.tanh(x)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        names = ("image_size", "num_filters", "num_halvings")
        return super().get_config() | {name: getattr(self, name) for name in names}

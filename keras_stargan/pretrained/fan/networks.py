"""FAN, the face alignment network, with one hourglass.

Wang et al., *Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression*
(ICCV 2019), after Bulat and Tzimiropoulos (ICCV 2017).
"""

import keras
from keras import ops

from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.resizing import resize_bilinear
from keras_stargan.networks.weights import make_weights
from keras_stargan.pretrained.fan.layers import (
    PACKAGE,
    AddCoordinates,
    HierarchicalBlock,
    Hourglass,
    NormalisedReLU,
    conv,
)

IMAGE_SIZE = 256
NUM_LANDMARKS = 98


@keras.saving.register_keras_serializable(PACKAGE)
class FAN(keras.Model):
    """Gives heatmaps of a face's landmarks; it has published weights, no training.

    Args:
        num_landmarks: number of landmarks. Defaults to 98.

    Call arguments:
        inputs: images `(batch, height, width, 3)` in [-1, 1], of aligned faces. They
            are resized to 256 px.

    Returns:
        Heatmaps `(batch, 64, 64, num_landmarks + 1)`, about 0 to 1; the last shows
        the face's boundaries.
    """

    def __init__(self, num_landmarks: int = NUM_LANDMARKS, **kwargs) -> None:
        super().__init__(**{"trainable": False, **kwargs})
        self.num_landmarks = num_landmarks
        dtype = {"dtype": self.dtype_policy}
        self.chain = [
            AddCoordinates(name="in_coordinates", **dtype),
            # Not "same": at stride 2, it pads with more zeros on one side.
            keras.layers.ZeroPadding2D(3, data_format="channels_last", **dtype),
            conv(64, 7, strides=2, padding="valid", use_bias=True, name="in", **dtype),
            NormalisedReLU(name="in_norm", **dtype),
            HierarchicalBlock(64, 128, name="block1", **dtype),
            keras.layers.AveragePooling2D(2, data_format="channels_last", **dtype),
            HierarchicalBlock(128, 128, name="block2", **dtype),
            HierarchicalBlock(128, 256, name="block3", **dtype),
            AddCoordinates(name="coordinates", **dtype),
            conv(256, 1, use_bias=True, name="hourglass_in", **dtype),
            Hourglass(256, 4, name="hourglass", **dtype),
            HierarchicalBlock(256, 256, name="block4", **dtype),
            conv(256, 1, use_bias=True, name="last", **dtype),
            NormalisedReLU(name="last_norm", **dtype),
            conv(num_landmarks + 1, 1, use_bias=True, name="heatmaps", **dtype),
            keras.layers.Activation(
                "linear", dtype=output_dtype(self.dtype_policy), name="output"
            ),
        ]
        make_weights(self, keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3)))

    def call(self, inputs):
        x = resize_bilinear(ops.cast(inputs, self.compute_dtype), IMAGE_SIZE)
        x = 0.5 * x + 0.5
        for layer in self.chain:
            x = layer(x)
        return x

    def get_config(self):
        return super().get_config() | {"num_landmarks": self.num_landmarks}

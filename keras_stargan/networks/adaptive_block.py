"""A residual block whose normalizations are scaled and shifted from outside."""

import keras
from keras import ops

from keras_stargan.networks.resnet_generator import ResNetBlock


@keras.saving.register_keras_serializable("keras_stargan")
class AdaptiveResNetBlock(ResNetBlock):
    """Conv 3x3 - AdaIN - ReLU - conv 3x3 - AdaIN, added to the input.

    Adaptive instance normalization (AdaIN, Huang and Belongie, ICCV 2017) is instance
    normalization, then a scale and a shift of each channel that are given for each
    image, here by a network that knows the style (MUNIT, equation 2).

    Args:
        filters: channels of the input and the output.
        **kwargs: as for `ResNetBlock`.

    Call arguments:
        inputs: `(batch, height, width, filters)`.
        parameters: `(batch, 4 * filters)`: the shifts and the scales after the first
            convolution, then those after the second one.

    Returns:
        A tensor of the shape of `inputs`.
    """

    def call(self, inputs, parameters):
        parts = ops.split(parameters[:, None, None, :], 4, axis=-1)
        shift1, scale1, shift2, scale2 = parts
        x = ops.relu(self.norm1(self.conv1(inputs)) * scale1 + shift1)
        return inputs + self.norm2(self.conv2(x)) * scale2 + shift2

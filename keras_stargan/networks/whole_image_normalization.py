"""The layer normalization that MUNIT and UNIT define for themselves."""

import keras
from keras import ops

# The least variance. The root has no derivative at 0, the variance of one color.
_LEAST = 1e-30


@keras.saving.register_keras_serializable("keras_stargan")
class WholeImageNormalization(keras.layers.Layer):
    """Normalizes all values of an image by their common mean and deviation.

    (x - mean) / (deviation + epsilon), times a scale and plus a shift for each channel.
    Mean and deviation are over height, width and channels together; the squares are
    divided by the number of values minus 1. (Keras' `LayerNormalization` normalizes
    each pixel by itself; a `GroupNormalization` of one group divides the squares by the
    number of values, and has epsilon within the root.) Scales start uniformly in
    [0, 1).

    Args:
        epsilon: added to the deviation. Defaults to 1e-5.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, of a known size.

    Returns:
        A tensor of the same shape.

    Example:
        >>> WholeImageNormalization()(keras.ops.ones((1, 8, 8, 3))).shape
        TensorShape([1, 8, 8, 3])
    """

    # What the published programs call the weights.
    pytorch_entries = {"gamma": "gamma", "beta": "beta"}

    def __init__(self, epsilon: float = 1e-5, **kwargs) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        shape, uniform = (input_shape[-1],), keras.initializers.RandomUniform(0.0, 1.0)
        self.gamma = self.add_weight(shape, uniform, name="gamma", autocast=False)
        self.beta = self.add_weight(shape, "zeros", name="beta", autocast=False)

    def call(self, inputs):
        # Half precision has too few digits for sums over an image.
        x = ops.cast(inputs, self.variable_dtype)
        height, width, channels = ops.shape(inputs)[1:]
        count, axes = height * width * channels, (1, 2, 3)
        x = x - ops.mean(x, axes, keepdims=True)
        variance = ops.sum(ops.square(x), axes, keepdims=True)
        variance = variance / ops.cast(count - 1, x.dtype)
        deviation = ops.sqrt(ops.maximum(variance, _LEAST))
        x = x / (deviation + self.epsilon) * self.gamma + self.beta
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments, for saving."""
        return super().get_config() | {"epsilon": self.epsilon}

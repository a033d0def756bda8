"""Instance normalization."""

import keras
from keras import ops

from keras_stargan.networks.converters import is_for_converters


@keras.saving.register_keras_serializable("keras_stargan")
class InstanceNormalization(keras.layers.GroupNormalization):
    """Normalizes each channel of each image by its own mean and variance.

    As in the published StarGAN, the image's own statistics are used in inference too;
    there are no moving averages. This is Keras' group normalization with one channel
    in each group and the published epsilon. (Keras' default, 1e-3, gives visibly
    different results.)

    Args:
        epsilon: added to the variance. Defaults to 1e-5.
        **kwargs: as for `keras.layers.GroupNormalization`; `center` and `scale`
            decide whether a shift and a scale are learned (both by default).

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        A tensor of the same shape.

    Example:
        >>> InstanceNormalization()(keras.ops.ones((1, 8, 8, 3))).shape
        TensorShape([1, 8, 8, 3])
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs) -> None:
        super().__init__(groups=-1, epsilon=epsilon, **kwargs)

    def call(self, inputs):
        if not is_for_converters():
            return super().call(inputs)
        # Keras' own splits the channels into groups, in a fifth dimension, which hides
        # from converters that this is instance normalization. Training keeps to it: its
        # rounding decides the figures of every run.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
        factor = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * ops.cast(self.gamma, x.dtype)
        shift = -mean * factor
        if self.center:
            shift = shift + ops.cast(self.beta, x.dtype)
        return ops.cast(x * factor + shift, self.compute_dtype)

    def get_config(self):
        config = super().get_config()
        del config["groups"]
        return config

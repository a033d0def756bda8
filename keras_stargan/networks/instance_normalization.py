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
        # Keras' own splits the channels into groups, in a fifth dimension. That takes
        # longer, and hides from converters that this is instance normalization.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        scale, shift = (
            ops.cast(weight, x.dtype)[None, None, None] if is_learned else None
            for weight, is_learned in (
                (self.gamma, self.scale),
                (self.beta, self.center),
            )
        )
        outputs = instance_normalize(x, scale, shift, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self):
        config = super().get_config()
        del config["groups"]
        return config


def instance_normalize(
    x: keras.KerasTensor,
    scale: keras.KerasTensor | None,
    shift: keras.KerasTensor | None,
    epsilon: float,
) -> keras.KerasTensor:
    """Normalizes each channel of each image, then scales and shifts it.

    Args:
        x: `(batch, height, width, channels)`, not in half precision.
        scale: `(batch or 1, 1, 1, channels or 1)`, of the type of `x`; None for 1.
        shift: likewise; None for 0.
        epsilon: added to the variance.

    Returns:
        A tensor of the shape of `x`.
    """
    if is_for_converters():
        return _normalized(x, scale, shift, epsilon)[0]

    @ops.custom_gradient
    def normalize(x, scale, shift):
        y, mean, deviation = _normalized(x, scale, shift, epsilon)

        def gradients(*args, upstream=None):
            # What follows from the chain rule, simplified: it passes over the images
            # four times, while the gradients of the single operations pass twice as
            # often and keep more in memory.
            dy = args[0] if upstream is None else upstream
            centered = x - mean
            dy_mean = ops.mean(dy, axis=(1, 2), keepdims=True)
            slope = ops.mean(dy * centered, axis=(1, 2), keepdims=True) * deviation
            factor = deviation * scale
            dx = factor * (dy - dy_mean) - centered * (factor * deviation * slope)
            pixels = ops.cast(ops.shape(x)[1] * ops.shape(x)[2], x.dtype)
            return (
                dx,
                _summed_like(slope * pixels, scale),
                _summed_like(dy_mean * pixels, shift),
            )

        return y, gradients

    one, zero = ops.ones((1, 1, 1, 1), x.dtype), ops.zeros((1, 1, 1, 1), x.dtype)
    return normalize(
        x, one if scale is None else scale, zero if shift is None else shift
    )


def _normalized(x, scale, shift, epsilon):
    """The result, the means, and one divided by the standard deviations."""
    mean, variance = ops.moments(x, axes=(1, 2), keepdims=True)
    deviation = ops.rsqrt(variance + epsilon)
    # Converters know instance normalization by these operations.
    factor = deviation if scale is None else deviation * scale
    moved = -mean * factor
    return x * factor + (moved if shift is None else moved + shift), mean, deviation


def _summed_like(gradient, variable):
    """A gradient `(batch, 1, 1, channels)`, summed where the variable is shared."""
    if variable.shape[0] == 1:
        gradient = ops.sum(gradient, axis=0, keepdims=True)
    if variable.shape[3] == 1 != gradient.shape[3]:
        gradient = ops.sum(gradient, axis=3, keepdims=True)
    return gradient

"""Instance normalisation."""

import keras


@keras.saving.register_keras_serializable("keras_stargan")
class InstanceNormalization(keras.layers.GroupNormalization):
    """Normalises each channel of each image by its own mean and variance.

    The statistics are those of the image itself in training and in use alike
    (no moving averages), as in the published StarGAN. It is Keras' group
    normalisation with one channel a group and the published epsilon (Keras'
    own default, 1e-3, gives visibly other results).

    Args:
        epsilon: added to the variance. Defaults to 1e-5.
        **kwargs: as for `keras.layers.GroupNormalization`; `center` and `scale`
            say whether a shift and a scale are learned (both by default).

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

    def get_config(self):
        config = super().get_config()
        del config["groups"]
        return config

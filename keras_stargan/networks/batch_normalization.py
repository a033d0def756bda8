"""Batch normalization as PyTorch and Torch 7 have it."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

from keras_stargan.networks.global_batch import global_mean, global_rows

_kept = contextvars.ContextVar("_kept", default=False)


@contextlib.contextmanager
def statistics_kept() -> Iterator[None]:
    """Within it, no layer moves its running statistics or estimates.

    A training step that computes the same translations for two updates moves them once
    in the published programs, which compute the translations once.
    """
    token = _kept.set(True)
    try:
        yield
    finally:
        _kept.reset(token)


def are_statistics_kept() -> bool:
    """Whether this is called within `statistics_kept`."""
    return _kept.get()


@keras.saving.register_keras_serializable("keras_stargan")
class BatchNormalization(keras.layers.Layer):
    """Normalizes each channel by its mean and variance over the batch.

    In training the statistics are those of the global batch, also under replicas; in
    use, they are running averages. Keras' layer differs in its defaults, and in that
    its running variance averages the biased variance (divided by the number of values,
    n) instead of the unbiased one (divided by n - 1).

    Args:
        momentum: how much of itself a running average keeps in each step. Defaults to
            0.9, which PyTorch and Torch 7 call 0.1.
        epsilon: added to the variance. Defaults to 1e-5.
        center: whether a shift of each channel is learned. Defaults to True.
        scale: whether a scale of each channel is learned. Defaults to True.
        gamma_initializer: of the scale. Defaults to `"ones"`.
        beta_initializer: of the shift. Defaults to `"zeros"`.
        always_batch: whether the batch's own statistics are taken in use, too; there
            are no running averages then. Defaults to False.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, ..., channels)`.
        training: whether to take the batch's own statistics.
        per_image: whether to take the statistics of each image by itself, which are
            those of a batch of one image. Running averages do not move then.

    Returns:
        A tensor of the same shape.

    Example:
        >>> BatchNormalization()(keras.ops.ones((2, 8, 8, 3)), training=True).shape
        TensorShape([2, 8, 8, 3])
    """

    def __init__(
        self,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        center: bool = True,
        scale: bool = True,
        gamma_initializer: Any = "ones",
        beta_initializer: Any = "zeros",
        always_batch: bool = False,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.always_batch = always_batch
        self.gamma = self.beta = None

    def build(self, input_shape):
        def weight(name, initializer, **kwargs):
            shape = (input_shape[-1],)
            return self.add_weight(
                shape, initializer, name=name, autocast=False, **kwargs
            )

        # Every replica computes the same averages.
        running = {"trainable": False, "aggregation": "only_first_replica"}
        if self.scale:
            self.gamma = weight("gamma", self.gamma_initializer)
        if self.center:
            self.beta = weight("beta", self.beta_initializer)
        if not self.always_batch:
            self.moving_mean = weight("moving_mean", "zeros", **running)
            self.moving_variance = weight("moving_variance", "ones", **running)

    def call(self, inputs, training=False, per_image=False):
        # Half precision has too few digits for sums over a batch.
        dtype = self.variable_dtype
        x = ops.cast(inputs, dtype)
        if per_image:
            axes = tuple(range(1, len(x.shape) - 1))
            mean = ops.mean(x, axes, keepdims=True)
            variance = ops.mean(ops.square(x - mean), axes, keepdims=True)
        elif training or self.always_batch:
            axes = tuple(range(len(x.shape) - 1))
            mean = global_mean(ops.mean(x, axes))
            variance = global_mean(ops.mean(ops.square(x - mean), axes))
            if not self.always_batch and not are_statistics_kept():
                self._move_averages(x, mean, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        factor = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * self.gamma
        x = (x - mean) * factor
        if self.center:
            x = x + self.beta
        return ops.cast(x, self.compute_dtype)

    def _move_averages(self, x, mean, variance):
        rows = ops.cast(global_rows(x), self.variable_dtype)
        for side in ops.shape(x)[1:-1]:
            rows = rows * side
        unbiased = variance * rows / ops.maximum(rows - 1, 1)
        for average, new in (
            (self.moving_mean, mean),
            (self.moving_variance, unbiased),
        ):
            average.assign(self.momentum * average + (1 - self.momentum) * new)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        names = ("momentum", "epsilon", "center", "scale", "always_batch")
        serialize = keras.initializers.serialize
        return (
            super().get_config()
            | {name: getattr(self, name) for name in names}
            | {
                "gamma_initializer": serialize(self.gamma_initializer),
                "beta_initializer": serialize(self.beta_initializer),
            }
        )

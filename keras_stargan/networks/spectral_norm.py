"""A convolution whose kernel is divided by its spectral norm."""

import keras
from keras import ops

from keras_stargan.networks.batch_normalization import are_statistics_kept
from keras_stargan.networks.convolutions import PaddedConv2D


def _unit(vector):
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), 1e-12)


@keras.saving.register_keras_serializable("keras_stargan")
class SpectralConv2D(PaddedConv2D):
    """A padded convolution by W / sigma(W) (Miyato et al., 2018, algorithm 1).

    W is the kernel as a matrix with a row for each filter, and sigma(W) = u' W v nearly
    its largest singular value. At *every* call in training, one step of power iteration
    moves u: v = W'u / |W'u|, u = Wv / |Wv|, as in PyTorch. Gradients flow through W,
    and not through u and v. `keras.layers.SpectralNormalization` changes the kernel
    itself instead.

    Args:
        *args: as for `PaddedConv2D`.
        **kwargs: likewise.

    Call arguments:
        inputs: `(batch, height, width, channels)`.
        training: whether u moves.

    Returns:
        A tensor of the shape that `PaddedConv2D` gives.
    """

    def build(self, input_shape):
        super().build(input_shape)
        self.u = self.add_weight(
            (self.filters,),
            keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
            autocast=False,
            name="u",
            # Every replica computes the same u.
            aggregation="only_first_replica",
        )

    def call(self, inputs, training=False):
        kernel = ops.cast(self.kernel, self.variable_dtype)
        matrix = ops.reshape(kernel, (-1, self.filters))
        fixed = ops.stop_gradient(matrix)
        v = _unit(ops.matmul(fixed, self.u.value))
        u = _unit(ops.matmul(v, fixed))
        if training and not are_statistics_kept():
            self.u.assign(u)
        sigma = ops.sum(ops.matmul(v, matrix) * u)
        normalized = ops.cast(kernel / sigma, self.compute_dtype)
        outputs = self.convolution_op(self.padded(inputs), normalized)
        return outputs + self.bias if self.use_bias else outputs

"""Networks of `Guim3/IcGAN`, with biases also before batch normalizations.

An image of `size` px is halved `size.bit_length() - 3` times, until 4 are left.
"""

import keras
from keras import layers

from keras_stargan.networks import BatchNormalization, LeakyReLU, PaddedConv2D
from keras_stargan.networks.chain import Chain
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.initializers import fan_in_uniform, normal_002


def generator(size: int, code_dim: int, num_labels: int, width: int, **kwargs) -> Chain:
    """Makes G: codes `(n, code_dim)` and labels to images in [-1, 1]."""
    dtype = {"dtype": kwargs["dtype"]}

    def up(filters, strides=2, padding="same"):
        options = {"data_format": "channels_last", "kernel_initializer": normal_002()}
        return layers.Conv2DTranspose(filters, 4, strides, padding, **options, **dtype)

    widths = [width * 2**i for i in reversed(range(size.bit_length() - 3))]
    chain = [layers.Reshape((1, 1, code_dim), **dtype), up(widths[0], 1, "valid")]
    for filters in (*widths[1:], 3):
        chain += [_gan_norm(**dtype), layers.ReLU(**dtype), up(filters)]
    chain.append(layers.Activation("tanh", dtype=output_dtype(kwargs["dtype"])))
    return Chain(chain, (code_dim,), num_labels, joined=1, **kwargs)


def discriminator(size: int, num_labels: int, width: int, **kwargs) -> Chain:
    """Makes D: images and labels to the probability `(n, 1)` that both are real."""
    dtype, chain = {"dtype": kwargs["dtype"]}, []
    for i in range(size.bit_length() - 3):
        down = PaddedConv2D(width * 2**i, 4, strides=2, pad=1, **dtype)
        norm = [_gan_norm(**dtype)] if i else []
        chain += [down, *norm, LeakyReLU(0.2, **dtype)]
    chain += [PaddedConv2D(1, 4, **dtype), layers.Reshape((-1,), **dtype)]
    chain.append(layers.Activation("sigmoid", dtype=output_dtype(kwargs["dtype"])))
    return Chain(chain, (size, size, 3), num_labels, joined=2, **kwargs)


def encoder(size: int, outputs: int, units: int, width: int, **kwargs) -> Chain:
    """Makes E_z or E_y: images to codes or labels `(n, outputs)`."""
    dtype, chain, channels = {"dtype": kwargs["dtype"]}, [], 3

    def start(fan_in):  # Torch 7's default for weights and biases.
        names = ("kernel_initializer", "bias_initializer")
        return {name: fan_in_uniform(fan_in) for name in names}

    def norm_relu():
        scales = keras.initializers.RandomUniform(0.0, 1.0)
        norm = BatchNormalization(gamma_initializer=scales, **dtype)
        return [norm, layers.ReLU(**dtype)]

    for i in range(size.bit_length() - 3):
        options = {"strides": 2, "pad": 2, **start(25 * channels), **dtype}
        channels = width * 2**i
        chain += [PaddedConv2D(channels, 5, **options), *norm_relu()]
    # The published order of the features is channel, row, column.
    chain += [layers.Permute((3, 1, 2), **dtype), layers.Reshape((-1,), **dtype)]
    features, last = 4 * 4 * channels, {"dtype": output_dtype(kwargs["dtype"])}
    units = units or features
    chain += [layers.Dense(units, **start(features), **dtype), *norm_relu()]
    chain.append(layers.Dense(outputs, **start(units), **last))
    return Chain(chain, (size, size, 3), **kwargs)


def _gan_norm(**kwargs) -> BatchNormalization:
    scales = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNormalization(gamma_initializer=scales, **kwargs)

"""Initial weights."""

import keras


def fan_in_uniform(fan_in: int) -> keras.initializers.Initializer:
    """Uniform in +-1/sqrt(fan_in): PyTorch's default for weights and biases.

    Args:
        fan_in: number of values from which one output of the layer is computed, for
            instance `4 * 4 * 64` for a 4x4 convolution of 64 channels.
    """
    bound = fan_in**-0.5
    return keras.initializers.RandomUniform(-bound, bound)


def around_one() -> keras.initializers.Initializer:
    """Normal with mean 1 and standard deviation 0.02, as in pix2pix.

    Use it for the scale of a batch normalization; the shift starts at 0.
    """
    return keras.initializers.RandomNormal(1.0, 0.02)


def normal_002() -> keras.initializers.Initializer:
    """Normal with mean 0 and standard deviation 0.02, as in pix2pix and CycleGAN.

    Use it for kernels; biases start at 0 in these methods.
    """
    return keras.initializers.RandomNormal(0.0, 0.02)


def fan_in_normal() -> keras.initializers.Initializer:
    """Normal with mean 0 and standard deviation sqrt(2 / fan in) (He et al., 2015).

    The fan in is the number of values from which one output of the layer is computed.
    `keras.initializers.HeNormal` cuts the distribution off at two deviations.
    """
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")

"""Blocks that several methods share, in `keras.ops`."""

from keras_stargan.networks.initializers import fan_in_uniform
from keras_stargan.networks.instance_normalization import InstanceNormalization

__all__ = ["InstanceNormalization", "fan_in_uniform"]

"""Layers that more than one network uses."""

from keras_stargan.layers.initializers import fan_in_uniform
from keras_stargan.layers.instance_normalization import InstanceNormalization

__all__ = ["InstanceNormalization", "fan_in_uniform"]

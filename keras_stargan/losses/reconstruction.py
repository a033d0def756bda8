"""Distances between images."""

import keras
from keras import ops


def l1_loss(a: keras.KerasTensor, b: keras.KerasTensor) -> keras.KerasTensor:
    """Mean absolute difference over every element (StarGAN, equation 4)."""
    return ops.mean(ops.abs(a - b))

"""Distances between images and their reconstructions."""

import keras
from keras import ops


def l1_loss(a: keras.KerasTensor, b: keras.KerasTensor) -> keras.KerasTensor:
    """Mean absolute difference of two tensors of one shape (StarGAN, equation 4)."""
    return ops.mean(ops.abs(a - b))

"""Training: the engine all methods share, its randomness, optimizer, callbacks."""

from keras_stargan.training.engine import AdversarialModel
from keras_stargan.training.gradients import input_gradient
from keras_stargan.training.optimizers import Adam
from keras_stargan.training.schedules import (
    constant_then_falling,
    constant_then_linear,
)
from keras_stargan.training.updates import Update, num_rows

__all__ = [
    "Adam",
    "AdversarialModel",
    "Update",
    "constant_then_falling",
    "constant_then_linear",
    "input_gradient",
    "num_rows",
]

"""Training: the engine all methods share, its randomness, optimizer, callbacks."""

from keras_stargan.training.engine import AdversarialModel, Update
from keras_stargan.training.gradients import input_gradient
from keras_stargan.training.optimizers import Adam

__all__ = ["Adam", "AdversarialModel", "Update", "input_gradient"]

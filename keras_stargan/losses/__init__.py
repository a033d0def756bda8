"""Loss terms that several methods share: pure functions of tensors."""

from keras_stargan.losses.adversarial import (
    ADVERSARIAL_LOSSES,
    adversarial_loss,
    least_squares_loss,
    named_adversarial_loss,
    r1_penalty,
    wasserstein_loss,
)
from keras_stargan.losses.classification import (
    classification_loss,
    classification_losses,
)
from keras_stargan.losses.gradients import gradient_penalty, mixed_images
from keras_stargan.losses.mode_seeking import mode_seeking_loss
from keras_stargan.losses.reconstruction import l1_loss

__all__ = [
    "ADVERSARIAL_LOSSES",
    "adversarial_loss",
    "classification_loss",
    "classification_losses",
    "gradient_penalty",
    "l1_loss",
    "least_squares_loss",
    "mixed_images",
    "mode_seeking_loss",
    "named_adversarial_loss",
    "r1_penalty",
    "wasserstein_loss",
]

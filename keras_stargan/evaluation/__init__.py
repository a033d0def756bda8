"""Figures of merit of translations, and the classifier that judges them."""

from keras_stargan.evaluation.classifier import (
    build_classifier,
    classification_error,
    train_classifier,
)
from keras_stargan.evaluation.translation import evaluate_translations

__all__ = [
    "build_classifier",
    "classification_error",
    "evaluate_translations",
    "train_classifier",
]

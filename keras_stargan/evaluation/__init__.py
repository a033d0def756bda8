"""Figures of merit of translations, and the classifiers that judge them."""

from keras_stargan.evaluation.attributes import attribute_errors, attribute_groups
from keras_stargan.evaluation.classifier import (
    build_classifier,
    classification_error,
    predict_logits,
    train_classifier,
)
from keras_stargan.evaluation.diverse_translation import (
    check_sets,
    evaluate_diverse_translations,
)
from keras_stargan.evaluation.features import FeatureNetwork
from keras_stargan.evaluation.inception import load_inception
from keras_stargan.evaluation.lpips import load_lpips
from keras_stargan.evaluation.resnet import build_resnet18
from keras_stargan.evaluation.translation import TrueAnswers, evaluate_translations

__all__ = [
    "FeatureNetwork",
    "TrueAnswers",
    "attribute_errors",
    "attribute_groups",
    "build_classifier",
    "build_resnet18",
    "check_sets",
    "classification_error",
    "evaluate_diverse_translations",
    "evaluate_translations",
    "load_inception",
    "load_lpips",
    "predict_logits",
    "train_classifier",
]

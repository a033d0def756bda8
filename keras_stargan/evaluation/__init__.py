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
from keras_stargan.evaluation.translation import (
    GroundTruthErrors,
    evaluate_translations,
)
from keras_stargan.pretrained.feature_network import FeatureNetwork
from keras_stargan.pretrained.inception import load_inception
from keras_stargan.pretrained.lpips import load_lpips
from keras_stargan.pretrained.resnet import build_resnet18

__all__ = [
    "FeatureNetwork",
    "GroundTruthErrors",
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

"""Figures of merit of translations, and the classifiers that judge them."""

from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names

if TYPE_CHECKING:
    from keras_stargan.evaluation.by_attribute import attribute_errors, attribute_groups
    from keras_stargan.evaluation.by_diversity import (
        check_sets,
        evaluate_diverse_translations,
    )
    from keras_stargan.evaluation.by_label import (
        GroundTruthErrors,
        evaluate_translations,
    )
    from keras_stargan.evaluation.classifier import (
        build_classifier,
        classification_error,
        predict_logits,
        train_classifier,
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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "FeatureNetwork": "keras_stargan.pretrained.feature_network",
        "GroundTruthErrors": "keras_stargan.evaluation.by_label",
        "attribute_errors": "keras_stargan.evaluation.by_attribute",
        "attribute_groups": "keras_stargan.evaluation.by_attribute",
        "build_classifier": "keras_stargan.evaluation.classifier",
        "build_resnet18": "keras_stargan.pretrained.resnet",
        "check_sets": "keras_stargan.evaluation.by_diversity",
        "classification_error": "keras_stargan.evaluation.classifier",
        "evaluate_diverse_translations": "keras_stargan.evaluation.by_diversity",
        "evaluate_translations": "keras_stargan.evaluation.by_label",
        "load_inception": "keras_stargan.pretrained.inception",
        "load_lpips": "keras_stargan.pretrained.lpips",
        "predict_logits": "keras_stargan.evaluation.classifier",
        "train_classifier": "keras_stargan.evaluation.classifier",
    },
)

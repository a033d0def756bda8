"""The networks that judge translations by their diversity."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras

from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.by_diversity import (
    GUIDES,
    evaluate_diverse_translations,
)
from keras_stargan.evaluation.classifier import train_classifier
from keras_stargan.methods.base import TranslationModel
from keras_stargan.pretrained.feature_network import FeatureNetwork
from keras_stargan.pretrained.inception import load_inception
from keras_stargan.pretrained.lpips import LPIPS, load_lpips

# The papers' figures, by their titles: as they are called with the papers' networks,
# and what takes their place in other networks' features.
_COLUMNS = {
    "FID": ("fid", "frechet_distance"),
    "KID": ("kid", "kernel_distance"),
    "LPIPS": ("lpips", "feature_distance"),
}


@dataclasses.dataclass(frozen=True)
class Judges:
    """The networks that an evaluation by diversity is made with.

    Args:
        network: in whose features images are compared; Inception-v3 for FID and KID.
            Without, the features of the classifier are taken.
        lpips: for LPIPS; without, there is no LPIPS.
        classifier: of the domains, trained on real images.
    """

    network: FeatureNetwork | None = None
    lpips: LPIPS | None = None
    classifier: keras.Model | None = None

    @classmethod
    def load(
        cls,
        inception: str | os.PathLike | None = None,
        lpips: str | os.PathLike | None = None,
    ) -> Judges:
        """Reads the networks.

        Args:
            inception: as for `load_inception`: a file, or `"imagenet"`.
            lpips: the file of torchvision's AlexNet.
        """
        return cls(
            load_inception(inception) if inception else None,
            load_lpips(lpips) if lpips else None,
        )

    def with_classifier(self, train_set: ImageSet, seed: int) -> Judges:
        """The same judges with a classifier, trained now if one is needed.

        Args:
            train_set: the real images to train it on.
            seed: of its training.
        """
        if self.network is not None or self.classifier is not None:
            return self
        print("Training the classifier that judges the translations.")
        return dataclasses.replace(
            self, classifier=train_classifier(train_set, seed=seed)
        )

    def figures(
        self,
        model: TranslationModel,
        test_set: ImageSet,
        train_set: ImageSet,
        **options: Any,
    ) -> dict[str, Any]:
        """What `evaluate_diverse_translations` finds.

        Args:
            model: the model.
            test_set: the images to translate.
            train_set: the real images to compare with.
            **options: as for `evaluate_diverse_translations`.
        """
        network = self.network or FeatureNetwork.of_classifier(
            "the classifier of this run", self.classifier
        )
        return evaluate_diverse_translations(
            model,
            test_set,
            train_set,
            network,
            self.lpips,
            self.classifier,
            **options,
        )


def guides_in(figures: dict[str, Any]) -> list[str]:
    """The guides, as they are called in figures, whose translations were measured."""
    return [name for name in GUIDES.values() if name in figures]


def columns(figures: dict[str, Any]) -> dict[str, str]:
    """Maps the titles of a table's columns to the names of the figures in them.

    Args:
        figures: from `evaluate_diverse_translations`.
    """
    found, named = figures[guides_in(figures)[0]], {}
    for title, (own, other) in _COLUMNS.items():
        if own in found:
            named[title] = own
        else:
            named[other.replace("_", " ")] = other
    if "classification_error_percent" in found:
        named["% of another domain"] = "classification_error_percent"
    return named

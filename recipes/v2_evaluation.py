"""What the recipes that evaluate a StarGAN v2 share: networks that judge, columns."""

import dataclasses
from typing import Any

import keras
from absl import flags

from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    FeatureNetwork,
    evaluate_diverse_translations,
    load_inception,
    load_lpips,
    train_classifier,
)
from keras_stargan.pretrained.lpips import LPIPS

# The paper's figures by what they are, and what takes their place in other networks'
# features.
_COLUMNS = {
    "FID": ("fid", "frechet_distance"),
    "KID": ("kid", "kernel_distance"),
    "LPIPS": ("lpips", "feature_distance"),
}

FLAGS = flags.FLAGS
# The flags are the recipes', or their --help would not show them.
flags.disclaim_key_flags()


def define_flags() -> None:
    """Defines the flags that name the networks."""
    flags.DEFINE_string(
        "inception",
        None,
        "Inception-v3 for FID and KID: a file of torchvision's weights, which the "
        "published code takes, or of the standard FID's; or imagenet, Keras' own. "
        "Default: no FID, but the features of a classifier that is trained on the "
        "spot, which then also says what is not taken for its domain.",
    )
    flags.DEFINE_string("lpips", None, "LPIPS: the file of torchvision's AlexNet.")


@dataclasses.dataclass(frozen=True)
class Judges:
    """The networks that an evaluation is made with.

    Args:
        inception: None to train a classifier in its place.
        lpips: None for no LPIPS.
        classifier: the one trained.
    """

    inception: FeatureNetwork | None = None
    lpips: LPIPS | None = None
    classifier: keras.Model | None = None

    @classmethod
    def of_flags(cls) -> "Judges":
        """Those that flags name, read from their files."""
        return cls(
            load_inception(FLAGS.inception) if FLAGS.inception else None,
            load_lpips(FLAGS.lpips) if FLAGS.lpips else None,
        )

    def trained(self, train_set: ImageSet, seed: int) -> "Judges":
        """The same with a classifier, if one is needed."""
        if self.inception is not None:
            return self
        print("Training the classifier that judges the translations.")
        return dataclasses.replace(
            self, classifier=train_classifier(train_set, seed=seed)
        )

    def figures(
        self, model: Any, test_set: ImageSet, train_set: ImageSet, **options
    ) -> dict:
        """What `evaluate_diverse_translations` finds."""
        network = self.inception or FeatureNetwork.of_classifier(
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


def columns(figures: dict) -> dict[str, str]:
    """The names of the figures in a table's columns, by the columns' titles.

    Args:
        figures: from `evaluate_diverse_translations`.
    """
    found, named = figures["latents"], {}
    for title, (own, other) in _COLUMNS.items():
        if own in found:
            named[title] = own
        else:
            named[other.replace("_", " ")] = other
    if "classification_error_percent" in found:
        named["% of another domain"] = "classification_error_percent"
    return named

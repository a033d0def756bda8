"""A network whose features are used to compare images."""

import dataclasses
import hashlib
from collections.abc import Callable

import keras
import numpy as np

from keras_stargan.images import from_uint8
from keras_stargan.networks.batches import in_batches


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A network whose features are used to compare images.

    `inception.load_inception` gives Inception-v3. The figures of any other network can
    be compared only with each other, and are never called FID or KID.

    Args:
        name: the network's name, which the figures contain.
        network: takes float images `(n, height, width, 3)` in [-1, 1] and gives
            features `(n, d)`. Either a `keras.Model`, or any callable. The statistics
            of a callable are not cached, since a change of it cannot be noticed.
        is_inception: whether the figures are called FID and KID. Only
            `load_inception` sets it.

    Example:
        ```python
        classifier = evaluation.train_classifier(train_set)
        network = FeatureNetwork.of_classifier("a classifier of cats", classifier)
        ```
    """

    name: str
    network: Callable
    is_inception: bool = False

    @classmethod
    def of_classifier(cls, name: str, classifier: keras.Model) -> "FeatureNetwork":
        """A network that gives the features from which a classifier computes logits.

        Args:
            name: the network's name, which the figures contain.
            classifier: a model, such as `train_classifier` gives, whose last layer
                gives the logits.
        """
        return cls(name, keras.Model(classifier.input, classifier.layers[-1].input))

    def features(self, images: np.ndarray, batch_size: int = 32) -> np.ndarray:
        """Computes the features of images.

        Args:
            images: `(n, height, width, 3)`, n > 0, uint8, or float in [-1, 1].
            batch_size: number of images that pass through the network at once.

        Returns:
            A float32 array `(n, d)`.

        Raises:
            ValueError: for images of another shape or type, or features of another
                shape, or features that are not finite.
        """
        images = np.asarray(images)
        kind = images.dtype.kind
        if (
            images.ndim != 4
            or images.shape[3] != 3
            or not len(images)
            or (images.dtype != np.uint8 and kind != "f")
        ):
            raise ValueError(
                "images must be uint8, or float in [-1, 1], of shape (n, height, "
                f"width, 3), n > 0; received {images.dtype} of shape {images.shape}."
            )
        features = in_batches(
            lambda x: self.network(
                x.astype("float32") if kind == "f" else from_uint8(x)
            ),
            batch_size,
            images,
        ).astype("float32")
        if features.shape != (len(images), features.shape[-1]):
            raise ValueError(
                f"{self.name} must give features of shape ({len(images)}, d) for "
                f"{len(images)} images; it gave {features.shape}."
            )
        if not np.isfinite(features).all():
            raise ValueError(f"{self.name} gave features that are not finite.")
        return features

    def fingerprint(self) -> str | None:
        """A hash of the name and the weights; None if it is not a `keras.Model`."""
        if not isinstance(self.network, keras.Model):
            return None
        digest = hashlib.sha256(repr((self.name, self.network.count_params())).encode())
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        return digest.hexdigest()

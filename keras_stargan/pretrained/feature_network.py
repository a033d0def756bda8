"""A network in whose features images are compared."""

import dataclasses
import hashlib
from collections.abc import Callable

import keras
import numpy as np

from keras_stargan.images import from_uint8
from keras_stargan.networks.batches import in_batches


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureNetwork:
    """A network in whose features images are compared.

    Inception-v3 comes from `inception.load_inception`. Any other network gives figures
    that can be compared with each other only, and are never called FID or KID.

    Args:
        name: says in figures which network it is.
        network: from float images `(n, height, width, 3)` in [-1, 1] to features
            `(n, d)`; a `keras.Model`, or any callable, whose statistics are then not
            kept, since nothing tells when they are stale.
        is_inception: whether figures are called FID and KID. Leave it as it is.

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
        """What a classifier makes its logits from.

        Args:
            name: as above.
            classifier: as from `train_classifier`: its last layer gives the logits.
        """
        return cls(name, keras.Model(classifier.input, classifier.layers[-1].input))

    def features(self, images: np.ndarray, batch_size: int = 32) -> np.ndarray:
        """The features of images.

        Args:
            images: `(n, height, width, 3)`, n > 0, uint8, or float in [-1, 1].
            batch_size: how many are looked at at once.

        Returns:
            A float32 array `(n, d)`.

        Raises:
            ValueError: for images of another shape or type, or features that are
                not so, or not finite.
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
        """What tells the network from others; None if it has no weights to tell by."""
        if not isinstance(self.network, keras.Model):
            return None
        digest = hashlib.sha256(repr((self.name, self.network.count_params())).encode())
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight))
        return digest.hexdigest()

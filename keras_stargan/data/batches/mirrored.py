"""Batches of classifiers: shuffled images with their targets, mirrored at random."""

import keras
import numpy as np

from keras_stargan.data.streamed_images import Images
from keras_stargan.images import from_uint8


class MirroredBatches(keras.utils.PyDataset):
    """A fixed number of shuffled batches; an image is mirrored half of the time.

    A batch depends on the seed and its number alone.

    Args:
        images: uint8 array of shape `(n, size, size, 3)`, n > 0. It stays where it is;
            only the images of a batch are copied.
        targets: array with a row for each image.
        steps: number of batches.
        batch_size: images in a batch.
        seed: decides the order of the images, and which are mirrored.
    """

    def __init__(
        self,
        images: Images,
        targets: np.ndarray,
        steps: int,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        rng = np.random.default_rng(seed)
        count, drawn = len(images), steps * batch_size
        passes = [rng.permutation(count) for _ in range(-(-drawn // count))]
        # All drawn beforehand, so that no order of access changes a batch.
        self._order = np.concatenate(passes)[:drawn].reshape(steps, batch_size)
        self._mirror = rng.random((steps, batch_size)) < 0.5
        self._images, self._targets = images, targets

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen, mirror = self._order[index], self._mirror[index]
        images = from_uint8(self._images[chosen])
        images[mirror] = images[mirror, :, ::-1]
        return images, self._targets[chosen]

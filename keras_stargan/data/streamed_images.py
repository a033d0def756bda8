"""Images that are decoded when they are asked for, of a data set larger than memory."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np

# Images that are in memory at a time where somebody looks at all of them in turn.
_PORTION = 64


class StreamedImages:
    """A uint8 array of images, of which only those are decoded that are asked for.

    `images[i]`, `images[rows]`, `images.take(rows)` and iteration give what a NumPy
    array of the same images gives. Several images are decoded at a time, in threads
    that all sets share. Nothing that was decoded is kept.

    Args:
        decode: gives the image of a number: uint8 `(image_size, image_size, 3)`. It is
            called in several threads at once.
        rows: the numbers of the images, or how many there are.
        image_size: width and height of the images, in pixels.
        identity: what tells these images from all others; empty if nothing does.

    Attributes:
        fault: the last error of an image that cannot be read, if there was one. From
            inside a `tf.data` pipeline, the error itself comes as TensorFlow's.
    """

    dtype = np.dtype("uint8")
    ndim = 4

    def __init__(
        self,
        decode: Callable[[int], np.ndarray],
        rows: np.ndarray | int,
        image_size: int,
        identity: bytes = b"",
    ) -> None:
        self.fault: Exception | None = None
        self._identity = identity
        self._decode = decode
        self._rows = np.arange(rows) if isinstance(rows, int) else rows
        self.shape = (len(self._rows), image_size, image_size, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: Any) -> np.ndarray:
        rows = self._rows[which]
        if isinstance(rows, np.integer):
            return self._decode(int(rows))
        images = np.empty((len(rows), *self.shape[1:]), "uint8")

        def fill(index: int) -> None:
            images[index] = self._decode(int(rows[index]))

        try:
            for _ in _threads().map(fill, range(len(rows))):
                pass
        except (OSError, ValueError) as error:
            self.fault = error
            raise
        return images

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        """The images of some indices, as `numpy.ndarray.take` along the first axis."""
        if axis != 0:
            raise ValueError(f"Images can be taken along axis 0; received {axis}.")
        return self[np.asarray(rows)]

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self), _PORTION):
            yield from self[start : start + _PORTION]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Decodes all images: only for a set that fits into memory."""
        if copy is False:
            raise ValueError("Decoded images are always a copy.")
        return self[:] if dtype is None else self[:].astype(dtype)

    def subset(self, which: Any) -> StreamedImages:
        """Some of the images, of which none is decoded yet.

        Args:
            which: indices, a boolean for each image, or a slice.
        """
        rows = self._rows[which]
        return StreamedImages(self._decode, rows, self.shape[1], self._identity)

    def fingerprint(self, which: Any) -> bytes:
        """What tells some of the images from all others, without decoding them.

        Args:
            which: as for `subset`.

        Returns:
            Bytes that other images do not have; none if that is not known.
        """
        return self._identity and self._identity + self._rows[which].tobytes()


# What an image set has.
Images: TypeAlias = np.ndarray | StreamedImages


def joined(first: Images, second: Images) -> Images:
    """The images of two sets of one size, one set after the other.

    Args:
        first: uint8 `(n, size, size, 3)`.
        second: uint8 `(m, size, size, 3)`.

    Returns:
        `n + m` images; streamed if either set is.
    """
    if not any(isinstance(images, StreamedImages) for images in (first, second)):
        return np.concatenate([first, second])
    n = len(first)
    return StreamedImages(
        lambda row: first[row] if row < n else second[row - n],
        n + len(second),
        first.shape[1],
    )


@functools.cache
def _threads() -> ThreadPoolExecutor:
    # More than cores: those that wait for a disk or a network keep none busy.
    return ThreadPoolExecutor(max(32, 2 * (os.cpu_count() or 1)), "decode")

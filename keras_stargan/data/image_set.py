"""Labelled images, in memory or decoded when they are asked for."""

import dataclasses
import functools

import numpy as np
from PIL import Image

from keras_stargan.data.labelled import Labelled
from keras_stargan.data.streamed_images import Images, StreamedImages
from keras_stargan.labels import LabelSet

# What `sample_varied` looks at, at most, and how large: enough to tell motifs apart,
# and little enough to take a second on a set of any size.
_CANDIDATES = 1000
_THUMBNAIL_SIZE = 16


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet(Labelled):
    """Square images with their labels.

    Args:
        images: uint8 array of shape `(n, size, size, 3)`, RGB. A memory-mapped array
            is neither copied nor read through. `StreamedImages` are decoded only
            when they are asked for.
        labels: array of shape `(n, len(label_set))` of zeros and ones, one-hot
            if the label set is categorical; kept as float32.
        label_set: says what the entries of a label mean.
        subjects: array of shape `(n,)` of int or str: the person or animal on each
            image. Images of one subject are never split between training and test.
        aligned: whether two images of one subject differ only by what their labels
            say, as in rendered data.

    Raises:
        ValueError: if an array has the wrong shape, type or length, if there is no
            image at all, or if a label is not as described above.
    """

    _per_image = ("images", "labels", "subjects")

    images: Images
    labels: np.ndarray
    label_set: LabelSet
    subjects: np.ndarray
    aligned: bool = False

    def __post_init__(self) -> None:
        images = self.images
        if not isinstance(images, StreamedImages):
            images = np.asarray(images)
        n = len(images) if images.ndim else 0
        square = images.ndim == 4 and images.shape[1] == images.shape[2]
        if n == 0 or not square or images.shape[3] != 3 or images.dtype != "uint8":
            raise ValueError(
                "images must be a uint8 array of shape (n, size, size, 3), n > 0; "
                f"received {images.dtype} of shape {images.shape}."
            )
        object.__setattr__(self, "images", images)
        self._validate(n)

    def ground_truth_indices(
        self, indices: np.ndarray, target_labels: np.ndarray
    ) -> np.ndarray:
        """Finds the images that perfect translations would equal.

        Args:
            indices: integers of shape `(m,)`: the images that are translated.
            target_labels: array of shape `(m, len(label_set))`: the label that each
                of them is translated to.

        Returns:
            Integers of shape `(m,)`: for each, the index of the image of the same
            subject with exactly the target label.

        Raises:
            ValueError: if the set is not aligned, or has no such image.
        """
        if not self.aligned:
            raise ValueError(
                "Only an aligned image set, such as load_avatars gives, has true "
                "answers; this one has aligned=False."
            )
        targets = np.asarray(target_labels, "float32")
        if targets.shape != (len(indices), len(self.label_set)):
            raise ValueError(
                f"target_labels must have shape {(len(indices), len(self.label_set))}, "
                f"a row for each index; received {targets.shape}."
            )
        found = []
        for subject, target in zip(self.subjects[indices], targets, strict=True):
            index = self._index_of.get((subject, tuple(target)))
            if index is None:
                raise ValueError(
                    f"There is no image of subject {subject} with the label "
                    f"{target.tolist()}."
                )
            found.append(index)
        return np.array(found, int)

    @functools.cached_property
    def _index_of(self) -> dict[tuple, int]:
        """Maps a subject and its label to an image's index."""
        keys = zip(self.subjects, map(tuple, self.labels), strict=True)
        return {key: index for index, key in enumerate(keys)}

    def sample_evenly(self, count: int | None) -> np.ndarray:
        """Chooses images whose labels and subjects are as evenly mixed as possible.

        Among equally good images, the first is taken. For figures: they stay
        comparable as long as this choice does. To look at, `sample_varied` is better.

        Args:
            count: how many images; all if there are fewer, or for None.

        Returns:
            Indices, integers of shape `(count,)`, ascending, always the same.

        Raises:
            ValueError: for a count below 1.
        """
        if count is not None and count < 1:
            raise ValueError(f"At least 1 image must be chosen; received {count}.")
        if count is None or count >= len(self):
            return np.arange(len(self))
        label, subject = _numbered(self.labels), _numbered(self.subjects)
        label_uses = np.zeros(label.max() + 1)
        subject_uses = np.zeros(subject.max() + 1)
        taken = np.zeros(len(self), bool)
        for _ in range(count):
            uses = label_uses[label] + subject_uses[subject]
            best = np.argmin(np.where(taken, np.inf, uses))
            taken[best] = True
            label_uses[label[best]] += 1
            subject_uses[subject[best]] += 1
        return np.flatnonzero(taken)

    def sample_varied(self, count: int) -> np.ndarray:
        """Chooses images to look at: of every label in turn, and unlike each other.

        Each choice has a label that was chosen least often so far and, if there is a
        choice of subjects, a subject that was chosen least often. Among these, it is
        the image that resembles most images which resemble no earlier choice: a motif
        is shown again only when there is no other. Thumbnails are compared. In
        a large set, 1,000 images drawn at random, evenly over the labels, are
        considered.

        Args:
            count: how many images; all if there are fewer.

        Returns:
            Indices, integers of shape `(count,)`, ascending, always the same.
        """
        if count >= len(self):
            return np.arange(len(self))
        candidates = _shuffled_in_turn(_numbered(self.labels))[
            : max(count, _CANDIDATES)
        ]
        label = _numbered(self.labels[candidates])
        subject = _numbered(self.subjects[candidates])
        distances = _thumbnail_distances(self.images, candidates)
        # To the nearest choice so far. Before the first one: as far as can be.
        nearest = distances.max(axis=1)
        label_uses = np.zeros(label.max() + 1)
        subject_uses = np.zeros(subject.max() + 1)
        free = np.ones(len(candidates), bool)
        for _ in range(count):
            uses = label_uses[label] * (count + 1) + subject_uses[subject]
            allowed = free & (uses == uses[free].min())
            # By how much each candidate would bring all images nearer to a choice.
            gains = np.maximum(nearest[:, None] - distances, 0).sum(axis=0)
            best = np.argmax(np.where(allowed, gains, -1.0))
            free[best] = False
            nearest = np.minimum(nearest, distances[best])
            label_uses[label[best]] += 1
            subject_uses[subject[best]] += 1
        return np.sort(candidates[~free])


def _numbered(values: np.ndarray) -> np.ndarray:
    """Numbers from 0 for values (or rows), the same number for equal ones."""
    axis = 0 if values.ndim > 1 else None
    return np.unique(values, axis=axis, return_inverse=True)[1].reshape(-1)


def _shuffled_in_turn(label: np.ndarray) -> np.ndarray:
    """Indices in an order that takes one random image of each label in turn."""
    order = np.random.default_rng(0).permutation(len(label))
    grouped = order[np.argsort(label[order], kind="stable")]
    counts = np.bincount(label)
    turn = np.arange(len(label)) - np.repeat(np.cumsum(counts) - counts, counts)
    return grouped[np.argsort(turn, kind="stable")]


def _thumbnail_distances(images: Images, indices: np.ndarray) -> np.ndarray:
    """Euclidean distances between some images' thumbnails, `(m, m)`."""
    size = (_THUMBNAIL_SIZE, _THUMBNAIL_SIZE)
    # In portions: 1,000 large images might not fit into memory.
    portions = (indices[i : i + 64] for i in range(0, len(indices), 64))
    thumbnails = np.stack(
        [
            np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
            for portion in portions
            for image in images[portion]
        ]
    )
    points = thumbnails.reshape(len(indices), -1).astype("float64")
    squares = np.sum(points**2, axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    return np.sqrt(np.maximum(distances, 0))

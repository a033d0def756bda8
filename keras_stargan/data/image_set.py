"""Labelled pictures, decoded."""

import dataclasses
import functools

import numpy as np

from keras_stargan.data.labelled import Labelled
from keras_stargan.labels import LabelSet


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet(Labelled):
    """Square pictures of people with their labels.

    Args:
        images: uint8 array of shape `(n, size, size, 3)`, RGB; a memory-mapped
            one is neither copied nor looked through.
        labels: array of shape `(n, len(label_set))` of zeros and ones, one-hot
            if the label set is categorical; kept as float32.
        label_set: what the entries of a label mean.
        subjects: array of shape `(n,)` of int or str: who is on each picture.
        aligned: whether two pictures of one person differ only by what their
            labels say, as in rendered data.

    Raises:
        ValueError: for arrays of another shape, type or length, for no
            pictures at all, or for labels that are not as said above.
    """

    _per_picture = ("images", "labels", "subjects")

    images: np.ndarray
    labels: np.ndarray
    label_set: LabelSet
    subjects: np.ndarray
    aligned: bool = False

    def __post_init__(self) -> None:
        images = np.asarray(self.images)
        n = len(images) if images.ndim else 0
        square = images.ndim == 4 and images.shape[1] == images.shape[2]
        if n == 0 or not square or images.shape[3] != 3 or images.dtype != "uint8":
            raise ValueError(
                "images must be a uint8 array of shape (n, size, size, 3), n > 0; "
                f"received {images.dtype} of shape {images.shape}."
            )
        object.__setattr__(self, "images", images)
        self._check(n)

    def ground_truth_indices(
        self, indices: np.ndarray, target_labels: np.ndarray
    ) -> np.ndarray:
        """Find the true answers of translations.

        Args:
            indices: integers of shape `(m,)`, the pictures that are translated.
            target_labels: array of shape `(m, len(label_set))`, to what.

        Returns:
            Integers of shape `(m,)`: the same person's picture with exactly
            the target label.

        Raises:
            ValueError: if the set is not aligned, or has no such picture.
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
        answers = []
        for person, target in zip(self.subjects[indices], targets, strict=True):
            answer = self._places.get((person, tuple(target)))
            if answer is None:
                raise ValueError(
                    f"There is no picture of person {person} with the label "
                    f"{target.tolist()}."
                )
            answers.append(answer)
        return np.array(answers, int)

    @functools.cached_property
    def _places(self) -> dict[tuple, int]:
        keys = zip(self.subjects, map(tuple, self.labels), strict=True)
        return {key: place for place, key in enumerate(keys)}

    def sample_evenly(self, count: int) -> np.ndarray:
        """Indices of some pictures, as evenly over labels and people as they allow.

        Args:
            count: how many; all if there are fewer.

        Returns:
            Integers of shape `(count,)`, ascending, always the same.
        """
        if count >= len(self):
            return np.arange(len(self))
        label = np.unique(self.labels, axis=0, return_inverse=True)[1].reshape(-1)
        person = np.unique(self.subjects, return_inverse=True)[1]
        label_uses, person_uses = np.zeros(label.max() + 1), np.zeros(person.max() + 1)
        taken = np.zeros(len(self), bool)
        for _ in range(count):
            uses = label_uses[label] + person_uses[person]
            best = np.argmin(np.where(taken, np.inf, uses))
            taken[best] = True
            label_uses[label[best]] += 1
            person_uses[person[best]] += 1
        return np.flatnonzero(taken)

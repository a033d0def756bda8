"""Labelled pictures in memory."""

import dataclasses
import functools

import numpy as np

from keras_stargan.labels import LabelSet


@dataclasses.dataclass(frozen=True, eq=False)
class ImageSet:
    """Square pictures of people with their labels.

    Args:
        images: uint8 array of shape `(n, size, size, 3)`, RGB.
        labels: array of shape `(n, len(label_set))` of zeros and ones, one-hot
            if the label set is categorical; kept as float32.
        label_set: what the entries of a label mean.
        people: array of shape `(n,)` of int or str: who is on each picture.
        aligned: whether two pictures of one person differ only by what their
            labels say, as in rendered data.

    Raises:
        ValueError: for arrays of another shape, type or length, for no
            pictures at all, or for labels that are not as said above.
    """

    images: np.ndarray
    labels: np.ndarray
    label_set: LabelSet
    people: np.ndarray
    aligned: bool = False

    def __post_init__(self) -> None:
        images = np.asarray(self.images)
        labels = np.asarray(self.labels, "float32")
        people = np.asarray(self.people)
        n = len(images) if images.ndim else 0
        square = images.ndim == 4 and images.shape[1] == images.shape[2]
        if n == 0 or not square or images.shape[3] != 3 or images.dtype != "uint8":
            raise ValueError(
                "images must be a uint8 array of shape (n, size, size, 3), n > 0; "
                f"received {images.dtype} of shape {images.shape}."
            )
        if labels.shape != (n, len(self.label_set)):
            raise ValueError(
                f"labels must have shape {(n, len(self.label_set))}: {n} images, "
                f"{len(self.label_set)} labels; received {labels.shape}."
            )
        if people.shape != (n,) or people.dtype.kind not in "iuU":
            raise ValueError(
                f"people must be {n} integers or strings, one an image; received "
                f"{people.dtype} of shape {people.shape}."
            )
        wrong = ~np.isin(labels, (0, 1)).all(axis=1)
        if self.label_set.kind == "categorical":
            wrong |= labels.sum(axis=1) != 1
        if wrong.any():
            first = int(wrong.argmax())
            raise ValueError(
                f"{self.label_set.kind} labels must be "
                f"{'one-hot' if self.label_set.kind == 'categorical' else '0 or 1'}; "
                f"label {first} is {labels[first].tolist()}."
            )
        for name, value in (("images", images), ("labels", labels), ("people", people)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.images)

    def answer_indices(
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
        for person, target in zip(self.people[indices], targets, strict=True):
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
        keys = zip(self.people, map(tuple, self.labels), strict=True)
        return {key: place for place, key in enumerate(keys)}

    def split_by_person(
        self, fraction: float, seed: int = 0
    ) -> tuple["ImageSet", "ImageSet"]:
        """Split into a training and a test part that share no person.

        Args:
            fraction: share of the people, in (0, 1), that go to the test part;
                rounded, but at least one and never all.
            seed: decides who.

        Returns:
            The training part and the test part.

        Raises:
            ValueError: for a fraction outside (0, 1), or a set of one person.
        """
        everyone = np.unique(self.people)
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1); received {fraction}.")
        if len(everyone) < 2:
            raise ValueError(
                f"A split by person needs two people; all {len(self)} pictures "
                f"are of {everyone[0]}."
            )
        held_out = min(max(round(fraction * len(everyone)), 1), len(everyone) - 1)
        chosen = np.random.default_rng(seed).permutation(everyone)[:held_out]
        test = np.isin(self.people, chosen)
        return self.subset(~test), self.subset(test)

    def spread(self, count: int) -> np.ndarray:
        """Indices of some pictures, as evenly over labels and people as they allow.

        Args:
            count: how many; all if there are fewer.

        Returns:
            Integers of shape `(count,)`, ascending, always the same.
        """
        if count >= len(self):
            return np.arange(len(self))
        label = np.unique(self.labels, axis=0, return_inverse=True)[1].reshape(-1)
        person = np.unique(self.people, return_inverse=True)[1]
        label_uses, person_uses = np.zeros(label.max() + 1), np.zeros(person.max() + 1)
        taken = np.zeros(len(self), bool)
        for _ in range(count):
            uses = label_uses[label] + person_uses[person]
            best = np.argmin(np.where(taken, np.inf, uses))
            taken[best] = True
            label_uses[label[best]] += 1
            person_uses[person[best]] += 1
        return np.flatnonzero(taken)

    def subset(self, which: np.ndarray) -> "ImageSet":
        """Take some of the pictures: indices, or a boolean for each picture."""
        return dataclasses.replace(
            self,
            images=self.images[which],
            labels=self.labels[which],
            people=self.people[which],
        )

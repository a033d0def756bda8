"""What labelled pictures in files and in memory share."""

import dataclasses
from typing import ClassVar, TypeVar

import numpy as np

from keras_stargan.labels import LabelSet

_Self = TypeVar("_Self", bound="Labelled")


class Labelled:
    """Base of frozen dataclasses of pictures with labels and people.

    A subclass has the fields `labels`, `label_set` and `subjects`, says in
    `_per_picture` which of its fields have an entry for each picture, and calls
    `_check` when it is made.
    """

    _per_picture: ClassVar[tuple[str, ...]]
    labels: np.ndarray
    label_set: LabelSet
    subjects: np.ndarray

    def __len__(self) -> int:
        return len(self.subjects)

    def _check(self, n: int) -> None:
        """Make arrays of labels and people, and check them for `n` pictures."""
        labels = np.asarray(self.labels, "float32")
        subjects = np.asarray(self.subjects)
        if labels.shape != (n, len(self.label_set)):
            raise ValueError(
                f"labels must have shape {(n, len(self.label_set))}: {n} images, "
                f"{len(self.label_set)} labels; received {labels.shape}."
            )
        if subjects.shape != (n,) or subjects.dtype.kind not in "iuU":
            raise ValueError(
                f"subjects must be {n} integers or strings, one an image; received "
                f"{subjects.dtype} of shape {subjects.shape}."
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
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "subjects", subjects)

    def split_by_subject(
        self: _Self, fraction: float, seed: int = 0
    ) -> tuple[_Self, _Self]:
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
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1); received {fraction}.")
        everyone = len(np.unique(self.subjects))
        if everyone < 2:
            raise ValueError(
                f"A split by person needs two people; all {len(self)} pictures "
                f"are of {self.subjects[0]}."
            )
        held_out = min(max(round(fraction * everyone), 1), everyone - 1)
        return self.hold_out(held_out, seed)

    def hold_out(self: _Self, num_subjects: int, seed: int = 0) -> tuple[_Self, _Self]:
        """Split off all pictures of so many people, chosen at random.

        Args:
            num_subjects: how many people; fewer than there are.
            seed: decides who.

        Returns:
            The others' pictures and the chosen people's.

        Raises:
            ValueError: if either part would be empty.
        """
        everyone = np.unique(self.subjects)
        if not 0 < num_subjects < len(everyone):
            raise ValueError(
                f"num_subjects must be in 1..{len(everyone) - 1}, fewer than the "
                f"{len(everyone)} people; received {num_subjects}."
            )
        chosen = np.random.default_rng(seed).permutation(everyone)[:num_subjects]
        test = np.isin(self.subjects, chosen)
        return self.subset(~test), self.subset(test)

    def subset(self: _Self, which: np.ndarray | slice) -> _Self:
        """Take some of the pictures.

        Args:
            which: indices, a boolean for each picture, or a slice. Only a slice
                copies nothing.

        Returns:
            A set of the same type.
        """
        taken = {name: getattr(self, name)[which] for name in self._per_picture}
        return dataclasses.replace(self, **taken)

"""What labelled images in files and in memory share."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from keras_stargan.data.streamed_images import StreamedImages
from keras_stargan.labels import LabelSet

_Self = TypeVar("_Self", bound="Labelled")


class Labelled:
    """Base of frozen dataclasses of images with labels and subjects.

    A subclass has the fields `labels`, `label_set` and `subjects`, names in
    `_per_image` those of its fields that have an entry for each image, and calls
    `_validate` when it is made.
    """

    _per_image: ClassVar[tuple[str, ...]]
    labels: np.ndarray
    label_set: LabelSet
    subjects: np.ndarray

    def __len__(self) -> int:
        return len(self.subjects)

    def _validate(self, n: int) -> None:
        """Makes arrays of labels and subjects, and checks them for `n` images."""
        labels = np.asarray(self.labels, "float32")
        subjects = np.asarray(self.subjects)
        if labels.shape != (n, len(self.label_set)):
            raise ValueError(
                f"labels must have shape {(n, len(self.label_set))}: {n} images, "
                f"{len(self.label_set)} labels; received {labels.shape}."
            )
        if subjects.shape != (n,) or subjects.dtype.kind not in "iuU":
            raise ValueError(
                f"subjects must be {n} integers or strings, one for each image; "
                f"received {subjects.dtype} of shape {subjects.shape}."
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
        """Splits into a training part and a test part that share no subject.

        Args:
            fraction: share of the subjects, in (0, 1), that go to the test part;
                rounded, but at least one subject and never all.
            seed: decides which.

        Returns:
            The training part and the test part.

        Raises:
            ValueError: for a fraction outside (0, 1), or a set of one subject.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction must be in (0, 1); received {fraction}.")
        num_subjects = len(np.unique(self.subjects))
        if num_subjects < 2:
            raise ValueError(
                f"A split by subject needs two subjects; all {len(self)} images "
                f"are of {self.subjects[0]}."
            )
        held_out = min(max(round(fraction * num_subjects), 1), num_subjects - 1)
        return self.hold_out(held_out, seed)

    def hold_out(self: _Self, num_subjects: int, seed: int = 0) -> tuple[_Self, _Self]:
        """Splits off all images of some subjects, which are chosen at random.

        Args:
            num_subjects: number of chosen subjects, less than the number of all.
            seed: decides which.

        Returns:
            The images of the other subjects, and those of the chosen subjects.

        Raises:
            ValueError: if either part would be empty.
        """
        subjects = np.unique(self.subjects)
        if not 0 < num_subjects < len(subjects):
            raise ValueError(
                f"num_subjects must be in 1..{len(subjects) - 1}, fewer than the "
                f"{len(subjects)} subjects; received {num_subjects}."
            )
        chosen = np.random.default_rng(seed).permutation(subjects)[:num_subjects]
        test = np.isin(self.subjects, chosen)
        return self.subset(~test), self.subset(test)

    def subset(self: _Self, which: np.ndarray | slice) -> _Self:
        """Takes some of the images.

        Args:
            which: indices, a boolean for each image, or a slice. Only a slice
                copies nothing.

        Returns:
            A set of the same type.
        """
        return self._replaced(**self._taken(which))

    def _taken(self, which: np.ndarray | slice) -> dict[str, Any]:
        """The fields with an entry for each image, of some images."""
        fields = ((name, getattr(self, name)) for name in self._per_image)
        return {
            name: field.subset(which)
            if isinstance(field, StreamedImages)
            else field[which]
            for name, field in fields
        }

    def select(self: _Self, names: Sequence[str]) -> _Self:
        """Takes the images of some domains, with labels for these domains alone.

        Args:
            names: labels, in the order that the new, categorical labels get. Of binary
                labels, a name is the domain of the images with that attribute, or
                with a `-` before it of those without. Images that are of several such
                domains are left out.

        Returns:
            A set of the same type. Its label set keeps the data set's name.

        Raises:
            ValueError: for a name that is no label or occurs twice, or a domain of
                which there is no image.

        Example:
            >>> cats_and_dogs = animals.select(["cat", "dog"])
            >>> women_and_men = people.select(["-Male", "Male"])
        """
        label_set = LabelSet(tuple(names), name=self.label_set.name)
        belongs = np.stack([self._belongs(name) for name in names], axis=1)
        indices = np.flatnonzero(belongs.sum(axis=1) == 1)
        if not len(indices):
            raise ValueError(f"There is no image of {', '.join(names)}.")
        # Domains that follow each other are a slice, which need not be copied.
        whole = slice(indices[0], indices[-1] + 1)
        which = whole if whole.stop - whole.start == len(indices) else indices
        taken = self._taken(which)
        taken["labels"] = belongs[which].astype("float32")
        if self.label_set.kind == "binary" and hasattr(self, "aligned"):
            # Two images of a domain can differ in what the new labels do not say.
            taken["aligned"] = False
        return self._replaced(label_set=label_set, **taken)

    def _belongs(self, name: str) -> np.ndarray:
        """Whether each image is of a domain."""
        names = self.label_set.names
        is_without = self.label_set.kind == "binary" and name not in names
        bare = name.removeprefix("-") if is_without else name
        return (self.labels[:, self.label_set.index(bare)] > 0.5) != is_without

    def _replaced(self: _Self, **fields: Any) -> _Self:
        return dataclasses.replace(self, **fields)  # type: ignore[type-var]

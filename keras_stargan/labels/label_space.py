"""The labels of all data sets of a model: names, entries and masks."""

import dataclasses
import functools
from typing import Any, Union

import numpy as np

from keras_stargan.labels.label_set import LabelSet, as_labels, index_of


@dataclasses.dataclass(frozen=True)
class LabelSpace:
    """The labels of all data sets that a model is trained on (StarGAN, section 3.2).

    An image of one data set says nothing of the others' labels. The label that the
    generator gets is c~ = [c_1, ..., c_n, m]: the label of each data set, zeros where
    it is not known, and the mask m, a one-hot that names the data set. A single
    data set needs no mask: c~ = c_1. The discriminator gives a logit for each entry
    but the mask's.

    Args:
        sets: the labels of each data set, in the order of c~.

    Attributes:
        names: of all labels, in order; `set/name` where two sets share a name.
        num_labels: how many there are: the discriminator's logits.
        size: entries of c~.

    Raises:
        ValueError: if there is no set, or two of several have the same name.

    Example:
        >>> hair = LabelSet(("Black_Hair", "Blond_Hair"), "binary", name="CelebA")
        >>> mood = LabelSet(("happy", "sad"), name="RaFD")
        >>> LabelSpace((hair, mood)).unify([[0, 1]], "RaFD").tolist()
        [[0.0, 0.0, 0.0, 1.0, 0.0, 1.0]]
    """

    sets: tuple[LabelSet, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "sets", tuple(self.sets))
        names = self.set_names
        if not names or len(set(names)) != len(names):
            raise ValueError(
                "A label space needs one label set, or several with different names; "
                f"received sets with the names {list(names)}."
            )

    @classmethod
    def of(cls, labels: Union["LabelSpace", LabelSet, dict]) -> "LabelSpace":
        """A label space of itself, of one label set, or of its configuration."""
        if isinstance(labels, cls):
            return labels
        if isinstance(labels, LabelSet):
            return cls((labels,))
        if isinstance(labels, dict):
            return cls.from_config(labels)
        raise ValueError(
            f"labels must be a LabelSet or a LabelSpace; received {labels!r}."
        )

    @property
    def set_names(self) -> tuple[str, ...]:
        """The data sets' names."""
        return tuple(label_set.name for label_set in self.sets)

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all labels, in order; `set/name` where sets share one."""
        every = [name for label_set in self.sets for name in label_set.names]
        return tuple(
            name if every.count(name) == 1 else f"{label_set.name}/{name}"
            for label_set in self.sets
            for name in label_set.names
        )

    @property
    def num_labels(self) -> int:
        """Number of labels of all sets: the discriminator's logits."""
        return sum(map(len, self.sets))

    @property
    def size(self) -> int:
        """Entries of c~: all labels and, for several data sets, the mask."""
        masks = len(self.sets) if len(self.sets) > 1 else 0
        return self.num_labels + masks

    @functools.cached_property
    def entries(self) -> tuple[slice, ...]:
        """Where in c~ the labels of each set are."""
        ends = np.cumsum([len(label_set) for label_set in self.sets]).tolist()
        return tuple(
            slice(end - len(label_set), end)
            for label_set, end in zip(self.sets, ends, strict=True)
        )

    def set_of(self, index: int) -> int:
        """The index of the data set that a label is of; `index` is the label's."""
        ends = [entries.stop for entries in self.entries]
        return int(np.searchsorted(ends, index, side="right"))

    def set_index(self, name: str) -> int:
        """The place of a data set; raises `ValueError` for an unknown name."""
        return index_of(self.set_names, name, "data set")

    # Labels of images.

    def unify(self, labels: Any, data_set: str | int = 0) -> np.ndarray:
        """The unified label c~ of images of one data set.

        Args:
            labels: theirs, `(n, number of labels of the set)`.
            data_set: its name or place.

        Returns:
            float32 array `(n, size)`.
        """
        if isinstance(data_set, str):
            data_set = self.set_index(data_set)
        entries = self.entries[data_set]
        labels = as_labels(labels, entries.stop - entries.start)
        unified = np.zeros((len(labels), self.size), "float32")
        unified[:, entries] = labels
        return self.with_mask(unified, data_set)

    def with_mask(self, labels: Any, data_set: str | int) -> np.ndarray:
        """The same labels with the mask of a data set; right or wrong, it is taken.

        Args:
            labels: `(n, size)`.
            data_set: its name or place.

        Returns:
            float32 array `(n, size)`.
        """
        if isinstance(data_set, str):
            data_set = self.set_index(data_set)
        labels = as_labels(labels, self.size).copy()
        if len(self.sets) > 1:
            labels[:, self.num_labels :] = np.eye(len(self.sets))[data_set]
        return labels

    def data_sets(self, labels: Any) -> np.ndarray:
        """The place of the data set that each label is of.

        Args:
            labels: `(n, size)`.

        Returns:
            Integers `(n,)`.
        """
        labels = as_labels(labels, self.size)
        if len(self.sets) == 1:
            return np.zeros(len(labels), int)
        return labels[:, self.num_labels :].argmax(axis=1)

    def check(self, labels: Any) -> None:
        """Raises `ValueError` unless labels `(n, size)` are right in every entry."""
        labels = as_labels(labels, self.size)
        if not (labels.min(initial=0) >= 0 and labels.max(initial=0) <= 1):
            raise ValueError(
                f"Labels must be 0 or 1; received values from {labels.min():.4g} to "
                f"{labels.max():.4g}."
            )
        one_hots = {
            f"{label_set.name or 'Categorical'} labels": labels[rows, entries]
            for place, (label_set, entries) in enumerate(
                zip(self.sets, self.entries, strict=True)
            )
            if label_set.kind == "categorical"
            for rows in [self.data_sets(labels) == place]
        }
        if len(self.sets) > 1:
            one_hots["Masks"] = labels[:, self.num_labels :]
            for place, entries in enumerate(self.entries):
                if labels[self.data_sets(labels) != place, entries].any():
                    raise ValueError(
                        f"Labels of {self.set_names[place]} must be 0 where the mask "
                        "names another data set; see LabelSpace.unify."
                    )
        for what, vectors in one_hots.items():
            sums = vectors.sum(axis=1)
            if not np.allclose(sums, 1, atol=1e-3):
                raise ValueError(
                    f"{what} must be one-hot; received one with the sum "
                    f"{sums[np.argmax(np.abs(sums - 1))]:.4g}. For several labels at "
                    'once, make the model with a LabelSet of the kind "binary".'
                )

    def known_labels(self, labels: Any, guesses: Any = None) -> np.ndarray:
        """Labels without mask, `(n, num_labels)`, guessed where they are not known."""
        labels = as_labels(labels, self.size)
        own = labels[:, : self.num_labels].copy()
        if guesses is not None:
            which = self.data_sets(labels)
            for place, entries in enumerate(self.entries):
                unknown = which != place
                own[unknown, entries] = np.asarray(guesses)[unknown, entries]
        return own

    def from_logits(self, logits: np.ndarray) -> np.ndarray:
        """The labels that a discriminator sees in images.

        Categorical: the one with the greatest logit. Binary: those above 0; of an
        exclusive group, the greatest of them only.

        Args:
            logits: `(n, num_labels)`.

        Returns:
            float32 array `(n, num_labels)` of zeros and ones, for every data set.
        """
        logits = as_labels(logits, self.num_labels)
        labels = np.zeros_like(logits)
        for label_set, entries in zip(self.sets, self.entries, strict=True):
            part, shown = logits[:, entries], labels[:, entries]
            rows = np.arange(len(part))
            if label_set.kind == "categorical":
                shown[rows, part.argmax(axis=1)] = 1.0
                continue
            shown[:] = part > 0
            for group in label_set.exclusive:
                places = np.array([label_set.index(name) for name in group])
                best = places[part[:, places].argmax(axis=1)]
                any_shown = shown[:, places].any(axis=1)
                shown[:, places] = 0.0
                shown[rows, best] = any_shown
        return labels

    # Saving.

    def get_config(self) -> dict[str, Any]:
        """Plain lists and strings that make this label space again."""
        return {
            "sets": [
                {
                    "names": list(label_set.names),
                    "kind": label_set.kind,
                    "exclusive": [list(group) for group in label_set.exclusive],
                    "name": label_set.name,
                }
                for label_set in self.sets
            ]
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LabelSpace":
        """The label space that `get_config` described."""
        return cls(
            tuple(
                LabelSet(
                    names=tuple(given["names"]),
                    kind=given["kind"],
                    exclusive=tuple(map(tuple, given["exclusive"])),
                    name=given["name"],
                )
                for given in config["sets"]
            )
        )

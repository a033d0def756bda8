"""Targets: what an image is to become. The one place where a target is understood."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_stargan.labels.label_set import LabelSet, as_labels, index_of
from keras_stargan.labels.label_space import LabelSpace


@dataclasses.dataclass(frozen=True)
class Target:
    """What images are to become, whatever they are now.

    Args:
        space: the labels of the model.
        title: says it, as the name of a folder or a column.
        data_set: the index of the data set whose labels it names.
        values: for entries of that data set's label the value that each gets; None
            for the opposite of the image's own. An entry that is not named keeps the
            image's own value.

    Example:
        >>> hair = ("Black_Hair", "Blond_Hair")
        >>> labels = LabelSet((*hair, "Male", "Young"), "binary", exclusive=(hair,))
        >>> target = Target.parse(LabelSpace.of(labels), "Blond_Hair,-Young")
        >>> target.resolve([[1, 0, 1, 1]]).tolist()
        [[0.0, 1.0, 1.0, 0.0]]
    """

    space: LabelSpace
    title: str
    data_set: int
    values: tuple[tuple[int, float | None], ...]

    @classmethod
    def parse(cls, space: LabelSpace, text: str) -> Target:
        """The target that a text describes.

        Args:
            space: the labels of the model.
            text: the name of a label; or of binary labels of one data set several
                with commas between them. A binary label that is named is set, and the
                others of its exclusive group are cleared; with a `-` before it, it
                is cleared. What is not named stays as it is.

        Raises:
            ValueError: for an unknown name, none, names of several data sets,
                several categorical ones, or names that exclude each other.
        """
        # A label's name may have a comma in it.
        names = [text] if text in space.names else text.split(",")
        names = [name.strip() for name in names if name.strip()]
        return cls.named(space, names)

    @classmethod
    def named(cls, space: LabelSpace, names: Sequence[str]) -> Target:
        """The target of several names, each as in `parse`."""
        cleared = [name not in space.names and name.startswith("-") for name in names]
        bare = [
            name[1:] if clear else name
            for name, clear in zip(names, cleared, strict=True)
        ]
        indices = [index_of(space.names, name) for name in bare]
        data_sets = {space.set_of(index) for index in indices}
        if len(data_sets) != 1:
            raise ValueError(
                "A target must name labels of one data set; received "
                f"{', '.join(names) or 'none'}."
            )
        data_set = data_sets.pop()
        label_set, start = space.sets[data_set], space.entries[data_set].start
        if label_set.kind == "categorical" and (len(names) > 1 or any(cleared)):
            raise ValueError(
                f"A target of {', '.join(label_set.names)} must be one of them; "
                f"received {', '.join(names)}."
            )
        values: dict[int, float | None] = {}
        for index, clear in zip(indices, cleared, strict=True):
            if not clear:
                values |= _only(label_set, label_set.names[index - start])
            values[index - start] = 0.0 if clear else 1.0
        for index, clear in zip(indices, cleared, strict=True):
            if values[index - start] == clear:
                raise ValueError(
                    f"No image can be {' and '.join(names)}: they exclude each other."
                )
        return cls(space, ",".join(names), data_set, tuple(values.items()))

    @classmethod
    def chosen(cls, space: LabelSpace, names: Sequence[str]) -> Target:
        """The target when names are chosen, as in StarGAN, section 5.3.

        A categorical label is set. A binary label is flipped; one of an exclusive
        group is set, and the others of the group are cleared.

        Args:
            space: the labels of the model.
            names: of labels of one data set; one, if they are categorical.

        Raises:
            ValueError: for an unknown name, or several categorical ones.
        """
        values: dict[int, float | None] = {}
        data_set = space.set_of(index_of(space.names, names[0]))
        label_set, start = space.sets[data_set], space.entries[data_set].start
        if label_set.kind == "categorical" and len(names) != 1:
            raise ValueError(
                f"Choose one name of categorical labels; received {', '.join(names)}."
            )
        for name in names:
            index = index_of(space.names, name) - start
            values |= _only(label_set, label_set.names[index]) or {index: None}
        return cls(space, ",".join(names), data_set, tuple(values.items()))

    @classmethod
    def each(cls, space: LabelSpace) -> list[Target]:
        """The targets when each label in turn is `chosen`."""
        return [cls.chosen(space, [name]) for name in space.names]

    @property
    def needs_own(self) -> bool:
        """Whether it depends on the images' own labels."""
        values = dict(self.values)
        return None in values.values() or len(values) < len(
            self.space.sets[self.data_set]
        )

    def resolve(self, own: np.ndarray | Sequence) -> np.ndarray:
        """The label vectors that images are to have.

        Args:
            own: the images' own labels, known or guessed: `(n, num_labels)`.

        Returns:
            float32 array `(n, size)`, with the mask of the target's data set.
        """
        own = as_labels(own, self.space.num_labels)
        labels = own[:, self.space.entries[self.data_set]].copy()
        for entry, value in self.values:
            labels[:, entry] = 1.0 - labels[:, entry] if value is None else value
        return self.space.unify(labels, self.data_set)


def _only(label_set: LabelSet, name: str) -> dict[int, float | None]:
    """The values of an exclusive group in which only `name` is set; or none."""
    return {
        label_set.index(other): float(other == name) for other in label_set.group(name)
    }

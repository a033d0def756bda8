"""The labels of one data set: names, kind and groups."""

import dataclasses
import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

KINDS = ("categorical", "binary")


@dataclasses.dataclass(frozen=True)
class LabelSet:
    """The labels of one data set.

    Args:
        names: the name of each entry of a label vector, in order.
        kind: `"categorical"`, exactly one entry of a label is 1 (RaFD's
            expressions), or `"binary"`, every entry is 0 or 1 by itself
            (CelebA's attributes).
        exclusive: for binary labels, groups of names of which a target sets
            one and clears the others (the hair colours).
        name: of the data set; needed where several are trained at once.

    Raises:
        ValueError: for an unknown kind, for names that are missing or occur
            twice, or for an exclusive group with a name that is not a label.

    Example:
        >>> hair = LabelSet(("Black_Hair", "Blond_Hair"), "binary")
        >>> hair.index("Blond_Hair")
        1
    """

    names: tuple[str, ...]
    kind: str = "categorical"
    exclusive: tuple[tuple[str, ...], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}; received {self.kind!r}.")
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(
                "names must be one or more different names; received "
                f"{list(self.names)}."
            )
        for group in self.exclusive:
            for name in group:
                self.index(name)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The place of a name in the label vector.

        Raises:
            ValueError: if there is no such label; the message names the nearest.
        """
        return index_of(self.names, name)

    def to_indices(self, labels: Any, count: int, what: str = "labels") -> np.ndarray:
        """Labels as their places in `names`.

        Args:
            labels: one name or number for all images, or `(count,)` numbers.
            count: how many images there are.
            what: the labels' name in messages.

        Returns:
            int32 array `(count,)`.

        Raises:
            ValueError: for an unknown name, numbers that are not places, or another
                count of them.
        """
        if isinstance(labels, str):
            labels = self.index(labels)
        numbers = np.asarray(labels)
        if numbers.ndim == 0:
            numbers = np.full(count, numbers)
        if numbers.shape != (count,):
            raise ValueError(
                f"{what} must be whole numbers of shape ({count},); received shape "
                f"{numbers.shape}."
            )
        wrong = [n for n in numbers.tolist() if n not in range(len(self))]
        if wrong:
            raise ValueError(
                f"{what} must be whole numbers from 0 to {len(self) - 1} "
                f"({', '.join(self.names)}); received {wrong[0]}."
            )
        return numbers.astype("int32")

    def group(self, name: str) -> tuple[str, ...]:
        """The names that exclude each other and this one, it included; or none."""
        if self.kind == "categorical":
            return self.names
        groups = [group for group in self.exclusive if name in group]
        return groups[0] if groups else ()


def numbered_labels(count: int) -> LabelSet:
    """Categorical labels with the names "0", "1", ..."""
    return LabelSet(tuple(map(str, range(count))))


def as_labels(labels: Any, width: int) -> np.ndarray:
    """Labels as float32 `(n, width)`; raises `ValueError` for another shape."""
    labels = np.asarray(labels, "float32")
    if labels.ndim != 2 or labels.shape[1] != width:
        raise ValueError(
            f"labels must have the shape (n, {width}); received {labels.shape}."
        )
    return labels


def index_of(names: Sequence[str], name: str, what: str = "label") -> int:
    """The place of a name; raises `ValueError` that tells the nearest ones."""
    if name not in names:
        lower = {other.lower(): other for other in names}
        near = [lower[n] for n in difflib.get_close_matches(name.lower(), lower)]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"There is no {what} {name!r} among {', '.join(names)}.{hint}")
    return names.index(name)

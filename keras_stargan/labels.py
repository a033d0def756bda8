"""What the entries of a label mean: the names and the kind of a set of labels."""

import dataclasses
import difflib

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
        if name not in self.names:
            near = difflib.get_close_matches(name, self.names)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(
                f"There is no label {name!r} among {', '.join(self.names)}.{hint}"
            )
        return self.names.index(name)

    def chosen_targets(self, labels: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """The target labels when each name in turn is chosen.

        Categorical: the name's one-hot. Binary: the name's entry is flipped; that
        of an exclusive group is set and the others of its group are cleared.

        Args:
            labels: the images' own labels, shape (n, number of labels).

        Returns:
            For each name, in order, the name and float32 targets of the same
            shape as the labels.

        Raises:
            ValueError: if the labels are not of that shape.
        """
        labels = np.asarray(labels, "float32")
        if labels.ndim != 2 or labels.shape[1] != len(self):
            raise ValueError(
                f"labels must have the shape (n, {len(self)}); received {labels.shape}."
            )
        chosen = []
        for index, name in enumerate(self.names):
            if self.kind == "categorical":
                groups = [self.names]
            else:
                groups = [group for group in self.exclusive if name in group]
            targets = labels.copy()
            targets[:, index] = 1.0 - targets[:, index]
            for group in groups:
                targets[:, [self.index(other) for other in group]] = 0.0
                targets[:, index] = 1.0
            chosen.append((name, targets))
        return chosen

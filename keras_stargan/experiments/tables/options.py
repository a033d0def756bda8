"""What a table is asked to do."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from keras_stargan.experiments.tables.contest import Budget, Contest, Contestant


@dataclasses.dataclass(frozen=True)
class Options:
    """What a table is asked to do.

    Args:
        output_dir: gets a folder for each table, and `models`, which all tables share.
        sources: the data sets, as for `load_data`.
        budget: how long each method is trained on a data set.
        given: settings of all methods: `image_size`, `seed` and others.
        methods: titles of the methods that take part; by default all.
        max_evaluated: how many test images are translated; None for all.
        inception: as for `load_inception`, for FID.
        lpips: the file of torchvision's AlexNet.
    """

    output_dir: pathlib.Path
    sources: tuple[str, ...]
    budget: Budget
    given: Mapping[str, Any]
    methods: tuple[str, ...] | None = None
    max_evaluated: int | None = None
    inception: str | None = None
    lpips: str | None = None

    def contest(self, source: str) -> Contest:
        """The contest on a data set; tables of the same data share its models."""
        key = re.sub(r"\W+", "_", source).strip("_") + f"_{self.given['image_size']}"
        folder = self.output_dir / "models" / key
        return Contest(source, folder, self.budget, self.given)

    def folder(self, name: str) -> pathlib.Path:
        """A table's own folder, made."""
        folder = self.output_dir / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def chosen(self, contestants: Sequence[Contestant]) -> list[Contestant]:
        """Those that take part.

        Raises:
            ValueError: for a method that is not of this table.
        """
        if self.methods is None:
            return list(contestants)
        known = {contestant.title.lower(): contestant for contestant in contestants}
        unknown = [name for name in self.methods if name.lower() not in known]
        if unknown or not self.methods:
            raise ValueError(
                f"The methods of this table are "
                f"{', '.join(each.title for each in contestants)}; received "
                f"{', '.join(self.methods) or 'none'}."
            )
        return [known[name.lower()] for name in self.methods]

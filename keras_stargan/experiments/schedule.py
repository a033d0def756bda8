"""How long a run is: steps, epochs and several data sets become numbers here."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The length of a run in steps.

    Args:
        total_steps: the length of training.
        steps_per_epoch: steps that the progress bar calls an epoch. Checkpoints and
            sample grids are due at its end.
        steps_per_pass: steps in which the largest data set is seen once; where several
            data sets take turns, each step counts.
    """

    total_steps: int
    steps_per_epoch: int
    steps_per_pass: int

    @classmethod
    def of(cls, settings: Mapping[str, Any], sizes: Sequence[int]) -> "Schedule":
        """Makes a schedule from settings.

        Args:
            settings: `batch_size`; `steps`, the length in steps, or `epochs`, in
                passes over the largest data set; and `steps_per_epoch`, which is None
                for a pass.
            sizes: the number of training pictures in each data set.

        Raises:
            ValueError: unless exactly one of `steps` and `epochs` is given.
        """
        steps, epochs = settings["steps"], settings["epochs"]
        if (steps is None) == (epochs is None):
            raise ValueError(
                "Give the length of training as steps or as epochs; received "
                f"steps={steps} and epochs={epochs}."
            )
        whole_batches = max(sizes) // settings["batch_size"]
        steps_per_pass = max(1, whole_batches * len(sizes))
        return cls(
            epochs * steps_per_pass if steps is None else steps,
            settings["steps_per_epoch"] or steps_per_pass,
            steps_per_pass,
        )

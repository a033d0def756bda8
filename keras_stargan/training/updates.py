"""The updates that make a training step."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keras import ops

# A batch, or the draws of a step: named tensors with a row for each image.
Tensors = dict[str, Any]


class WholeBatch(Mapping[str, Any]):
    """A batch of which several replicas, or several workers, have a part each.

    A tensor is gathered when it is first asked for, since this takes time where the
    parts are on several machines. `num_rows` gathers nothing.

    Args:
        parts: the named tensors of the replicas.
        gather: gives the rows of all replicas, in order.
        rows: how many there are.
    """

    def __init__(
        self, parts: Mapping[str, Any], gather: Callable[[Any], Any], rows: Any
    ) -> None:
        self.rows = rows
        self._parts, self._gather = parts, gather
        self._gathered: Tensors = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._gathered:
            self._gathered[name] = self._gather(self._parts[name])
        return self._gathered[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)


def num_rows(batch: Mapping[str, Any]) -> Any:
    """The number of images in a batch, also in a `WholeBatch`.

    Args:
        batch: named tensors.
    """
    if isinstance(batch, WholeBatch):
        return batch.rows
    return ops.shape(next(iter(batch.values())))[0]


@dataclasses.dataclass(frozen=True)
class Update:
    """One update of a training step: which loss moves the weights of which networks.

    Args:
        name: of the player. It is the first part of its losses' names in the logs.
        loss: takes (batch, draws), each a dictionary of tensors with a row for each
            image, and returns a dictionary of scalar loss terms, each a mean over the
            batch. With `gives`, it returns (terms, tensors).
        loss_weights: maps each loss term to its weight: a float, or a callable
            without arguments for a weight that changes. Exactly these terms are
            logged, as `name/term`, and their weighted sum as `name/loss`.
        networks: the attributes of the model that hold the networks to update, each
            by its own optimizer. None of them, `()`, for an update that only moves the
            running statistics of normalizations; its loss is logged.
        every: the update happens on each `every`-th step.
        turns: in which of `every` steps, counted from 0, it happens instead: with
            `every=3`, `(0,)` is the first of three, `(1, 2)` are the two others.
            Defaults to the last one.
        batches: how many data sets take turns. The update then happens on each
            `every`-th row of so many steps, on each step of that row.
        steps: the steps in which the update takes part at all, for methods that train
            in stages. Defaults to all steps.
        gives: names of tensors that `loss` returns besides its terms, a row for each
            image. They are added to the batch of the updates after it.
        between: called before the loss, with the *whole* batch instead of one
            replica's part of it: takes (batch, draws) and returns (tensors, state).
            The tensors of the batch that it asks for are gathered from all replicas.
            The tensors are added to the draws; `state` maps names of the model's
            `training_state` to their new values. For what depends on the
            order of all images, such as CycleGAN's pool of earlier images.
        lazy: maps a term to a number k. It is computed only on each k-th step, with k
            times its weight (lazy regularization; StyleGAN2, section 3.1). On the other
            steps, `loss` is called with `without`, the names of the terms that it
            leaves out. Defaults to none.
    """

    name: str
    loss: Callable[..., Any]
    loss_weights: Mapping[str, float | Callable[[], Any]]
    networks: tuple[str, ...]
    every: int = 1
    turns: tuple[int, ...] | None = None
    batches: int = 1
    steps: range | None = None
    gives: tuple[str, ...] = ()
    between: (
        Callable[[Mapping[str, Any], Tensors], tuple[Tensors, dict[str, Any]]] | None
    ) = None
    lazy: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def left_out(self, step: int) -> tuple[str, ...]:
        """The lazy terms that the step after `step` steps leaves out."""
        turn = step // self.batches
        return tuple(term for term, every in self.lazy.items() if turn % every)

    def without(self, terms: tuple[str, ...]) -> Update:
        """The update without some lazy terms, and with more weight for the others."""
        if not self.lazy:
            return self
        weights = {
            term: _times(self.lazy.get(term, 1), weight)
            for term, weight in self.loss_weights.items()
            if term not in terms
        }
        loss = functools.partial(self.loss, without=terms) if terms else self.loss
        return dataclasses.replace(self, loss=loss, loss_weights=weights)

    def is_due(self, step: int) -> bool:
        """Whether the update happens in the step after `step` steps."""
        in_stage = self.steps is None or step in self.steps
        turns = (self.every - 1,) if self.turns is None else self.turns
        return in_stage and step // self.batches % self.every in turns

    def log_names(self) -> tuple[str, ...]:
        """The names of its losses in the logs."""
        return tuple(f"{self.name}/{term}" for term in (*self.loss_weights, "loss"))

    def losses(self, batch: Tensors, draws: Tensors) -> tuple[Tensors, Tensors]:
        """The loss terms by their names in the logs, and the tensors it gives.

        Raises:
            ValueError: if the loss does not return exactly the terms that have a
                weight, or the tensors in `gives`.
        """
        returned = self.loss(batch, draws)
        terms, tensors = returned if self.gives else (returned, {})
        for what, given, needed in (
            ("loss terms", terms, self.loss_weights),
            ("tensors", tensors, self.gives),
        ):
            if set(given) != set(needed):
                raise ValueError(
                    f"The loss of the update {self.name!r} must return the {what} "
                    f"{', '.join(needed)}; it returned {', '.join(given)}."
                )
        weights = {
            term: weight() if callable(weight) else weight
            for term, weight in self.loss_weights.items()
        }
        total = sum(weight * terms[term] for term, weight in weights.items())
        named = {f"{self.name}/{term}": terms[term] for term in self.loss_weights}
        return named | {f"{self.name}/loss": total}, tensors


def _times(factor: float, weight: float | Callable[[], Any]) -> Any:
    """A loss weight times a factor."""
    if factor == 1:
        return weight
    return (lambda: factor * weight()) if callable(weight) else factor * weight

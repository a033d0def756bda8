"""Models of two domains, composed into one of many domains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.labels.label_set import index_of
from keras_stargan.methods.base import TranslationModel
from keras_stargan.networks.batches import translate_rows
from keras_stargan.training.randomness import Draws

_NOT_TRAINED = (
    "A PairwiseModel is not trained: train a model for each pair of domains, and "
    "compose them."
)


class Direction(NamedTuple):
    """One thing that a part can do: translate images of one domain to another."""

    part: int
    source: str
    destination: str


@keras.saving.register_keras_serializable("keras_stargan")
class PairwiseModel(TranslationModel):
    """Trained models of two domains each, as one model of all their domains.

    There may be a part for each pair of domains, or one for each target. It is used,
    saved, loaded and exported as every other model; it is not trained itself.

    An image is translated to a domain by the part that knows both the domain and the
    image's own; if there is no such part, or the image's own domain is not known, by
    the first part that translates to the domain. An image that is of the domain
    already stays as it is. With binary labels a target may name several domains; then
    one translation follows the other, in the order of the parts.

    Args:
        models: the parts: models with a categorical label set of two names. They are
            copied, without what only training needs. If a part translates in one
            direction only, its attribute `reachable` lists the names it translates to.
        labels: what the labels mean. Each name of a part's domain is the name of a
            label, or, for binary labels, that of a label with a `-` before it, for
            images without it. Defaults to a categorical `LabelSet` of all names.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for no part, or parts that differ in image size or guides, that
            know more than two domains, or a domain that no label names; or for parts
            with styles of which several translate to one domain.

    Example:
        ```python
        files = ["black-blond.keras", "black-brown.keras", "blond-brown.keras"]
        model = PairwiseModel([keras.saving.load_model(file) for file in files])
        model.parameter_summary  # "14.1M x 6"
        translated = model.translate(images, "blond", own=labels)
        ```
    """

    def __init__(
        self,
        models: Sequence[TranslationModel],
        labels: LabelSet | LabelSpace | None = None,
        **kwargs,
    ) -> None:
        models = list(models)
        _check_parts(models)
        if labels is None:
            names = dict.fromkeys(name for m in models for name in m.labels.names)
            labels = LabelSet(tuple(names))
        labels = LabelSpace.of(labels)
        directions = [
            Direction(part, source, destination)
            for part, model in enumerate(models)
            for source, destination in (model.labels.names, model.labels.names[::-1])
            if destination in model.reachable
        ]
        for direction in directions:
            _entry(labels, direction.source)
        first = models[0]
        super().__init__(
            image_size=first.image_size,
            labels=labels,
            # For each direction, whether to take it, and the part's own condition.
            condition_dim=len(directions) * (1 + first.condition_dim),
            **kwargs,
        )
        self.guides, self.latent_dim = first.guides, first.latent_dim
        self.directions = directions
        destinations = [direction.destination for direction in directions]
        self.needs_own = len(set(destinations)) < len(destinations) or any(
            label_set.kind == "binary" for label_set in labels.sets
        )
        if self.needs_own and self.guides != ("label",):
            raise ValueError(
                f"Several parts translate to {_repeated(destinations)}, and a style "
                "does not tell which of them fits an image. Parts with styles can be "
                "composed if each domain is reached by one of them; else use the "
                "model of each pair by itself."
            )
        self.models = [_copy(model) for model in models]
        self.built = True

    @property
    def reachable(self) -> tuple[str, ...]:
        """The domains that any part translates to."""
        return tuple(dict.fromkeys(d.destination for d in self.directions))

    # Conditions.

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """For each direction, whether to take it, and the part's own condition."""

        def conditions(part, domains):
            return part.label_conditions(domains, ops.zeros_like(domains))

        return self._conditions(conditions, targets, own)

    def latent_conditions(self, latents: Any, targets: Any) -> Any:
        """The same of latent codes."""

        def conditions(part, domains):
            return part.latent_conditions(latents, domains)

        return self._conditions(conditions, targets, ops.zeros_like(targets))

    def reference_conditions(self, references: Any, targets: Any) -> Any:
        """The same of reference images."""

        def conditions(part, domains):
            return part.reference_conditions(references, domains)

        return self._conditions(conditions, targets, ops.zeros_like(targets))

    def _conditions(self, conditions_of: Callable, targets: Any, own: Any) -> Any:
        columns = []
        for taken, direction in zip(
            self._taken(targets, own), self.directions, strict=True
        ):
            part = self.models[direction.part]
            domain = part.labels.names.index(direction.destination)
            one_hot = ops.one_hot(ops.full_like(taken, domain, "int32"), 2)
            condition = conditions_of(part, ops.cast(one_hot, self.float_dtype))
            columns += [ops.cast(taken, condition.dtype)[:, None], condition]
        return ops.concatenate(columns, axis=1)

    def _taken(self, targets: Any, own: Any) -> list[Any]:
        """Which images take each direction: booleans `(n,)`."""
        taken: dict[Direction, Any] = {}
        for name in dict.fromkeys(d.destination for d in self.directions):
            into = [d for d in self.directions if d.destination == name]
            # Whether there is nothing to do, or a direction has been found.
            settled = ops.logical_or(
                ops.logical_not(self._has(targets, name, masked=True)),
                self._has(own, name),
            )
            for direction in into:
                fits = self._has(own, direction.source)
                taken[direction] = ops.logical_and(fits, ops.logical_not(settled))
                settled = ops.logical_or(settled, fits)
            rest = ops.logical_not(settled)
            taken[into[0]] = ops.logical_or(taken[into[0]], rest)
        return [taken[direction] for direction in self.directions]

    def _has(self, labels: Any, name: str, masked: bool = False) -> Any:
        """Whether label vectors `(n, labels.size)` are of a domain."""
        entry, value = _entry(self.labels, name)
        has = (labels[:, entry] > 0.5) == value
        if masked and len(self.labels.sets) > 1:
            # A target says nothing of the labels of other data sets than its own.
            data_set = self.labels.set_of(entry)
            mask = labels[:, self.labels.num_labels + data_set] > 0.5
            has = ops.logical_and(has, mask)
        return has

    # Use.

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Takes one direction after the other, each with the images that need it."""
        images = ops.cast(images, self.float_dtype)
        width = conditions.shape[1] // len(self.directions)
        for i, direction in enumerate(self.directions):
            taken = conditions[:, i * width] > 0.5
            condition = conditions[:, i * width + 1 : (i + 1) * width]
            translate = self.models[direction.part].translate_batch
            images = translate_rows(
                lambda x, translate=translate, c=condition: translate(x, c),
                images,
                taken,
            )
        return images

    # Parameters.

    @property
    def networks(self) -> dict[str, keras.Model]:
        """The networks of all parts, as `A-B/network`."""
        return {
            f"{'-'.join(part.labels.names)}/{name}": network
            for part in self.models
            for name, network in part.networks.items()
        }

    @property
    def parameter_summary(self) -> str:
        """The number of parameters as the papers' tables give it.

        For one direction and times the number of directions, as "52.6M x 14".
        """
        counts: dict[str, int] = {}
        for i, part in enumerate(self.models):
            directions = sum(direction.part == i for direction in self.directions)
            count = f"{sum(part.parameters.values()) / directions / 1e6:.1f}M"
            counts[count] = counts.get(count, 0) + directions
        return " + ".join(f"{count} x {n}" for count, n in counts.items())

    # It is not trained.

    @property
    def updates(self) -> tuple:
        """None: the parts are trained by themselves."""
        return ()

    def compile(self, *args, **kwargs) -> None:
        """Raises `RuntimeError`: train the parts, then compose them."""
        raise RuntimeError(_NOT_TRAINED)

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Raises `RuntimeError`, as `compile`."""
        raise RuntimeError(_NOT_TRAINED)

    def make_optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        """Raises `RuntimeError`, as `compile`."""
        raise RuntimeError(_NOT_TRAINED)

    # Saving.

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        parts = [keras.saving.serialize_keras_object(part) for part in self.models]
        return super().get_config() | {"models": parts}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PairwiseModel:
        """The model that `get_config` described, with new weights."""
        parts = [keras.saving.deserialize_keras_object(p) for p in config["models"]]
        return cls(**config | {"models": parts})


def _check_parts(models: Sequence[TranslationModel]) -> None:
    if not models:
        raise ValueError("A PairwiseModel needs one or more trained models.")
    for model in models:
        if len(model.labels.names) != 2 or model.labels.sets[0].kind != "categorical":
            raise ValueError(
                "The parts of a PairwiseModel must be models of two domains; received "
                f"a {type(model).__name__} of {', '.join(model.labels.names)}."
            )
    for what in ("image_size", "guides", "condition_dim", "latent_dim"):
        found = list(dict.fromkeys(getattr(model, what) for model in models))
        if len(found) > 1:
            raise ValueError(
                f"The parts of a PairwiseModel must have the same {what}; received "
                f"{' and '.join(map(str, found))}."
            )


def _repeated(names: Sequence[str]) -> str:
    """The names that occur more than once."""
    several = dict.fromkeys(name for name in names if names.count(name) > 1)
    return " and ".join(several or names)


def _entry(labels: LabelSpace, name: str) -> tuple[int, bool]:
    """The entry of a label vector that a domain is about, and its value there."""
    cleared = name not in labels.names and name.startswith("-")
    entry = index_of(labels.names, name.removeprefix("-") if cleared else name)
    return entry, not cleared


def _copy(model: TranslationModel) -> TranslationModel:
    """The same model, not compiled: without optimizers and other training state."""
    copy = type(model).from_config(model.get_config())
    values = {variable.path: variable for variable in model.variables}
    for variable in copy.variables:
        variable.assign(values[variable.path])
    for name, frozen in model.frozen.items():
        copy.frozen[name].has_weights = frozen.has_weights
    return copy

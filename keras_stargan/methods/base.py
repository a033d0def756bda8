"""The protocol that every method speaks: images and a condition in, images out."""

from __future__ import annotations

import functools
import inspect
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_stargan.data.batches import IMAGES_OF
from keras_stargan.labels import LabelSet, LabelSpace, Target
from keras_stargan.methods.checks import (
    check_all_images,
    check_any_size,
    check_images,
    warn_if_unsigned,
)
from keras_stargan.methods.endpoints import Endpoint, endpoints_of
from keras_stargan.networks.batches import in_batches
from keras_stargan.training import AdversarialModel
from keras_stargan.training.backends import compiled

# Truncation moves towards the mean of so many conditions.
TRUNCATION_SAMPLES = 10_000
# What a target may be: a text, a number, a number for each image, or label vectors.
TargetLike = str | int | Sequence[int] | np.ndarray


class TranslationModel(AdversarialModel):
    """A model that translates images: what every method extends.

    Methods differ in where a *condition* comes from: from the label of the target
    domain, from a latent code, or from a reference image (the method's `guides`).
    Everything that uses a trained model (files, grids, evaluation, export) knows only
    this class.

    A method writes, with tensors of n rows and in `keras.ops`:

    - `translate_batch(images, conditions)`: the translated images;
    - for each of its guides `label_conditions(targets, own)`,
      `latent_conditions(latents, targets)` or
      `reference_conditions(references, targets)`: the conditions
      `(n, condition_dim)`. `targets` and `own` are label vectors `(n, labels.size)`
      of the target and of the image itself (zeros where that is not known);
    - if it can tell the labels of an image, `classify_batch(images)`: logits
      `(n, labels.num_labels)`;
    - what training needs, see `AdversarialModel`.

    Its constructor keeps each argument as an attribute of the same name.

    Args:
        image_size: height and width of the images in pixels.
        labels: what the labels mean.
        condition_dim: entries of a condition; 0 where there is nothing to choose.
        seed: of every random draw in training.
        **kwargs: as for `keras.Model`.
    """

    guides: tuple[str, ...] = ("label",)
    # How training batches are made: a key of `keras_stargan.data.batches.BATCHES`.
    batches: str = "labelled"
    # Entries of a latent code, with the guide "latent".
    latent_dim: int = 0
    # Whether the conditions of a label depend on the images' own labels.
    needs_own: bool = False
    # Images whose height and width are multiples of this number can be translated,
    # too; None if only squares of `image_size` can.
    size_multiple: int | None = None

    def __init__(
        self,
        image_size: int,
        labels: LabelSpace,
        condition_dim: int,
        seed: int = 0,
        **kwargs,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.image_size = image_size
        self.labels = labels
        self.condition_dim = condition_dim

    # What a method writes.

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates a batch: images and conditions to images, in about [-1, 1]."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `translate_batch`."
        )

    def label_conditions(self, targets: Any, own: Any) -> Any:
        """Conditions of label vectors."""
        raise self._not_guided_by("label")

    def latent_conditions(self, latents: Any, targets: Any) -> Any:
        """Conditions of latent codes `(n, latent_dim)`."""
        raise self._not_guided_by("latent")

    def reference_conditions(self, references: Any, targets: Any) -> Any:
        """Conditions of reference images of the target domain."""
        raise self._not_guided_by("reference")

    def classify_batch(self, images: Any) -> Any:
        """Logits `(n, labels.num_labels)` of the labels that images have."""
        raise NotImplementedError(f"{type(self).__name__} does not classify images.")

    @property
    def can_classify(self) -> bool:
        """Whether the model can tell which labels an image has."""
        return False

    @property
    def reachable(self) -> tuple[str, ...]:
        """The labels that images can be translated to.

        Fewer than all of a model that translates in one direction only.
        """
        return self.labels.names

    def each_target(self) -> list[Target]:
        """The targets when each label that can be reached is chosen in turn."""
        reachable = self.reachable
        return [t for t in Target.each(self.labels) if t.title in reachable]

    def pretrain(self, image_sets: Sequence[Any]) -> None:
        """Prepares what training needs and the training data teach.

        A run calls it once, before the first step. By default there is nothing to do.

        Args:
            image_sets: the `ImageSet`s that the model is to be trained on.
        """

    # Networks.

    @property
    def parameters(self) -> dict[str, int]:
        """The number of parameters of each network that is trained."""
        return {
            name: sum(math.prod(weight.shape) for weight in net.trainable_weights)
            for name, net in self.networks.items()
        }

    @property
    def parameter_summary(self) -> str:
        """The parameters as the papers' tables count them, such as `"53.2M x 1"`."""
        return f"{sum(self.parameters.values()) / 1e6:.1f}M x 1"

    # Conditions.

    def conditions(
        self,
        target: TargetLike,
        latents: Any = None,
        references: Any = None,
        own: Any = None,
        count: int | None = None,
        seed: int = 0,
        psi: float = 1.0,
        batch_size: int = 32,
    ) -> np.ndarray:
        """The conditions of a target, for `translate`.

        Args:
            target: what images are to become: a text as `Target.parse` takes it
                (`"happy"`, `"Blond_Hair,-Young"`); for categorical labels also a
                label's number, or `(n,)` numbers; or `(n, labels.size)` label vectors.
            latents: latent codes `(n, latent_dim)`, normally distributed.
            references: images of the target domain, `(n, image_size, image_size, 3)`,
                values from -1 to 1.
            own: the images' own labels, `(n, labels.num_labels)`; needed by a text
                that names only a part of binary labels.
            count: how many conditions; by default as many as of the above, or 1.
            seed: of the latent code of a latent-guided model, where neither latents
                nor references are given.
            psi: truncation: 1 for the conditions themselves, less for conditions that
                are nearer to the mean condition of the target.
            batch_size: how many are computed at once.

        Returns:
            A float array `(n, condition_dim)`.

        Raises:
            ValueError: for an unknown target, other shapes or values, or a guide that
                the model does not have.
        """
        guide, sources = self._guide(latents, references, seed)
        given = [len(x) for x in (sources, own) if x is not None]
        if np.ndim(target):
            given.append(np.shape(target)[0])
        count = max([count or 1, *given])
        targets = self._label_vectors(target, own, count)
        self._check_reachable(targets, own)
        if guide == "label":
            own = self._own_vectors(own, count)
            return in_batches(self.label_conditions, batch_size, targets, own)
        if len(sources) not in (1, count):
            raise ValueError(
                f"There must be as many {guide}s as images, {count}, or one for all; "
                f"received {len(sources)}."
            )
        if len(sources) == 1 and (targets == targets[0]).all():
            targets = targets[:1]  # The same condition for all images.
        sources = np.broadcast_to(sources, (len(targets), *sources.shape[1:]))
        compute = self._compiled(f"{guide}_conditions")
        conditions = in_batches(compute, batch_size, sources, targets)
        if psi != 1.0 and guide == "latent":
            numbers = targets.argmax(axis=1)
            means = {n: self.mean_condition(int(n)) for n in np.unique(numbers)}
            mean = np.stack([means[number] for number in numbers])
            moved = mean + conditions.dtype.type(psi) * (conditions - mean)
            conditions = moved.astype(conditions.dtype)
        return conditions

    def mean_condition(self, target: TargetLike, seed: int = 0) -> np.ndarray:
        """The mean condition of 10,000 latent codes: `(condition_dim,)`.

        Args:
            target: the domain, as for `conditions`.
            seed: of the latent codes.
        """
        shape = (TRUNCATION_SAMPLES, self.latent_dim)
        latents = np.random.default_rng(seed).standard_normal(shape, "float32")
        return self.conditions(target, latents=latents, batch_size=256).mean(axis=0)

    def _guide(self, latents: Any, references: Any, seed: int) -> tuple[str, Any]:
        """Which guide gives the conditions, and the checked latents or references."""
        if latents is not None and references is not None:
            raise ValueError("Give latents or references, not both.")
        if references is not None:
            if "reference" not in self.guides:
                raise self._not_guided_by("reference")
            references = np.asarray(references, self.float_dtype)
            check_images(references, self.image_size, "references")
            return "reference", references
        if latents is not None:
            if "latent" not in self.guides:
                raise self._not_guided_by("latent")
            latents = np.asarray(latents, self.float_dtype)
            if (
                latents.ndim != 2
                or latents.shape[1] != self.latent_dim
                or not len(latents)
            ):
                raise ValueError(
                    f"latents must have shape (n, {self.latent_dim}), n > 0; received "
                    f"{latents.shape}."
                )
            return "latent", latents
        if "label" in self.guides:
            return "label", None
        if "latent" in self.guides:
            rng = np.random.default_rng(seed)
            latent = rng.standard_normal((1, self.latent_dim), "float32")
            return "latent", latent.astype(self.float_dtype)
        raise ValueError(f"{type(self).__name__} needs references.")

    def _label_vectors(self, target: TargetLike, own: Any, count: int) -> np.ndarray:
        """Label vectors `(count, labels.size)` of a target."""
        space = self.labels
        if isinstance(target, str):
            parsed = Target.parse(space, target)
            if own is None:
                if parsed.needs_own:
                    raise ValueError(
                        f"The target {target!r} does not name every label, and the "
                        "others are to stay as they are: give the images' own labels "
                        "as `own`."
                    )
                own = np.zeros((count, space.num_labels))
            vectors = parsed.resolve(own)
        elif np.ndim(target) == 2:
            vectors = np.asarray(target, self.float_dtype)
            if vectors.shape != (count, space.size) and vectors.shape != (
                1,
                space.size,
            ):
                raise ValueError(
                    f"This model needs labels of shape (n, {space.size}), a row for "
                    f"each image; received labels of shape {vectors.shape} for "
                    f"{count} images."
                )
        else:
            domains = self._domains()
            numbers = domains.to_indices(target, count, "target")
            vectors = np.eye(len(domains))[numbers]
        vectors = vectors.astype(self.float_dtype)
        return np.broadcast_to(vectors, (count, space.size))

    def _check_reachable(self, targets: np.ndarray, own: Any) -> None:
        """Raises `ValueError` for a domain that no network translates to."""
        names, reachable = self.labels.names, self.reachable
        if set(names) <= set(reachable) or self.labels.sets[0].kind == "binary":
            return
        # An image that is of the domain already stays as it is.
        owned = -1 if own is None else np.argmax(own, axis=1)
        numbers = targets.argmax(axis=1)
        missing = {names[i] for i in numbers[numbers != owned]} - set(reachable)
        if missing:
            raise ValueError(
                f"This {type(self).__name__} translates to {' or '.join(reachable)}; "
                f"received the target {' and '.join(sorted(missing))}."
            )

    def _domains(self) -> LabelSet:
        """The only label set, where it is categorical."""
        label_set = self.labels.sets[0]
        if len(self.labels.sets) > 1 or label_set.kind != "categorical":
            raise ValueError(
                "Numbers as targets need one data set of categorical labels; this "
                f"model knows {', '.join(self.labels.names)}. Give a label's name."
            )
        return label_set

    def _own_vectors(self, own: Any, count: int) -> np.ndarray:
        """The images' own labels as vectors `(count, labels.size)`, without mask."""
        vectors = np.zeros((count, self.labels.size), self.float_dtype)
        if own is not None:
            vectors[:, : self.labels.num_labels] = own
        elif self.needs_own:
            raise ValueError(
                f"{type(self).__name__} chooses a network by the images' own domain: "
                "give their labels as `own`."
            )
        return vectors

    def _not_guided_by(self, guide: str) -> ValueError:
        return ValueError(
            f"{type(self).__name__} is guided by {' or '.join(self.guides)}, not by a "
            f"{guide}."
        )

    # Use.

    def call(self, inputs: Any) -> Any:
        """Translates `[images, conditions]`."""
        images, conditions = inputs
        return self.translate_batch(images, conditions)

    def translate(
        self,
        images: Any,
        target: TargetLike | None = None,
        latents: Any = None,
        references: Any = None,
        conditions: Any = None,
        own: Any = None,
        seed: int = 0,
        psi: float = 1.0,
        batch_size: int = 32,
    ) -> np.ndarray:
        """Translates images.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1; of a model
                with a `size_multiple`, also `(n, height, width, 3)` of any height and
                width that are multiples of it. The model knows best what is of the
                size that it has in training images.
            target: what they are to become, as for `conditions`.
            latents: `(n, latent_dim)`, or one for all images.
            references: as the images, or one for all of them.
            conditions: `(n, condition_dim)`, or one for all images, instead of a
                target.
            own: the images' own labels, `(n, labels.num_labels)`. By default the
                model guesses them where a target needs them and it can classify.
            seed: of the latent code that all images share, where a latent-guided
                model gets neither latents nor references.
            psi: truncation, as for `conditions`.
            batch_size: how many images are translated at once.

        Returns:
            A float array of the shape of the images, values from -1 to 1.

        Raises:
            ValueError: for an unknown target, other shapes or values, neither a target
                nor conditions or both, or a guide that the model does not have.

        Example:
            ```python
            model.translate(images, "happy")
            model.translate(images, "dog", references=references)
            ```
        """
        images = np.asarray(images, self.float_dtype)
        check_images(images, self.image_size, multiple=self.size_multiple)
        if (target is None) == (conditions is None):
            raise ValueError(
                "Give a target, or conditions instead of one; received "
                f"{'neither' if target is None else 'both'}."
            )
        if target is not None:
            if own is None and self._depends_on_own(target):
                own = self.classify(self.at_training_size(images), batch_size)
            conditions = self.conditions(
                target,
                latents=latents,
                references=references,
                own=own,
                count=len(images),
                seed=seed,
                psi=psi,
                batch_size=batch_size,
            )
        elif latents is not None or references is not None:
            raise ValueError(
                "Give conditions, or a target with latents or references, not both."
            )
        conditions = np.asarray(conditions, self.float_dtype)
        if conditions.shape not in (
            (1, self.condition_dim),
            (len(images), self.condition_dim),
        ):
            raise ValueError(
                f"conditions must have shape ({len(images)}, {self.condition_dim}) or "
                f"(1, {self.condition_dim}); received {conditions.shape}."
            )
        conditions = np.broadcast_to(conditions, (len(images), self.condition_dim))
        translated = in_batches(
            self._compiled("translate_batch"), batch_size, images, conditions
        )
        # Not every generator ends with a tanh.
        return np.clip(translated, -1.0, 1.0)

    @functools.cached_property
    def _compiled(self) -> Callable[[str], Callable]:
        """The methods of these names as compiled functions, made at their first use."""
        return functools.cache(lambda name: compiled(getattr(self, name)))

    def at_training_size(self, images: np.ndarray) -> np.ndarray:
        """Images of any size as squares that can be classified."""
        square = (self.image_size, self.image_size)
        if images.shape[1:3] == square:
            return images
        resized = ops.image.resize(
            images, square, antialias=True, data_format="channels_last"
        )
        return np.clip(ops.convert_to_numpy(resized), -1.0, 1.0)

    def _depends_on_own(self, target: TargetLike) -> bool:
        """Whether the images' own labels matter, and the model can guess them."""
        if not isinstance(target, str):
            return False
        needed = Target.parse(self.labels, target).needs_own or self.needs_own
        return needed and self.can_classify

    def classify(self, images: Any, batch_size: int = 32) -> np.ndarray:
        """The labels that the model sees in images.

        A guess at the labels of images of which nothing is known.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1.
            batch_size: how many are looked at at once.

        Returns:
            A float32 array `(n, labels.num_labels)` of zeros and ones, with the
            labels of every data set.

        Raises:
            ValueError: for another shape, values outside [-1, 1], or a model that
                cannot classify.
        """
        images = np.asarray(images, self.float_dtype)
        if not self.can_classify:
            raise ValueError(
                f"This {type(self).__name__} cannot tell which labels an image has: it "
                "has no discriminator that was trained to classify."
            )
        check_images(images, self.image_size)
        return self.labels.from_logits(
            in_batches(self._compiled("classify_batch"), batch_size, images)
        )

    # Export.

    def endpoints(
        self,
        wrap: Callable[[Callable], Callable] = lambda function: function,
        size: tuple[int | None, int | None] | None = None,
    ) -> dict[str, Endpoint]:
        """The functions that every kind of export offers, by name.

        - With the guide "label": `translate_label`: `images` and `labels`
          `(n, labels.size)`, with the mask if there are several data sets, and where
          `needs_own` is true `own`, the images' own labels, to `translated`.
        - With "latent": `translate_latent`: `images`, `latents` and `domains` (int32
          `(n,)`, a domain's number) to `translated`; `style_from_latent`: `latents`
          and `domains` to `styles`.
        - With "reference": `translate_reference` and `style_from_reference` likewise
          with `references`.
        - With either: `translate_style`: `images` and `styles` to `translated`.
        - If the model can classify: `classify`: `images` to `logits`.

        The first guide's translation is also the `serving_default`. Translated images
        are float32, of the images' shape, in [-1, 1].

        Args:
            wrap: applied to each function of the model that several endpoints share,
                as `tf.function`, so that an export holds each network once.
            size: height and width of the images that are translated, None for any.
                References and images that are classified are always squares of
                `image_size`. Defaults to such squares for all.

        Raises:
            ValueError: if the model cannot translate images of such a size.
        """
        square = (self.image_size, self.image_size)
        size = square if size is None else size
        if size != square:
            check_any_size(size, self.image_size, self.size_multiple)
        return endpoints_of(self, wrap, size)

    # Training.

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch has what `fit` needs.

        By default it must be `images` and `labels`; for a method whose batches have
        images only, those that `IMAGES_OF` names, equally many of each.
        """
        if self.batches in IMAGES_OF:
            check_all_images(batch, IMAGES_OF[self.batches], self.image_size)
            return
        images, labels = (
            None if batch.get(name) is None else np.asarray(batch[name])
            for name in ("images", "labels")
        )
        if images is None or labels is None:
            raise ValueError("Batches must be (images, labels); there are no labels.")
        size = self.labels.size
        if labels.shape[1:] != (size,) or images.shape[:1] != labels.shape[:1]:
            raise ValueError(
                f"This model needs labels of shape (n, {size}), a row for each image; "
                f"received images of shape {images.shape} and labels of shape "
                f"{labels.shape}."
            )
        check_images(images, self.image_size)
        self.labels.check(labels)
        warn_if_unsigned(images)

    # Saving.

    @classmethod
    def from_preset(cls, name: str | os.PathLike) -> TranslationModel:
        """Loads a trained model of this class.

        Args:
            name: as the first argument of `keras_stargan.load_model`: a preset such as
                `"avatars"`, a file, the folder of a run, or `hf://USER/MODEL`.

        Raises:
            ValueError: if there is no such model, or it is of another class.

        Example:
            ```python
            model = keras_stargan.StarGAN.from_preset("avatars")
            ```
        """
        from keras_stargan.methods.loading import load_model

        model = load_model(name)
        if not isinstance(model, cls):
            raise ValueError(
                f"{name} is a {type(model).__name__}, not a {cls.__name__}: use "
                f"{type(model).__name__}.from_preset or keras_stargan.load_model."
            )
        return model

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments, for saving."""
        config = super().get_config()
        for name in _constructor_arguments(type(self)):
            value = getattr(self, name)
            if name in self.frozen:
                value = self.frozen[name].config
            if isinstance(value, LabelSet | LabelSpace):
                value = LabelSpace.of(value).get_config()
            config[name] = value
        return config


def _constructor_arguments(cls: type) -> list[str]:
    """The names of a constructor's arguments.

    A constructor that takes `*args` hands what it does not name on to that of the class
    it extends, so it has the arguments of that one, too.
    """
    found: dict[str, None] = {}
    for each in cls.__mro__:
        if "__init__" in vars(each):
            parameters = list(
                inspect.signature(vars(each)["__init__"]).parameters.values()
            )[1:]
            kinds = {parameter.kind for parameter in parameters}
            found |= {
                parameter.name: None
                for parameter in parameters
                if parameter.kind
                not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            }
            if inspect.Parameter.VAR_POSITIONAL not in kinds:
                break
    return list(found)

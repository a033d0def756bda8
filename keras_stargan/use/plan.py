"""What a model is asked for, before it is asked: targets, in styles."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_stargan.files.framing import FITS
from keras_stargan.files.picture_files import output_paths
from keras_stargan.images import from_uint8, to_uint8
from keras_stargan.labels import Target
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import check_any_size

# (images, their own labels) -> images.
_Translator = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class _Style:
    """One of the styles in which pictures are translated: of a seed or a reference."""

    title: str = ""
    file: str = ""
    seed: int | None = None
    reference: int | None = None  # its index


@dataclasses.dataclass(frozen=True)
class _Translation:
    """One translation that each picture gets.

    Args:
        target: what pictures become.
        style: in which style; of a label-guided model, one without a name.
        title: the target's name, with the style's if there are several.
        needs_own: whether it depends on a picture's own labels.
    """

    target: Target
    style: _Style
    title: str
    needs_own: bool


class Plan:
    """The translations that each picture gets, checked.

    Args:
        model: as for `translate_pictures`.
        targets: as for `translate_pictures`.
        references: the names of the pictures whose style the translations get.
        seeds: as for `translate_pictures`.
        psi: as for `translate_pictures`.
        source_labels: as for `translate_pictures`.
        fit: as for `translate_pictures`.
        batch_size: as for `translate_pictures`.
        size: as for `translate_pictures`.

    Attributes:
        shape: height and width of the images that the model translates.
        own: the labels `(1, num_labels)` that all pictures have; None if they are
            guessed for each, or no translation depends on them.

    Raises:
        ValueError: as `translate_pictures`.
    """

    def __init__(
        self,
        model: TranslationModel,
        targets: str | Sequence[str],
        references: Sequence[str],
        seeds: Sequence[int],
        psi: float,
        source_labels: Sequence[str] | None,
        fit: str,
        batch_size: int,
        size: tuple[int, int] | None = None,
    ) -> None:
        if fit not in FITS:
            raise ValueError(f"fit must be one of {', '.join(FITS)}; received {fit!r}.")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; received {batch_size}.")
        self.shape = size or (model.image_size, model.image_size)
        if self.shape != (model.image_size, model.image_size):
            check_any_size(self.shape, model.image_size, model.size_multiple)
        if self.shape[0] != self.shape[1] and fit == "face":
            raise ValueError(
                "fit='face' takes a square; for the size "
                f"{self.shape[0]}x{self.shape[1]}, fit must be crop or pad."
            )
        self._model = model
        self._psi = psi
        self._styles = _styles(model, references, seeds)
        self._translations = _translations(model, targets, self._styles, psi)
        self.own = _source_labels(model, source_labels, self._translations)

    @property
    def titles(self) -> list[str]:
        """A name for each translation."""
        return [one.title for one in self._translations]

    @property
    def guesses(self) -> bool:
        """Whether the pictures' own labels are needed, and not known yet."""
        needed = any(one.needs_own for one in self._translations)
        return needed and self.own is None

    def output_paths(
        self,
        files: Mapping[pathlib.Path, pathlib.PurePath],
        output_dir: pathlib.Path,
    ) -> dict[pathlib.Path, list[pathlib.Path]]:
        """The PNG file of each translation of each input, as in `picture_files`."""
        return output_paths(
            dict(files),
            list(dict.fromkeys(one.target.title for one in self._translations)),
            output_dir,
            [f"_{s.file}" if len(self._styles) > 1 else "" for s in self._styles],
        )

    def guess_once(self, images: np.ndarray) -> None:
        """Guesses the labels that all pictures have: those that most of some have.

        Args:
            images: these pictures, uint8 `(n, *shape, 3)`.
        """
        votes = self._guess(from_uint8(images))
        share = votes.mean(axis=0, keepdims=True)
        self.own = self._model.labels.from_logits(share - 0.5)

    def ready(
        self, references: Sequence[np.ndarray]
    ) -> Callable[[np.ndarray], list[np.ndarray]]:
        """What translates; each style is computed here, once.

        Args:
            references: uint8 `(image_size, image_size, 3)`, one for each of their
                names.

        Returns:
            A function of pictures, uint8 `(n, *shape, 3)`, that gives for each
            translation as many.
        """
        model = self._model
        steps = [
            _ready(model, one, self._psi, references) for one in self._translations
        ]

        def translate(pictures: np.ndarray) -> list[np.ndarray]:
            images = from_uint8(pictures)
            if self.own is not None:
                own = self.own.repeat(len(images), axis=0)
            elif self.guesses:
                own = self._guess(images)
            else:
                own = np.zeros((len(images), model.labels.num_labels), "float32")
            return [to_uint8(step(images, own)) for step in steps]

        return translate

    def _guess(self, images: np.ndarray) -> np.ndarray:
        """The labels that a model sees in images of any size."""
        model = self._model
        if self.shape != (model.image_size, model.image_size):
            images = model.at_training_size(images)
        return model.classify(images, len(images))


def _styles(
    model: TranslationModel, references: Sequence[str], seeds: Sequence[int]
) -> list[_Style]:
    """The styles that are asked for; a label-guided model has one without a name."""
    if references and seeds:
        raise ValueError("Give references or seeds, not both.")
    for what, guide, given in (
        ("references", "reference", references),
        ("seeds", "latent", seeds),
    ):
        if given and guide not in model.guides:
            guides = " or ".join(model.guides)
            raise ValueError(
                f"This {type(model).__name__} is guided by {guides}, not by {what}."
            )
        if len(set(given)) < len(given):
            raise ValueError(
                f"Each of the {what} must have a name of its own; received "
                f"{', '.join(map(str, given))}."
            )
    if references:
        return [_Style(name, name, None, i) for i, name in enumerate(references)]
    if "label" in model.guides:
        return [_Style()]
    if "latent" not in model.guides:
        raise ValueError(f"This {type(model).__name__} needs references.")
    return [_Style(f"seed {seed}", f"seed{seed}", seed) for seed in seeds or (0,)]


def _translations(
    model: TranslationModel,
    targets: str | Sequence[str],
    styles: Sequence[_Style],
    psi: float,
) -> list[_Translation]:
    """Every target in every style."""
    by_label = "label" in model.guides
    if by_label and psi != 1.0:
        raise ValueError("psi moves styles; this model has labels instead.")
    return [
        _Translation(
            target,
            style,
            f"{target.title} {style.title}" if len(styles) > 1 else target.title,
            by_label and (target.needs_own or model.needs_own),
        )
        for target in _parse(model, targets)
        for style in styles
    ]


def _ready(
    model: TranslationModel,
    translation: _Translation,
    psi: float,
    squares: Sequence[np.ndarray],
) -> _Translator:
    """What translates. A style is computed here, once; `squares` are the references."""
    target, style = translation.target, translation.style
    if not style.title:
        return functools.partial(_to_label, model, target)
    if style.reference is not None:
        reference = from_uint8(squares[style.reference][None])
        conditions = model.conditions(target.title, references=reference)
    else:
        conditions = model.conditions(target.title, seed=style.seed, psi=psi)
    return lambda images, own: model.translate(
        images, conditions=conditions, batch_size=len(images)
    )


def _parse(model: TranslationModel, targets: str | Sequence[str]) -> list[Target]:
    if not targets:
        return model.each_target()
    texts = [targets] if isinstance(targets, str) else targets
    parsed = [Target.parse(model.labels, text) for text in texts]
    titles = [target.title for target in parsed]
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise ValueError(f"The target {twice[0]} is given twice.")
    return parsed


def _to_label(
    model: TranslationModel, target: Target, images: np.ndarray, own: np.ndarray
) -> np.ndarray:
    more = {"own": own} if model.needs_own else {}
    labels = target.resolve(own)
    return model.translate(images, labels, batch_size=len(images), **more)


def _source_labels(
    model: TranslationModel,
    names: Sequence[str] | None,
    translations: Sequence[_Translation],
) -> np.ndarray | None:
    """The labels `(1, num_labels)` that all pictures have; None if they are guessed."""
    space = model.labels
    if names is not None:
        own = np.zeros((1, space.num_labels), "float32")
        for name in names:
            label = Target.parse(space, name).resolve(np.zeros_like(own))
            own = np.maximum(own, label[:, : space.num_labels])
        return own
    if any(one.needs_own for one in translations) and not model.can_classify:
        raise ValueError(
            "Labels that a target does not name are to stay as they are, but a "
            "generator alone cannot tell which labels a picture has. Load the model "
            "with its discriminator (200000-D.ckpt), or name the labels that the "
            "pictures have by source_labels."
        )
    return None

"""Grids of a trained model's translations, for every method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.files.picture_files import file_name
from keras_stargan.images import from_uint8, image_grid
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import check_images

_ROWS = 8  # images in a grid of labels, if the data has no more labels
_LATENTS = 5
# Images of a domain that are looked at, at most, to choose some that differ.
_CANDIDATES = 200


def sample_grids(
    model: TranslationModel, test_sets: Sequence[ImageSet]
) -> dict[str, Callable[[], np.ndarray]]:
    """The grids that show how far training has come.

    Args:
        model: the model in training.
        test_sets: images never trained on, of each of the model's data sets.

    Returns:
        Functions without arguments that draw a grid, by name. Of a label-guided model
        `""`: test images, translated to every label. Of other models `reference`: test
        images in the styles of others, and for each domain `latent_<domain>`: test
        images in the styles of latent codes.
    """
    if "label" in model.guides:
        rows = max(_ROWS, len(model.labels.names)) // len(test_sets)
        parts = [part.subset(part.sample_varied(rows)) for part in test_sets]
        images = from_uint8(np.concatenate([part.images for part in parts]))
        labels = np.concatenate(
            [model.labels.unify(part.labels, i) for i, part in enumerate(parts)]
        )
        return {"": lambda: label_grid(model, images, labels)}
    (test_set,) = test_sets
    names = model.labels.names
    # As many images of each domain, half of them as sources and half as references.
    each = max(2, min(6, 8 // len(names) * 2))
    domains = test_set.labels.argmax(axis=1)
    of_sources, of_others = [], []
    for domain in range(len(names)):
        (rows,) = np.nonzero(domains == domain)
        rows = rows[:: 1 + len(rows) // _CANDIDATES]
        rows = rows[test_set.subset(rows).sample_varied(each)] if len(rows) else rows
        of_sources += list(rows[::2])
        # A domain with a single test image shows it twice.
        of_others += list(rows[1::2] if len(rows) > 1 else rows)
    sources, others = (
        from_uint8(test_set.images[rows]) for rows in (of_sources, of_others)
    )
    other_domains = domains[of_others]
    grids = {}
    if "reference" in model.guides:
        grids["reference"] = lambda: reference_grid(
            model, sources, others, other_domains
        )
    if "latent" in model.guides:
        shape = (_LATENTS, model.latent_dim)
        latents = np.random.default_rng(0).standard_normal(shape, "float32")
        for name in names:
            grids[f"latent_{file_name(name)}"] = lambda name=name: latent_grid(
                model, sources, name, latents
            )
    return grids


def label_grid(
    model: TranslationModel,
    images: np.ndarray,
    labels: np.ndarray,
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """A grid with a row for every image: itself, then its translation to every label.

    Args:
        model: a label-guided model.
        images: `(n, image_size, image_size, 3)`, values from -1 to 1.
        labels: the images' own label vectors `(n, labels.size)`. Labels of other data
            sets than an image's own are guessed, if the model can classify.
        row_titles: a caption to the left of each row, or none.

    Returns:
        uint8 array of shape `(height, width, 3)`.
    """
    space = model.labels
    several = len(space.sets) > 1 and model.can_classify
    own = space.known_labels(labels, model.classify(images) if several else None)
    more = {"own": own} if model.needs_own else {}
    targets = model.each_target()
    columns = [
        images,
        *(model.translate(images, target.resolve(own), **more) for target in targets),
    ]
    return image_grid(
        np.stack([np.asarray(column, "float32") for column in columns], axis=1),
        column_titles=["source", *(target.title for target in targets)],
        row_titles=row_titles,
    )


def latent_grid(
    model: TranslationModel,
    images: Any,
    domain: str | int,
    latents: Any,
    psi: float = 1.0,
) -> np.ndarray:
    """A grid of images across, translated to a domain in the style of each latent code.

    Args:
        model: a trained model.
        images: the first row: `(n, image_size, image_size, 3)`, values from -1 to 1.
        domain: to which, its name or number.
        latents: for each further row a latent code, `(rows, latent_dim)`.
        psi: truncation, as for `TranslationModel.conditions`.

    Returns:
        uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: for other shapes or values, or an unknown domain.
    """
    styles = model.conditions(domain, latents=latents, psi=psi)
    titles = (f"latent {i + 1}" for i in range(len(styles)))
    return image_grid(
        [images, *translations_in(model, images, styles)],
        row_titles=["source", *titles],
    )


def reference_grid(
    model: TranslationModel, images: Any, references: Any, domains: Any
) -> np.ndarray:
    """A grid of images across and references down, the translations between them.

    Args:
        model: a trained model.
        images: the first row: `(n, image_size, image_size, 3)`, values from -1 to 1.
        references: the first column, `(rows, image_size, image_size, 3)`.
        domains: the references': a name or number, or `(rows,)` numbers.

    Returns:
        uint8 array of shape `(height, width, 3)`.

    Raises:
        ValueError: for other shapes or values, or an unknown domain.
    """
    styles = model.conditions(domains, references=references)
    rows = translations_in(model, images, styles)
    return image_grid(
        with_column([white(model), *references], [images, *rows]),
        row_titles=["source", *_names(model, domains, len(references))],
    )


def cycle_grid(
    model: TranslationModel,
    images: Any,
    domains: Any,
    references: Any,
    reference_domains: Any,
) -> np.ndarray:
    """A grid of images, their references, translations to these, and these back.

    Back is to an image's own domain, in its own style.

    Args:
        model: a trained model.
        images: `(n, image_size, image_size, 3)`, values from -1 to 1.
        domains: theirs: a name or number, or `(n,)` numbers.
        references: one for each image.
        reference_domains: theirs, as `domains`.

    Returns:
        uint8 array of shape `(height, width, 3)`, a column for each image.

    Raises:
        ValueError: for other shapes or values, an unknown domain, or not as many
            references as images.
    """
    if len(images) != len(references):
        raise ValueError(
            f"There must be a reference for each of {len(images)} images; received "
            f"{len(references)}."
        )
    own = model.conditions(domains, references=images)
    styles = model.conditions(reference_domains, references=references)
    translated = model.translate(images, conditions=styles)
    back = model.translate(translated, conditions=own)
    names, reference_names = (
        _names(model, several, len(images)) for several in (domains, reference_domains)
    )
    return image_grid(
        [images, references, translated, back],
        column_titles=[
            f"{name} to {other}"
            for name, other in zip(names, reference_names, strict=True)
        ],
        row_titles=["source", "reference", "translation", "reconstruction"],
    )


def translations_in(model, images, styles):
    """For each style the images in it: `(len(styles), len(images), size, size, 3)`."""
    images = np.asarray(images, "float32")
    check_images(images, model.image_size)
    translated = model.translate(
        np.tile(images, (len(styles), 1, 1, 1)),
        conditions=np.repeat(styles, len(images), axis=0),
    )
    return translated.reshape(len(styles), *images.shape)


def with_column(column, rows):
    """Rows of images with one more image before each."""
    return [[first, *row] for first, row in zip(column, rows, strict=True)]


def white(model):
    """What is where a first row and a first column meet."""
    return np.ones((model.image_size, model.image_size, 3), "float32")


def _names(model, domains, count):
    """The names of domains that are a name, a number, or a number for each."""
    return [
        model.labels.sets[0].names[n]
        for n in model.labels.sets[0].to_indices(domains, count)
    ]

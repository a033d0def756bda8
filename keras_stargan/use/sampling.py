"""What a StarGAN v2 makes of pictures: grids, and the frames of videos."""

import os
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_stargan.images import image_grid
from keras_stargan.methods.base import check_images
from keras_stargan.methods.stargan_v2.pytorch import load_pytorch
from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2
from keras_stargan.training.checkpoints import model_file

_TOGETHER = 32  # images that are translated at once, for videos


def load_model(path: str | os.PathLike) -> StarGANv2:
    """Loads a trained StarGAN v2, to be used and not trained on.

    Args:
        path: a `.keras` file; or the folder of a run, of which the newest of
            `model.keras` and the checkpoints is taken; or the published code's
            `100000_nets_ema.ckpt`.

    Raises:
        ImportError: for a published checkpoint, without PyTorch.
        ValueError: if there is no such file, or no StarGAN v2 in it.
    """
    path = model_file(path)
    if path.suffix != ".keras":
        return load_pytorch(path)
    model = keras.saving.load_model(path, compile=False)
    if not isinstance(model, StarGANv2):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a StarGANv2.")
    return model


def latent_grid(
    model: StarGANv2, images: Any, domain: str | int, latents: Any, psi: float = 1.0
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
        [images, *_translations(model, images, styles)],
        row_titles=["source", *titles],
    )


def reference_grid(
    model: StarGANv2, images: Any, references: Any, domains: Any
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
    rows = _translations(model, images, styles)
    return image_grid(
        _with_column([_white(model), *references], [images, *rows]),
        row_titles=["source", *_names(model, domains, len(references))],
    )


def cycle_grid(
    model: StarGANv2,
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


def style_positions(count: int, frames_per_transition: int) -> np.ndarray:
    """Where among styles each frame of a video is.

    Args:
        count: of the styles, at least 2.
        frames_per_transition: frames from one style to the next, at least 1.

    Returns:
        A float array `((count - 1) * frames_per_transition + 1,)` that goes along a
        sigmoid of time from each whole number, a style itself, to the next: at 1.25,
        a frame is a quarter of the way from the second style to the third.

    Raises:
        ValueError: for smaller numbers.
    """
    if count < 2 or frames_per_transition < 1:
        raise ValueError(
            "A video needs 2 styles or more, and 1 frame or more from one to the "
            f"next; received {count} styles and {frames_per_transition} frames."
        )
    times = np.arange(frames_per_transition) / frames_per_transition
    # The sigmoid from -5 to 5, stretched so that it is 0 and 1 there.
    sigmoid = 0.5 + 0.5 * np.tanh(5 * times - 2.5) / np.tanh(2.5)
    between = np.arange(count - 1)[:, None] + sigmoid
    return np.append(between.ravel(), count - 1)


def interpolation_frames(
    model: StarGANv2,
    images: Any,
    styles: Any,
    references: Any = None,
    frames_per_transition: int = 30,
    verbose: int = 0,
) -> Iterator[np.ndarray]:
    """The frames of a video in which the translations go from style to style.

    The images are above, their translations below. References are shown in a column
    before these, each sliding up to the next as its style does.

    Args:
        model: a trained model.
        images: `(n, image_size, image_size, 3)`, values from -1 to 1.
        styles: `(m, style_dim)`, m > 1, as `TranslationModel.conditions`
            gives; of one domain or of several.
        references: the images that the styles are of, if they shall be shown:
            `(m, image_size, image_size, 3)`.
        frames_per_transition: frames from one style to the next. The styles
            themselves are in the frames 0, `frames_per_transition`, and so on.
        verbose: 0 for silence, 1 for a progress bar.

    Returns:
        An iterator of uint8 arrays `(height, width, 3)`, of which only a few are in
        memory at once.

    Raises:
        ValueError: for a wrong number of styles, references or frames, at once; for
            other shapes or values, at the first frame.
    """
    positions = style_positions(len(styles), frames_per_transition)
    if references is not None and len(references) != len(styles):
        raise ValueError(
            f"There must be a reference for each of {len(styles)} styles; received "
            f"{len(references)}."
        )
    styles = np.asarray(styles)
    return _frames(model, images, styles, references, positions, verbose)


def _frames(model, images, styles, references, positions, verbose):
    progress = keras.utils.Progbar(len(positions), verbose=verbose, unit_name="frame")
    before = np.minimum(positions.astype(int), len(styles) - 2)
    ways = positions - before
    # One frame at a time would take two to three times as long, of small images.
    together = max(1, _TOGETHER // len(images))
    for start in range(0, len(positions), together):
        part = slice(start, start + together)
        places, way = before[part], ways[part, None]
        between = (1 - way) * styles[places] + way * styles[places + 1]
        translations = _translations(model, images, between)
        for i, place in enumerate(places):
            rows = [images, translations[i]]
            if references is not None:
                both = np.concatenate(references[place : place + 2])
                top = round(way[i, 0] * model.image_size)
                sliding = both[top : top + model.image_size]
                rows = _with_column([_white(model), sliding], rows)
            yield image_grid(rows)
            progress.add(1)


def _translations(model, images, styles):
    """For each style the images in it: `(len(styles), len(images), size, size, 3)`."""
    images = np.asarray(images, "float32")
    check_images(images, model.image_size)
    translated = model.translate(
        np.tile(images, (len(styles), 1, 1, 1)),
        conditions=np.repeat(styles, len(images), axis=0),
    )
    return translated.reshape(len(styles), *images.shape)


def _with_column(column, rows):
    """Rows of images with one more image before each."""
    return [[first, *row] for first, row in zip(column, rows, strict=True)]


def _white(model):
    """What is where a first row and a first column meet."""
    return np.ones((model.image_size, model.image_size, 3), "float32")


def _names(model, domains, count):
    """The names of domains that are a name, a number, or a number for each."""
    return [model.domains.names[n] for n in model.domains.to_indices(domains, count)]

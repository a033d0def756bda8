"""Frames of videos in which translations go from style to style."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_stargan.files.progress import Progress
from keras_stargan.images import image_grid
from keras_stargan.methods.base import TranslationModel
from keras_stargan.use.grids import translations_in, white, with_column

_TOGETHER = 32  # images that are translated at once


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
    model: TranslationModel,
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
    progress = Progress(len(positions), "frames", verbose)
    before = np.minimum(positions.astype(int), len(styles) - 2)
    ways = positions - before
    # One frame at a time would take two to three times as long, of small images.
    together = max(1, _TOGETHER // len(images))
    for start in range(0, len(positions), together):
        part = slice(start, start + together)
        places, way = before[part], ways[part, None]
        between = (1 - way) * styles[places] + way * styles[places + 1]
        translations = translations_in(model, images, between)
        for i, place in enumerate(places):
            rows = [images, translations[i]]
            if references is not None:
                both = np.concatenate(references[place : place + 2])
                top = round(way[i, 0] * model.image_size)
                sliding = both[top : top + model.image_size]
                rows = with_column([white(model), sliding], rows)
            yield image_grid(rows)
            progress.add(1)

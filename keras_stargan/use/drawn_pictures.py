"""Drawn pictures that fit a model, to try it without any picture of one's own."""

import os
from typing import Any

from keras_stargan.data import ImageSet, load_avatars, load_creatures
from keras_stargan.labels import LabelSpace
from keras_stargan.labels.published import EXPRESSIONS

# What is drawn, by the names of its labels.
_DRAWN: dict[tuple[str, ...], tuple[Any, str]] = {
    EXPRESSIONS.names: (load_avatars, "expressions"),
    ("Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Mustache"): (
        load_avatars,
        "attributes",
    ),
    ("critters", "moods", "clay"): (load_creatures, "species"),
    ("dylan", "toon-head"): (load_creatures, "faces"),
}


def drawn_pictures(
    labels: LabelSpace,
    image_size: int,
    count: int = 4,
    cache_dir: str | os.PathLike | None = None,
) -> ImageSet:
    """Draws some pictures of the test part of the data that a model's labels are of.

    Args:
        labels: the model's. Of several data sets, the first that can be drawn is.
        image_size: width and height of the pictures, in pixels.
        count: how many pictures.
        cache_dir: as for `load_avatars`.

    Returns:
        Pictures with labels as different as possible, always the same.

    Raises:
        ValueError: if no data with these labels can be drawn.
    """
    for label_set in labels.sets:
        if label_set.names in _DRAWN:
            load, name = _DRAWN[label_set.names]
            # One of the training part, which is not used: drawing takes time.
            _, test_set = load(name, image_size, 1, count, cache_dir=cache_dir)
            return test_set.subset(test_set.sample_varied(count))
    raise ValueError(
        f"The model was trained on pictures of {', '.join(labels.names)}, which cannot "
        "be drawn here. Name the pictures: files, folders or globs."
    )

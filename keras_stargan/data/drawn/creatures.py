"""Drawn creatures and faces of several kinds, as data for StarGAN v2."""

import os

import numpy as np

from keras_stargan.data.drawn.drawn_images import drawn_images
from keras_stargan.data.image_set import ImageSet
from keras_stargan.files.cache import cache_folder
from keras_stargan.labels import LabelSet

# For each data set its domains, which are the names of DiceBear's styles, with the
# square of the drawing that is shown.
_SETS = {
    "species": {
        "critters": "0 0 100 100",
        "moods": "0 0 100 100",
        "clay": "0 0 100 100",
    },
    "faces": {"dylan": "0 0 80 80", "toon-head": "124 60 520 520"},
}


def load_creatures(
    name: str = "species",
    image_size: int = 64,
    num_each: int = 1000,
    test_each: int = 100,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Draws creatures of several kinds, or takes them from the cache.

    The kinds are the domains. Everything else is the style, in the sense of StarGAN
    v2: colors, shape, eyes, mouth, horns, ears or hair, which DiceBear chooses from
    each creature's number. The data sets are

    * `"species"`: critters, moods and clay, instead of AFHQ;
    * `"faces"`: faces of two kinds, instead of CelebA-HQ.

    Args:
        name: name of the data set.
        image_size: width and height of the images, in pixels.
        num_each: number of creatures of each kind in the training part.
        test_each: number of creatures of each kind in the test part, which are all
            different ones.
        cache_dir: as for `load_avatars`.

    Returns:
        The training and the test part.

    Raises:
        ValueError: for an unknown data set, or a size or a number of creatures
            below 1.
    """
    if name not in _SETS:
        raise ValueError(f"name must be one of {', '.join(_SETS)}; received {name!r}.")
    kinds = LabelSet(tuple(_SETS[name]), name=name)
    for what, value in (
        ("image_size", image_size),
        ("num_each", num_each),
        ("test_each", test_each),
    ):
        if value < 1:
            raise ValueError(f"{what} must be 1 or more; received {value}.")
    # The test part has negative numbers, so that each part keeps its creatures when
    # the other one grows.
    numbers = [*range(num_each), *range(-test_each, 0)]
    by_kind = [
        drawn_images(
            kind,
            view_box,
            image_size,
            [{"seed": f"{kind} {number}"} for number in numbers],
            cache_folder(cache_dir),
            f"{kind}-{image_size}px-{num_each}+{test_each}",
        )
        for kind, view_box in _SETS[name].items()
    ]
    count = len(numbers)
    everyone = ImageSet(
        images=np.concatenate(by_kind),
        labels=np.repeat(np.eye(len(kinds)), count, axis=0),
        label_set=kinds,
        subjects=np.arange(count * len(kinds)),
    )
    is_training = np.tile(np.arange(count) < num_each, len(kinds))
    return (
        everyone.subset(np.flatnonzero(is_training)),
        everyone.subset(np.flatnonzero(~is_training)),
    )

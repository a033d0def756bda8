"""Pictures of drawn creatures and faces of several kinds: StarGAN v2's own data."""

import os

import numpy as np

from keras_stargan.data.drawn.drawn_images import drawn_images
from keras_stargan.data.image_set import ImageSet
from keras_stargan.files.cache import cache_folder
from keras_stargan.labels import LabelSet

# The sets; of each its domains, which are DiceBear's styles of these names, and the
# square that holds them.
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
    """Draw creatures of several kinds, or take them from the cache.

    The domains are the kinds. The style, in StarGAN v2's sense, is the rest: colours,
    shape, eyes, mouth, horns and ears or hair, by DiceBear from a number that is the
    creature's own. The sets are

    * `"species"`: critters, moods and clay, in the place of AFHQ;
    * `"faces"`: of two kinds, in the place of CelebA-HQ.

    Args:
        name: which set.
        image_size: width and height of the pictures, in pixels.
        num_each: creatures of each kind in the training part.
        test_each: creatures of each kind in the test part, all of them others.
        cache_dir: as for `load_avatars`.

    Returns:
        The training and the test part.

    Raises:
        ValueError: for an unknown set, or a size or a number of creatures below 1.
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
    # Numbers from both ends: either part stays the same when the other one grows.
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

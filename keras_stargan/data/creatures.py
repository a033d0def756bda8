"""Pictures of drawn creatures of three kinds: StarGAN v2's own data."""

import os

import numpy as np

from keras_stargan.data.cache import cache_folder
from keras_stargan.data.drawn import drawn_images
from keras_stargan.data.image_set import ImageSet
from keras_stargan.labels import LabelSet

# The domains: DiceBear's styles of these names, drawn whole.
KINDS = LabelSet(("critters", "moods", "clay"))
_VIEW_BOX = "0 0 100 100"


def load_creatures(
    image_size: int = 64,
    num_each: int = 1000,
    test_each: int = 100,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Draw creatures of three kinds, or take them from the cache.

    The domains are the kinds: critters, moods and clay. The style, in StarGAN v2's
    sense, is the rest: colours, shape, eyes, mouth, horns and ears, by DiceBear from
    a number that is the creature's own.

    Args:
        image_size: width and height of the pictures, in pixels.
        num_each: creatures of each kind in the training part.
        test_each: creatures of each kind in the test part, all of them others.
        cache_dir: as for `load_avatars`.

    Returns:
        The training and the test part.

    Raises:
        ValueError: for a size or a number of creatures below 1.
    """
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
            _VIEW_BOX,
            image_size,
            [{"seed": f"{kind} {number}"} for number in numbers],
            cache_folder(cache_dir),
            f"{kind}-{image_size}px-{num_each}+{test_each}",
        )
        for kind in KINDS.names
    ]
    count = len(numbers)
    everyone = ImageSet(
        images=np.concatenate(by_kind),
        labels=np.repeat(np.eye(len(KINDS)), count, axis=0),
        label_set=KINDS,
        people=np.arange(count * len(KINDS)),
    )
    is_training = np.tile(np.arange(count) < num_each, len(KINDS))
    return (
        everyone.subset(np.flatnonzero(is_training)),
        everyone.subset(np.flatnonzero(~is_training)),
    )

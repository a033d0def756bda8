"""Landmarks, and masks for StarGAN v2, from the heatmaps of FAN.

The landmarks are those of the data set WFLW: contour 0 to 32, brows 33 to 50, nose 51
to 59, eyes 60 to 75, lips 76 to 95, pupils 96 and 97.
"""

import keras
import numpy as np
from keras import ops

from keras_stargan.pretrained.fan.networks import IMAGE_SIZE, NUM_LANDMARKS

# The parts of the masks: numbers of landmarks; pixels by which their heatmaps are moved
# up (down if below 0); the exponent that makes their spots smaller; whether the second
# mask has the part too. The ends of contour, brows and lips are left out.
MASK_PARTS = (
    (range(8, 25), 0, 3, False),
    ((*range(34, 46), *range(47, 51)), -7, 2, False),
    (range(51, 52), 0, 1, True),
    (range(52, 55), 4, 1, True),
    (range(55, 60), 8, 4, True),
    # The eyes are there twice: below the lids, and further down on the cheeks.
    (range(60, 76), -8, 3, True),
    (range(60, 76), -24, 1, True),
    (range(77, 82), -8, 4, False),
    (range(83, 88), 8, 4, False),
    (range(88, 96), -2, 3, False),
    (range(96, 98), 0, 1, True),
)


def landmarks(heatmaps: keras.KerasTensor) -> keras.KerasTensor:
    """Finds the landmarks: each heatmap's maximum, moved by a quarter of a pixel.

    It is moved towards the higher one of its neighbors, in both directions.

    Args:
        heatmaps: `(batch, size, size, channels)`, as `FAN` gives them, with those of
            the 98 landmarks first.

    Returns:
        `(batch, 98, 2)`: x and y in pixels of an image of 256 px.
    """
    size = heatmaps.shape[1]
    maps = ops.transpose(heatmaps[..., :NUM_LANDMARKS], (0, 3, 1, 2))
    highest = ops.argmax(ops.reshape(maps, (-1, NUM_LANDMARKS, size**2)), axis=-1)
    points = ops.stack([highest % size, highest // size], axis=-1)
    # The differences between the next and the previous pixel, across and down.
    slopes = ops.stack(
        [ops.roll(maps, -1, axis) - ops.roll(maps, 1, axis) for axis in (3, 2)], axis=-1
    )
    slopes = ops.reshape(slopes, (-1, NUM_LANDMARKS, size**2, 2))
    slopes = ops.take_along_axis(slopes, highest[:, :, None, None], axis=2)[:, :, 0]
    # A point at a border of the map is not moved in either direction.
    inside = ops.all((points > 0) & (points < size - 1), axis=-1, keepdims=True)
    moves = ops.where(inside, 0.25 * ops.sign(slopes), 0.0)
    points = ops.cast(points, moves.dtype) + moves + 0.5
    return points * (IMAGE_SIZE / size)


def masks(heatmaps: keras.KerasTensor) -> keras.KerasTensor:
    """Masks of the parts of a face that StarGAN v2 preserves.

    Args:
        heatmaps: `(batch, size, size, channels)`, as `FAN` gives them, with those of
            the 98 landmarks first.

    Returns:
        `(batch, 256, 256, 2)` in [0, 1]: a mask of all parts, and one of nose and eyes.
    """
    maps = _enlarged(heatmaps[..., :NUM_LANDMARKS])
    maps = ops.where(maps < 0.1, 0.0, maps)
    low, high = (f(maps, axis=(1, 2), keepdims=True) for f in (ops.min, ops.max))
    maps = (maps - low) / (high - low + 1e-6)
    both, first_only = [], []
    for numbers, up, power, in_second in MASK_PARTS:
        part = ops.take(maps, list(numbers), axis=-1) ** power
        # Pixels that leave the image enter at its other side, as published.
        part = ops.roll(ops.sum(part, axis=-1), -up, axis=1)
        (both if in_second else first_only).append(part)
    second = sum(both)
    return ops.clip(ops.stack([second + sum(first_only), second], axis=-1), 0.0, 1.0)


def _enlarged(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Maps of 256 px by linear interpolation, the corner pixels on each other."""
    size = maps.shape[1]
    places = np.linspace(0, size - 1, IMAGE_SIZE)[:, None]
    shares = np.maximum(0, 1 - np.abs(places - np.arange(size)))
    shares = ops.convert_to_tensor(shares, maps.dtype)
    return ops.einsum("yh,xw,bhwc->byxc", shares, shares, maps)

"""Alignment of faces: rotates, scales and shifts them, as StarGAN v2 needs them.

A FAN finds 98 landmarks of a face. A similarity transform (rotation, scale, shift)
brings them to their target positions. Where the result reaches beyond the picture, the
picture is mirrored at its borders and blurred, the more the further out. There are two
rules for the target positions:

- With mean landmarks (`celeba_lm_mean.npz`, published beside `wing.ckpt`), the rule of
  StarGAN v2: the axis of eyes and mouth becomes that of the mean face, the center of
  all landmarks becomes its center, and the pupils and the corners of the mouth get, on
  average, the same distance from the center.
- Without mean landmarks, the rule by which CelebA-HQ was cropped (Karras et al.,
  *Progressive Growing of GANs*, ICLR 2018, appendix C), which uses eyes and mouth
  alone. It needs no file, but it is not the rule that the authors of StarGAN v2
  published for one's own pictures.

FAN does not detect faces: the face must fill much of the picture, as on a portrait.
"""

import dataclasses
import math
import os
from collections.abc import Callable, Sequence

import numpy as np
from keras import ops
from PIL import Image, ImageFilter

from keras_stargan.files.framing import Framing, frame
from keras_stargan.files.pictures import as_rgb
from keras_stargan.images import from_uint8
from keras_stargan.pretrained.fan.heatmaps import landmarks as landmarks_of_heatmaps
from keras_stargan.pretrained.fan.networks import IMAGE_SIZE, NUM_LANDMARKS

# The ways in which a picture becomes square before FAN looks for the face.
FITS = ("crop", "face")
# Landmarks with a lower mean certainty are not those of a face. The heatmap of a clear
# landmark reaches about 1; the published masks ignore values below 0.1.
MIN_CERTAINTY = 0.2

_EYES = (*range(60, 68), 96), (*range(68, 76), 97)  # the eyes' contours and pupils
_MOUTH = 76, 82  # the corners of the mouth
_SCALED_BY = (96, 97, *_MOUTH)


def load_mean_landmarks(file: str | os.PathLike) -> np.ndarray:
    """Reads the landmarks of the mean face that the published code uses.

    Args:
        file: `celeba_lm_mean.npz`, or another .npz file with such an array `mean`.

    Returns:
        `(98, 2)`: x and y in pixels of an image of 256 px.

    Raises:
        OSError: if there is no such file.
        ValueError: if the file has no such array.
    """
    try:
        mean = np.load(file)["mean"]
    except OSError:
        raise
    # NumPy raises many kinds of errors for files of other formats.
    except Exception as error:
        raise ValueError(
            f"{file} must be an .npz file with an array 'mean', as "
            f"celeba_lm_mean.npz: {error}"
        ) from None
    return _checked_mean(mean, f"{file}, mean")


def find_landmarks(fan: Callable, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the landmarks of faces.

    Args:
        fan: a `FAN` with weights.
        images: `(n, 256, 256, 3)`, uint8.

    Returns:
        The landmarks `(n, 98, 2)`, x and y in pixels; and the certainties `(n,)`: the
        mean over the landmarks of each heatmap's maximum, which is about 1 for a face
        and about 0 if there is none.
    """
    heatmaps = fan(from_uint8(images))
    highest = ops.max(heatmaps[..., :NUM_LANDMARKS], axis=(1, 2))
    return tuple(
        ops.convert_to_numpy(x)
        for x in (landmarks_of_heatmaps(heatmaps), ops.mean(highest, axis=-1))
    )


def similarity_transform(
    landmarks: np.ndarray, mean_landmarks: np.ndarray | None = None
) -> np.ndarray:
    """The transform that brings a face's landmarks to their target positions.

    Args:
        landmarks: `(98, 2)`, x and y in pixels of an image of 256 px.
        mean_landmarks: the landmarks of the mean face, of the same shape and unit; or
            None for the rule of CelebA-HQ. See the docstring of this module.

    Returns:
        `(2, 3)`: a matrix that is multiplied with `(x, y, 1)`. Its values are not
        finite if landmarks coincide that are apart in any face.
    """
    # Points are complex numbers x + iy: multiplying by one rotates and scales them.
    points = landmarks @ np.array([1, 1j])
    axis, across, down, eyes = _axes(points)
    with np.errstate(all="ignore"):
        if mean_landmarks is None:
            factor = IMAGE_SIZE / max(4 * abs(across), 3.6 * abs(down)) / axis
            source, target = eyes + 0.1 * down, IMAGE_SIZE * (0.5 + 0.5j)
        else:
            mean = mean_landmarks @ np.array([1, 1j])
            source, target = points.mean(), mean.mean()
            # As published: this is not a least squares fit of all landmarks.
            ratios = abs(mean - target)[[*_SCALED_BY]]
            ratios = ratios / abs(points - source)[[*_SCALED_BY]]
            factor = ratios.mean() * _axes(mean)[0] / axis
        shift = target - factor * source
    return np.array(
        [
            [factor.real, -factor.imag, shift.real],
            [factor.imag, factor.real, shift.imag],
        ]
    )


def align_faces(
    pictures: Sequence[Image.Image | np.ndarray],
    fan: Callable,
    mean_landmarks: np.ndarray | None = None,
    size: int = IMAGE_SIZE,
    fit: str = "crop",
    min_certainty: float = MIN_CERTAINTY,
    batch_size: int = 16,
) -> np.ndarray:
    """Aligns faces in pictures of any size and shape.

    Args:
        pictures: Pillow images of mode RGB, as
            `keras_stargan.files.pictures.open_picture` reads them, or uint8 arrays
            `(height, width, 3)`; with one face on each.
        fan: a `FAN` with weights.
        mean_landmarks: as `load_mean_landmarks` reads them, or None for the rule of
            CelebA-HQ; see the docstring of this module.
        size: width and height of the results, in pixels.
        fit: the square that is cut out first of a picture that is not square.
            `"crop"`: the one in the middle. `"face"`: one that is a little smaller
            and higher up, for portraits.
        min_certainty: a lower certainty from `find_landmarks` means that there is no
            face.
        batch_size: number of pictures that pass through FAN at once.

    Returns:
        uint8 array `(n, size, size, 3)`.

    Raises:
        ValueError: for pictures without a face (the message has their numbers,
            counted from 0), or for arguments that are not as described above.
    """
    mean_landmarks = check_settings(mean_landmarks, size, fit, batch_size)
    if not len(pictures):
        raise ValueError("pictures must be one or more; received none.")
    rgb_pictures = [as_rgb(picture) for picture in pictures]
    framings = [frame(picture.size, size, fit) for picture in rgb_pictures]
    aligned = []
    for start in range(0, len(pictures), batch_size):
        batch = slice(start, start + batch_size)
        aligned += align_batch(
            fan, rgb_pictures[batch], framings[batch], mean_landmarks, min_certainty
        )
    if missing := [str(i) for i, face in enumerate(aligned) if face is None]:
        raise ValueError(
            f"No face was found on {len(missing)} of {len(pictures)} pictures: number "
            f"{', '.join(missing)}."
        )
    return np.stack([face for face in aligned if face is not None])


def check_settings(
    mean_landmarks: np.ndarray | None, size: int, fit: str, batch_size: int
) -> np.ndarray | None:
    """Raises `ValueError` for wrong arguments; gives the mean landmarks as floats."""
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}; received {fit!r}.")
    for name, value in (("size", size), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1; received {value}.")
    if mean_landmarks is None:
        return None
    return _checked_mean(mean_landmarks, "mean_landmarks")


def _checked_mean(mean: np.ndarray, what: str) -> np.ndarray:
    mean = np.asarray(mean, "float64")
    needed = (
        f"{what} must be of shape ({NUM_LANDMARKS}, 2), x and y in pixels of an image "
        f"of {IMAGE_SIZE} px"
    )
    if mean.shape != (NUM_LANDMARKS, 2):
        raise ValueError(f"{needed}; received the shape {mean.shape}.")
    # Written so that NaN is refused too. Coordinates that are fractions of the image's
    # size are refused as well.
    if not np.ptp(mean, axis=0).min() > IMAGE_SIZE / 8:
        raise ValueError(
            f"{needed}; received values from {mean.min():.4g} to {mean.max():.4g}."
        )
    return mean


def _axes(points: np.ndarray) -> tuple[complex, complex, complex, complex]:
    """A face's axis (of length 1), eye to eye, eyes to mouth, and the eyes' center."""
    left, right = (points[[*eye]].mean() for eye in _EYES)
    eyes, across = (left + right) / 2, right - left
    down = points[[*_MOUTH]].mean() - eyes
    # The mean of two directions: eye to eye, and eyes to mouth rotated by 90 degrees.
    axis = across - 1j * down
    with np.errstate(all="ignore"):
        return axis / abs(axis), across, down, eyes


def align_batch(
    fan: Callable,
    pictures: Sequence[Image.Image],
    framings: Sequence[Framing],
    mean_landmarks: np.ndarray | None,
    min_certainty: float,
) -> list[np.ndarray | None]:
    """Each picture's face in its framing's size; None for a picture without a face."""
    shape = (IMAGE_SIZE, IMAGE_SIZE)

    def square(picture, framing):
        return dataclasses.replace(framing, shape=shape).framed(picture)

    images = np.stack(list(map(square, pictures, framings)))
    aligned = []
    for picture, framing, landmarks, certainty in zip(
        pictures, framings, *find_landmarks(fan, images), strict=True
    ):
        matrix = similarity_transform(landmarks, mean_landmarks)
        is_face = certainty >= min_certainty and np.isfinite(matrix).all()
        aligned.append(_warp(picture, framing, matrix) if is_face else None)
    return aligned


def _warp(picture: Image.Image, framing: Framing, matrix: np.ndarray) -> np.ndarray:
    """Transforms a picture by a matrix that is given in pixels of a 256 px square."""
    size = framing.shape[0]
    # First, the square is resized to its final scale, which smooths it if it becomes
    # smaller. Then it is only rotated and shifted (or enlarged, if it has too few
    # pixels for its final scale).
    scale = math.hypot(*matrix[:, 0])
    side = max(1, min(framing.taken[0], round(scale * size), 4 * size))
    square = dataclasses.replace(framing, shape=(side, side)).framed(picture)
    # From pixels of the result to pixels of the square.
    back = np.linalg.inv(matrix[:, :2]) * (side / size)
    shift = -np.linalg.inv(matrix[:, :2]) @ matrix[:, 2] * (side / IMAGE_SIZE)
    corners = back @ (size * np.array([[0, 0, 1, 1], [0, 1, 0, 1]])) + shift[:, None]
    beyond = max(0, -corners.min(), corners.max() - side)
    margin = math.ceil(beyond) + 2  # 2 more for bicubic interpolation
    turned = [
        # As floats, since Pillow rounds down where it interpolates bytes.
        np.asarray(
            band.convert("F").transform(
                (size, size),
                Image.Transform.AFFINE,
                np.column_stack([back, shift + margin]).ravel().tolist(),
                Image.Resampling.BICUBIC,
            )
        )
        for band in _extended(square, margin).split()
    ]
    return np.clip(np.rint(np.stack(turned, axis=-1)), 0, 255).astype("uint8")


def _extended(square: np.ndarray, margin: int) -> Image.Image:
    """A square, extended by mirroring it; the blur grows with the distance from it."""
    side = len(square)
    mirrored = Image.fromarray(
        np.pad(square, [(margin, margin), (margin, margin), (0, 0)], "reflect")
    )
    # The radius is 4 for 256 px, as published.
    blurred = mirrored.filter(ImageFilter.GaussianBlur(side / 64))
    positions = np.arange(-margin, side + margin)
    outside = np.maximum(0, np.maximum(-positions, positions - (side - 1)))
    outside = np.maximum(outside[:, None], outside)
    # Half a side away from the square, only the blurred version is left.
    sharp = np.clip(1 - outside / (side / 2), 0, 1) ** 4
    return Image.composite(
        mirrored, blurred, Image.fromarray(np.uint8(np.rint(255 * sharp)))
    )

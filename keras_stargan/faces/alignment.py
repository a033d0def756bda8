"""Faces turned upright and brought to one place and size, as StarGAN v2 needs them.

A FAN finds 98 landmarks, a similarity transform (rotation, scale, shift) takes them
where they are to be, and where the result reaches beyond the picture it goes on
mirrored, ever more blurred. Where landmarks are to be, one of two rules says:

- With mean landmarks (`celeba_lm_mean.npz`, published beside `wing.ckpt`), StarGAN v2's
  own: the axis of eyes and mouth falls on that of the mean face, the middle of all
  landmarks on the middle there, and the pupils and the corners of the mouth are on
  average as far from it.
- Without, the rule by which CelebA-HQ itself was cropped (Karras et al., *Progressive
  Growing of GANs*, ICLR 2018, appendix C), by eyes and mouth alone. It needs no file,
  but is not what StarGAN v2's authors published for pictures of one's own.

FAN is no face detector: the face must fill much of the picture, as on a portrait.
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

# How a picture that is not square becomes so, before the face is looked for.
FITS = ("crop", "face")
# Below, what FAN found is not taken for a face. A sure landmark's heatmap reaches
# about 1; what is below 0.1 of one, the published masks leave out.
MIN_CERTAINTY = 0.2

_EYES = (*range(60, 68), 96), (*range(68, 76), 97)  # with the pupils
_MOUTH = 76, 82  # its corners
_SCALED_BY = (96, 97, *_MOUTH)


def load_mean_landmarks(file: str | os.PathLike) -> np.ndarray:
    """The mean face of the published code.

    Args:
        file: `celeba_lm_mean.npz`, or another with an array `mean` like its.

    Returns:
        `(98, 2)`: x and y in pixels of an image of 256 px.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is of another kind.
    """
    try:
        mean = np.load(file)["mean"]
    except OSError:
        raise
    # What NumPy raises depends on where a file stops making sense to it.
    except Exception as error:
        raise ValueError(
            f"{file} must be an .npz file with an array 'mean', as "
            f"celeba_lm_mean.npz: {error}"
        ) from None
    return _checked_mean(mean, f"{file}, mean")


def find_landmarks(fan: Callable, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where landmarks are, and how sure that is.

    Args:
        fan: a `FAN` with weights.
        images: `(n, 256, 256, 3)`, uint8.

    Returns:
        `(n, 98, 2)`, x and y in pixels; and `(n,)`, the landmarks' mean of their
        heatmaps' maxima, about 0 where there is no face and 1 where there is.
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
    """What takes a face's landmarks to where they are to be.

    Args:
        landmarks: `(98, 2)`, x and y in pixels of an image of 256 px.
        mean_landmarks: where they are on the mean face, likewise; or None for
            CelebA-HQ's rule. See this module's docstring.

    Returns:
        `(2, 3)`: a matrix for `(x, y, 1)`. Its values are not finite if the landmarks
        lie on each other as on no face.
    """
    # As complex numbers x + iy, which a factor turns and scales.
    points = landmarks @ np.array([1, 1j])
    axis, across, down, eyes = _axes(points)
    with np.errstate(all="ignore"):
        if mean_landmarks is None:
            factor = IMAGE_SIZE / max(4 * abs(across), 3.6 * abs(down)) / axis
            source, target = eyes + 0.1 * down, IMAGE_SIZE * (0.5 + 0.5j)
        else:
            mean = mean_landmarks @ np.array([1, 1j])
            source, target = points.mean(), mean.mean()
            # As published: no least squares fit of all landmarks.
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
        pictures: Pillow's, of mode RGB (`keras_stargan.files.pictures.open_picture`
            reads any file so), or uint8 arrays `(height, width, 3)`; one face on
            each.
        fan: a `FAN` with weights (`fan_pytorch.load_weights`).
        mean_landmarks: as `load_mean_landmarks` reads them, or None for CelebA-HQ's
            rule; see this module's docstring.
        size: width and height of the results, in pixels.
        fit: what is taken first of a picture that is not square. `"crop"`: the square
            in the middle. `"face"`: a little less and higher up, as of portraits.
        min_certainty: what `find_landmarks` is less sure of is no face.
        batch_size: how many pictures pass through FAN at once.

    Returns:
        uint8 array `(n, size, size, 3)`.

    Raises:
        ValueError: for pictures without a face (the message says which, counted from
            0), or arguments that are not as said above.
    """
    mean_landmarks = check_settings(mean_landmarks, size, fit, batch_size)
    if not len(pictures):
        raise ValueError("pictures must be one or more; received none.")
    pictures = [as_rgb(picture) for picture in pictures]
    framings = [frame(picture.size, size, fit) for picture in pictures]
    aligned = []
    for start in range(0, len(pictures), batch_size):
        batch = slice(start, start + batch_size)
        aligned += align_batch(
            fan, pictures[batch], framings[batch], mean_landmarks, min_certainty
        )
    if missing := [str(i) for i, face in enumerate(aligned) if face is None]:
        raise ValueError(
            f"No face was found on {len(missing)} of {len(pictures)} pictures: number "
            f"{', '.join(missing)}."
        )
    return np.stack(aligned)


def check_settings(
    mean_landmarks: np.ndarray | None, size: int, fit: str, batch_size: int
) -> np.ndarray | None:
    """Raises `ValueError` for arguments that are not right."""
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
    # Written so that NaN is refused too, and fractions of the image's size.
    if not np.ptp(mean, axis=0).min() > IMAGE_SIZE / 8:
        raise ValueError(
            f"{needed}; received values from {mean.min():.4g} to {mean.max():.4g}."
        )
    return mean


def _axes(points: np.ndarray) -> tuple[complex, complex, complex, complex]:
    """A face's axis (of length 1), eye to eye, eyes to mouth, and the eyes' middle."""
    left, right = (points[[*eye]].mean() for eye in _EYES)
    eyes, across = (left + right) / 2, right - left
    down = points[[*_MOUTH]].mean() - eyes
    # Eye to eye, and eyes to mouth turned by a quarter, both count.
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
    """Each picture's face in its framing's size; None where there is none."""

    def look(picture, framing):
        return dataclasses.replace(framing, image_size=IMAGE_SIZE).square(picture)

    images = np.stack(list(map(look, pictures, framings)))
    aligned = []
    for picture, framing, landmarks, certainty in zip(
        pictures, framings, *find_landmarks(fan, images), strict=True
    ):
        matrix = similarity_transform(landmarks, mean_landmarks)
        is_face = certainty >= min_certainty and np.isfinite(matrix).all()
        aligned.append(_warp(picture, framing, matrix) if is_face else None)
    return aligned


def _warp(picture: Image.Image, framing: Framing, matrix: np.ndarray) -> np.ndarray:
    """What of a picture a matrix (for its square of 256 px) takes to one of 256 px."""
    size = framing.image_size
    # The square is resized first to what its scale will be, which smooths as it must.
    # Then it is only turned and moved (or enlarged, if there are no more pixels).
    scale = math.hypot(*matrix[:, 0])
    side = max(1, min(framing.taken[0], round(scale * size), 4 * size))
    square = dataclasses.replace(framing, image_size=side).square(picture)
    # From pixels of the result to those of the square.
    back = np.linalg.inv(matrix[:, :2]) * (side / size)
    shift = -np.linalg.inv(matrix[:, :2]) @ matrix[:, 2] * (side / IMAGE_SIZE)
    corners = back @ (size * np.array([[0, 0, 1, 1], [0, 1, 0, 1]])) + shift[:, None]
    beyond = max(0, -corners.min(), corners.max() - side)
    margin = math.ceil(beyond) + 2  # two for the cubic
    turned = [
        # In floats, since Pillow rounds bytes down.
        band.convert("F").transform(
            (size, size),
            Image.Transform.AFFINE,
            np.column_stack([back, shift + margin]).ravel().tolist(),
            Image.Resampling.BICUBIC,
        )
        for band in _extended(square, margin).split()
    ]
    return np.clip(np.rint(np.stack(turned, axis=-1)), 0, 255).astype("uint8")


def _extended(square: np.ndarray, margin: int) -> Image.Image:
    """A square mirrored at its borders, and the more blurred the further out."""
    side = len(square)
    mirrored = Image.fromarray(
        np.pad(square, [(margin, margin), (margin, margin), (0, 0)], "reflect")
    )
    # Of 256 px by 4, as published.
    blurred = mirrored.filter(ImageFilter.GaussianBlur(side / 64))
    places = np.arange(-margin, side + margin)
    outside = np.maximum(0, np.maximum(-places, places - (side - 1)))
    outside = np.maximum(outside[:, None], outside)
    # Half a side away, nothing but blur is left.
    sharp = np.clip(1 - outside / (side / 2), 0, 1) ** 4
    return Image.composite(
        mirrored, blurred, Image.fromarray(np.uint8(np.rint(255 * sharp)))
    )

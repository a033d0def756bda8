"""One picture: from a file of any kind to RGB, cropped to a square and resized."""

import io
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_NAMED = 3  # unreadable files that a message names

# Of a picture that is not square, a square is taken: its side as a fraction of
# the shorter side, its centre as fractions of width and height. `face` is the
# head on RaFD's raw 681x1024 portraits at any of the three angles; `square` is
# the middle, of CelebA's 178x218 the 178x178 of the papers.
CROPS = {"face": (0.94, (0.5, 0.45)), "square": (1.0, (0.5, 0.5))}


def open_picture(path: str | os.PathLike, content: bytes | None = None) -> Image.Image:
    """Read a picture as a viewer would show it.

    It is turned as its EXIF data say; what is transparent becomes white; grey of
    16 bits is scaled to 8; palettes, grey and CMYK become RGB. Of several frames
    the first is taken.

    Args:
        path: a file of any format that Pillow reads.
        content: of the file, where it is not on disk; the path then is a name.

    Returns:
        A picture of mode RGB.

    Raises:
        ValueError: if it cannot be read, is cut off, or has more pixels than
            Pillow thinks safe; the message names the file and the reason.
    """
    try:
        with Image.open(path if content is None else io.BytesIO(content)) as file:
            return _to_rgb(ImageOps.exif_transpose(file))
    except Exception as error:  # Pillow raises many kinds for broken files.
        raise ValueError(
            f"{str(path)!r} cannot be read as a picture: {error}"
        ) from error


def first_faults(faults: Sequence[ValueError]) -> str:
    """What `open_picture` raised, in a line that names the first files only."""
    more = "; and so on" if len(faults) > _NAMED else ""
    return "; ".join(map(str, faults[:_NAMED])) + more


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # Pillow's own conversion clips at 255 instead of scaling.
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its grey levels have more than 16 bits")
        grey = np.rint(levels / 257).astype("uint8")
        return Image.fromarray(grey).convert("RGB")
    if picture.mode == "F":
        raise ValueError("its grey levels are floats, so white is not known")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def crop_and_resize(picture: Image.Image, image_size: int, crop: str) -> np.ndarray:
    """Crop a picture to a square and resize it (bicubic).

    Args:
        picture: of mode RGB. A square one is taken whole.
        image_size: width and height of the result, in pixels.
        crop: one of `CROPS`.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.
    """
    size = (image_size, image_size)
    box = crop_box(picture.size, crop)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box))


def crop_box(size: tuple[int, int], crop: str) -> tuple[float, float, float, float]:
    """What is taken of a picture: left, top, right and bottom, in pixels.

    Args:
        size: width and height of the picture. A square one is taken whole.
        crop: one of `CROPS`.
    """
    width, height = size
    if width == height:
        return 0, 0, width, height
    fraction, centre = CROPS[crop]
    side = fraction * min(width, height)
    left = min(max(centre[0] * width - side / 2, 0), width - side)
    top = min(max(centre[1] * height - side / 2, 0), height - side)
    return left, top, left + side, top + side


def as_rgb(picture: Image.Image | np.ndarray) -> Image.Image:
    """A picture as Pillow's of mode RGB; raises `ValueError` for what is none.

    Args:
        picture: Pillow's of mode RGB, or a uint8 array `(height, width, 3)`.
    """
    if isinstance(picture, Image.Image):
        kind = f"a picture of mode {picture.mode}"
    else:
        array = np.asarray(picture)
        kind = f"an array of {array.dtype} of shape {array.shape}"
        if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
            picture = Image.fromarray(array)
    if getattr(picture, "mode", None) != "RGB":
        raise ValueError(
            "pictures must be Pillow's of mode RGB, as open_picture reads them, or "
            f"uint8 arrays of shape (height, width, 3); received {kind}."
        )
    return picture

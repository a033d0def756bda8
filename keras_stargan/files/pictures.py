"""Reads a picture of any kind as RGB, crops it to a square and resizes it."""

import contextlib
import functools
import io
import os
import threading
from collections.abc import Sequence
from typing import IO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

# Pillow knows more formats. Of EPS, which is a program, it would start an interpreter
# whatever the file is called. Some need an extra, such as HEIF pillow-heif.
FORMATS = (
    "AVIF",
    "BMP",
    "GIF",
    "HEIF",
    "JPEG",
    "JPEG2000",
    "MPO",
    "PNG",
    "PPM",
    "TGA",
    "TIFF",
    "WEBP",
)
# Pixels times scans of a JPEG file. A progressive file has about ten scans, and a
# decoder goes through the whole picture for each: a file of 500 kB that has thousands
# would keep it busy for minutes.
MAX_SCANNED = 10**10
# Longer sides, which a damaged file may claim, take seconds to be resized. JPEG files
# cannot have them.
MAX_SIDE = 2**16 - 1
# Pixels above which pictures are decoded one at a time: they take up to 12 bytes for
# each while they are converted.
_LARGE = 2**24
_large_in_turn = threading.Lock()

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_NAMED = 3  # number of unreadable files that a message names

# The square that is cut out of a picture that is not square: its side as a fraction of
# the shorter side, and its center as fractions of width and height. `face` is the head
# on RaFD's original portraits of 681x1024 at any of the three angles. `square` is the
# middle: 178x178 of CelebA's 178x218, as in the papers.
CROPS = {"face": (0.94, (0.5, 0.45)), "square": (1.0, (0.5, 0.5))}


def open_picture(path: str | os.PathLike, content: bytes | None = None) -> Image.Image:
    """Reads a picture as a viewer would show it.

    It is rotated as its EXIF data say. Transparent parts become white, 16-bit gray
    levels are scaled to 8 bits, and palettes, gray and CMYK become RGB. If there are
    several frames, the first one is read.

    Args:
        path: a file of one of the `FORMATS`, whatever it is called.
        content: the file's bytes, if it is not on disk. The path is then only its
            name in messages.

    Returns:
        A picture of mode RGB.

    Raises:
        ValueError: if the file cannot be read, is truncated, has more pixels than
            Pillow considers safe (about 179 million), more than `MAX_SCANNED` pixels
            times scans, or a side longer than `MAX_SIDE` pixels. The message names the
            file and the reason.
    """
    try:
        source = str(path) if content is None else io.BytesIO(content)
        with Image.open(source, formats=_known_formats()) as file:
            if max(file.size) > MAX_SIDE:
                raise ValueError(
                    f"a side may have {MAX_SIDE:,} pixels; it has {max(file.size):,}"
                )
            pixels = file.size[0] * file.size[1]
            if file.fp is not None and file.format in ("JPEG", "MPO"):
                _check_scans(file.fp, pixels)
            with _large_in_turn if pixels > _LARGE else contextlib.nullcontext():
                ImageOps.exif_transpose(file, in_place=True)
                return _to_rgb(file)
    except UnidentifiedImageError as error:
        raise ValueError(
            f"{str(path)!r} cannot be read as a picture: cannot identify image file; "
            f"it may be {', '.join(_known_formats())}"
        ) from error
    except Exception as error:  # Pillow raises many kinds for broken files.
        raise ValueError(
            f"{str(path)!r} cannot be read as a picture: {error}"
        ) from error


@functools.cache
def _known_formats() -> list[str]:
    """The formats that Pillow can read here."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def jpeg_scans(file: IO[bytes]) -> int:
    """How many scans a JPEG file has, at most; its position stays as it is."""
    position = file.tell()
    file.seek(0)
    # In pieces, since anything may follow the picture.
    pieces = iter(functools.partial(file.read, 2**20), b"")
    count = sum(piece.count(b"\xff\xda") for piece in pieces)
    file.seek(position)
    return count


def _check_scans(file: IO[bytes], pixels: int) -> None:
    scans = jpeg_scans(file)
    if scans * pixels > MAX_SCANNED:
        raise ValueError(f"its {pixels:,} pixels are in {scans:,} scans")


def first_faults(faults: Sequence[ValueError]) -> str:
    """Errors of `open_picture` in one line, which names only the first files."""
    more = "; and so on" if len(faults) > _NAMED else ""
    return "; ".join(map(str, faults[:_NAMED])) + more


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        # Pillow's own conversion clips at 255 instead of scaling.
        levels = np.asarray(picture)
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its gray levels have more than 16 bits")
        gray = np.rint(levels / 257).astype("uint8")
        return Image.fromarray(gray).convert("RGB")
    if picture.mode == "F":
        raise ValueError("its gray levels are floats, so white is not known")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def crop_and_resize(picture: Image.Image, image_size: int, crop: str) -> np.ndarray:
    """Crops a picture to a square and resizes it (bicubic).

    Args:
        picture: a picture of mode RGB. A square one is not cropped.
        image_size: width and height of the result, in pixels.
        crop: one of `CROPS`.

    Returns:
        uint8 array of shape `(image_size, image_size, 3)`.
    """
    size = (image_size, image_size)
    box = crop_box(picture.size, crop)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box))


def crop_box(size: tuple[int, int], crop: str) -> tuple[float, float, float, float]:
    """The square that is cut out of a picture.

    Args:
        size: width and height of the picture, in pixels. A square one is not cropped.
        crop: one of `CROPS`.

    Returns:
        Left, top, right and bottom, in pixels, which may be fractions.
    """
    width, height = size
    if width == height:
        return 0, 0, width, height
    fraction, center = CROPS[crop]
    side = fraction * min(width, height)
    left = min(max(center[0] * width - side / 2, 0), width - side)
    top = min(max(center[1] * height - side / 2, 0), height - side)
    return left, top, left + side, top + side


def as_rgb(picture: Image.Image | np.ndarray) -> Image.Image:
    """A picture as a Pillow image of mode RGB.

    Args:
        picture: a Pillow image of mode RGB, or a uint8 array `(height, width, 3)`.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(picture, Image.Image):
        kind = f"a picture of mode {picture.mode}"
    else:
        array = np.asarray(picture)
        kind = f"an array of {array.dtype} of shape {array.shape}"
        if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
            picture = Image.fromarray(array)
    if isinstance(picture, Image.Image) and picture.mode == "RGB":
        return picture
    raise ValueError(
        "pictures must be Pillow images of mode RGB, as open_picture reads them, "
        f"or uint8 arrays of shape (height, width, 3); received {kind}."
    )

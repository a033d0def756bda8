"""Images as arrays: value ranges, grids with captions, PNG files."""

import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from keras_stargan.files.whole import whole_file

_CELL = 96  # the least side of a grid's cell, in pixels
_MARGIN = 4
_FONT_SIZE = 14


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as bytes.

    Args:
        images: float array of any shape; values outside [-1, 1] are clipped.

    Returns:
        uint8 array of the same shape, rounded to the nearest level.

    Raises:
        ValueError: if the images are not floats.
    """
    images = np.asarray(images)
    if not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"images must be floats in [-1, 1]; received dtype {images.dtype}."
        )
    return np.clip(np.round((images + 1.0) * 127.5), 0, 255).astype("uint8")


def from_uint8(images: np.ndarray) -> np.ndarray:
    """Images in bytes as float32 in [-1, 1].

    Args:
        images: uint8 array of any shape.

    Returns:
        float32 array of the same shape.

    Raises:
        ValueError: if the images are not uint8.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise ValueError(f"images must be uint8; received dtype {images.dtype}.")
    return images.astype("float32") / np.float32(127.5) - np.float32(1.0)


def image_grid(
    rows: Sequence[Sequence[np.ndarray]] | np.ndarray,
    column_titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> np.ndarray:
    """Rows and columns of images in one, with captions.

    Images below 96 px are enlarged by a whole factor, so that every pixel stays
    visible as it is.

    Args:
        rows: shape (rows, columns, height, width, 3), uint8, or float in [-1, 1].
        column_titles: a caption above each column, or none.
        row_titles: a caption to the left of each row, or none.

    Returns:
        uint8 array of shape (height, width, 3), black on white.

    Raises:
        ValueError: if the images are not of one size, or the titles are not as
            many as the rows and columns.
    """
    sizes = {np.shape(image) for row in rows for image in row}
    if len(sizes) != 1 or len({len(row) for row in rows}) != 1:
        raise ValueError(
            "rows must be equally many images of one size in every row; received "
            f"{[len(row) for row in rows]} images of the sizes {sorted(sizes)}."
        )
    cells = np.asarray(rows)
    if cells.ndim != 5 or cells.shape[-1] != 3:
        raise ValueError(
            "rows must have the shape (rows, columns, height, width, 3); received "
            f"{cells.shape}."
        )
    for titles, count, what in (
        (column_titles, cells.shape[1], "column_titles"),
        (row_titles, cells.shape[0], "row_titles"),
    ):
        if len(titles) not in (0, count):
            raise ValueError(f"{what} must be {count}; received {list(titles)}.")
    if cells.dtype != np.uint8:
        cells = to_uint8(cells)
    scale = -(-_CELL // min(cells.shape[2:4]))
    cells = cells.repeat(scale, axis=2).repeat(scale, axis=3)
    height, width = cells.shape[2:4]

    font = ImageFont.load_default(size=_FONT_SIZE)
    column_font = font
    for size in range(_FONT_SIZE, 7, -1):  # long names get smaller letters
        column_font = ImageFont.load_default(size=size)
        if all(column_font.getlength(title) <= width for title in column_titles):
            break
    top = _FONT_SIZE + 2 * _MARGIN if column_titles else _MARGIN
    left = _MARGIN
    if row_titles:
        left += _MARGIN + int(max(font.getlength(title) for title in row_titles))
    sheet = Image.new(
        "RGB",
        (
            left + cells.shape[1] * (width + _MARGIN),
            top + cells.shape[0] * (height + _MARGIN),
        ),
        "white",
    )
    draw = ImageDraw.Draw(sheet)
    for i, title in enumerate(column_titles):
        x = left + i * (width + _MARGIN) + width // 2
        draw.text((x, top // 2), title, fill="black", font=column_font, anchor="mm")
    for i, title in enumerate(row_titles):
        y = top + i * (height + _MARGIN) + height // 2
        draw.text((_MARGIN, y), title, fill="black", font=font, anchor="lm")
    for i, row in enumerate(cells):
        for j, cell in enumerate(row):
            x, y = left + j * (width + _MARGIN), top + i * (height + _MARGIN)
            sheet.paste(Image.fromarray(cell), (x, y))
    return np.array(sheet)


def save_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Writes a PNG file in one step: a reader never finds half of it.

    Args:
        path: the file; its folder is made where it is missing.
        image: uint8 array of shape (height, width, 3).
    """
    with whole_file(path) as file:
        Image.fromarray(image).save(file, format="PNG")

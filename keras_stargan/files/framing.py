"""The way from a picture of any size and shape to a model's square, and back."""

import dataclasses

import numpy as np
from PIL import Image

from keras_stargan.files.pictures import crop_box

# The ways in which a picture becomes square. "crop": the square in the middle is cut
# out. "face": a square that is a little smaller and higher up. "pad": nothing is cut
# off; the picture is mirrored at its borders.
FITS = ("crop", "face", "pad")


@dataclasses.dataclass(frozen=True)
class Framing:
    """How a picture becomes the square image that a model translates.

    Args:
        size: width and height of the picture, in pixels.
        box: the part of the picture that is used: left, top, right, bottom.
        image_size: side of the square, in pixels.
    """

    size: tuple[int, int]
    box: tuple[float, float, float, float]
    image_size: int

    @property
    def taken(self) -> tuple[int, int]:
        """Width and height of the used part, rounded to whole pixels."""
        left, top, right, bottom = self.box
        return round(right - left), round(bottom - top)

    @property
    def content(self) -> tuple[int, int, int, int]:
        """Where the used part lies in the square: left, top, right, bottom."""
        longer = max(self.taken)
        width, height = (
            max(1, round(side * self.image_size / longer)) for side in self.taken
        )
        left, top = (self.image_size - width) // 2, (self.image_size - height) // 2
        return left, top, left + width, top + height

    def square(self, picture: Image.Image) -> np.ndarray:
        """The model's square of the picture, uint8 `(image_size, image_size, 3)`."""
        left, top, right, bottom = self.content
        # Resized before it is padded: a padded panorama would be enormous.
        resized = picture.resize(
            (right - left, bottom - top), Image.Resampling.BICUBIC, box=self.box
        )
        padding = [(top, self.image_size - bottom), (left, self.image_size - right)]
        return np.pad(np.asarray(resized), [*padding, (0, 0)], mode="symmetric")

    def unframed(self, square: np.ndarray, original_size: bool) -> Image.Image:
        """A translated square as a picture, without its padding.

        Args:
            square: uint8 array `(image_size, image_size, 3)`.
            original_size: whether to resize it to the size it had in the picture.
        """
        picture = Image.fromarray(square).crop(self.content)
        if original_size:
            picture = picture.resize(self.taken, Image.Resampling.BICUBIC)
        return picture

    def on_white(self, square: np.ndarray) -> np.ndarray:
        """A square whose padding is painted white."""
        left, top, right, bottom = self.content
        shown = np.full_like(square, 255)
        shown[top:bottom, left:right] = square[top:bottom, left:right]
        return shown


def frame(size: tuple[int, int], image_size: int, fit: str) -> Framing:
    """The framing of a picture.

    Args:
        size: width and height of the picture, in pixels.
        image_size: side of the model's square, in pixels.
        fit: one of `FITS`.
    """
    crop = "square" if fit == "crop" else fit
    box = (0, 0, *size) if fit == "pad" else crop_box(size, crop)
    return Framing(size, box, image_size)

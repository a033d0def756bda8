"""How a picture of any size and shape becomes a model's square, and comes back."""

import dataclasses

import numpy as np
from PIL import Image

from keras_stargan.files.pictures import crop_box

# How a picture that is not square becomes so.
FITS = ("crop", "face", "pad")


@dataclasses.dataclass(frozen=True)
class Framing:
    """How a picture becomes the square that a model translates.

    Args:
        size: width and height of the picture.
        box: what is taken of it: left, top, right, bottom.
        taken: width and height of that.
        image_size: side of the square, in pixels.
    """

    size: tuple[int, int]
    box: tuple[float, float, float, float]
    taken: tuple[int, int]
    image_size: int

    @property
    def content(self) -> tuple[int, int, int, int]:
        """Where in the square it is: left, top, right, bottom."""
        longer = max(self.taken)
        width, height = (
            max(1, round(side * self.image_size / longer)) for side in self.taken
        )
        left, top = (self.image_size - width) // 2, (self.image_size - height) // 2
        return left, top, left + width, top + height

    def square(self, picture: Image.Image) -> np.ndarray:
        """The picture as the model's square, uint8."""
        left, top, right, bottom = self.content
        # Before padding, which else would make a panorama enormous.
        resized = picture.resize(
            (right - left, bottom - top), Image.Resampling.BICUBIC, box=self.box
        )
        padding = [(top, self.image_size - bottom), (left, self.image_size - right)]
        return np.pad(resized, [*padding, (0, 0)], mode="symmetric")

    def unframed(self, square: np.ndarray, original_size: bool) -> Image.Image:
        """A translated square without its padding."""
        picture = Image.fromarray(square).crop(self.content)
        if original_size:
            picture = picture.resize(self.taken, Image.Resampling.BICUBIC)
        return picture

    def on_white(self, square: np.ndarray) -> np.ndarray:
        """A square with its padding painted over."""
        left, top, right, bottom = self.content
        shown = np.full_like(square, 255)
        shown[top:bottom, left:right] = square[top:bottom, left:right]
        return shown

    def summary(self, original_size: bool) -> str:
        """What is cut off, padded and resized, in a line without its beginning."""
        (width, height), (left, top, right, bottom) = self.size, self.box
        margins = {
            "left": round(left),
            "right": round(width - right),
            "at the top": round(top),
            "at the bottom": round(height - bottom),
        }
        cut = ", ".join(
            f"{count} px {side}" for side, count in margins.items() if count
        )
        change = f"cut off {cut}" if cut else "nothing cut off"
        if self.taken[0] != self.taken[1]:
            sides = "the sides" if width < height else "top and bottom"
            change += f", mirrored at {sides} and that cut off again"
        left, top, right, bottom = self.content
        out = self.taken if original_size else (right - left, bottom - top)
        return f"{width}x{height}: {change}; comes out {out[0]}x{out[1]}"


def frame(size: tuple[int, int], image_size: int, fit: str) -> Framing:
    """The framing of a picture.

    Args:
        size: its width and height.
        image_size: side of the model's square, in pixels.
        fit: one of `FITS`, see `translation.translate_pictures`.
    """
    box, taken = (0, 0, *size), size
    if fit != "pad" and size[0] != size[1]:
        box = crop_box(size, "square" if fit == "crop" else fit)
        taken = (round(box[2] - box[0]), round(box[3] - box[1]))
    return Framing(size, box, taken, image_size)

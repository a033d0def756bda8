"""The way from a picture of any size and shape to a model's image, and back."""

import dataclasses

import numpy as np
from PIL import Image

from keras_stargan.files.pictures import crop_box

# The ways in which a picture gets the shape of a model's images, usually a square.
# "crop": the largest part of that shape in the middle is cut out. "face": a square that
# is a little smaller and higher up. "pad": nothing is cut off; the picture is mirrored
# at its borders.
FITS = ("crop", "face", "pad")


@dataclasses.dataclass(frozen=True)
class Framing:
    """How a picture becomes the image that a model translates.

    Args:
        size: width and height of the picture, in pixels.
        box: the part of the picture that is used: left, top, right, bottom.
        shape: height and width of the image, in pixels.
    """

    size: tuple[int, int]
    box: tuple[float, float, float, float]
    shape: tuple[int, int]

    @property
    def taken(self) -> tuple[int, int]:
        """Width and height of the used part, rounded to whole pixels."""
        left, top, right, bottom = self.box
        return round(right - left), round(bottom - top)

    @property
    def content(self) -> tuple[int, int, int, int]:
        """Where the used part lies in the image: left, top, right, bottom."""
        left, top, right, bottom = self.box
        across, down = right - left, bottom - top
        height, width = self.shape
        if across * height > down * width:
            height = max(1, round(down * width / across))
        else:
            width = max(1, round(across * height / down))
        left, top = (self.shape[1] - width) // 2, (self.shape[0] - height) // 2
        return left, top, left + width, top + height

    def framed(self, picture: Image.Image) -> np.ndarray:
        """The model's image of the picture, uint8 `(*shape, 3)`."""
        left, top, right, bottom = self.content
        # Resized before it is padded: a padded panorama would be enormous.
        resized = picture.resize(
            (right - left, bottom - top), Image.Resampling.BICUBIC, box=self.box
        )
        padding = [(top, self.shape[0] - bottom), (left, self.shape[1] - right)]
        return np.pad(np.asarray(resized), [*padding, (0, 0)], mode="symmetric")

    def unframed(self, image: np.ndarray, original_size: bool) -> Image.Image:
        """A translated image as a picture, without its padding.

        Args:
            image: uint8 array `(*shape, 3)`.
            original_size: whether to resize it to the size it had in the picture.
        """
        picture = Image.fromarray(image).crop(self.content)
        if original_size:
            picture = picture.resize(self.taken, Image.Resampling.BICUBIC)
        return picture

    def on_white(self, image: np.ndarray) -> np.ndarray:
        """An image whose padding is painted white."""
        left, top, right, bottom = self.content
        shown = np.full_like(image, 255)
        shown[top:bottom, left:right] = image[top:bottom, left:right]
        return shown


def frame(size: tuple[int, int], shape: int | tuple[int, int], fit: str) -> Framing:
    """The framing of a picture.

    Args:
        size: width and height of the picture, in pixels.
        shape: height and width of the model's image, in pixels; one number for a
            square.
        fit: one of `FITS`; "face" for squares only.
    """
    height, width = (shape, shape) if isinstance(shape, int) else shape
    if fit == "pad":
        box: tuple[float, float, float, float] = (0, 0, *size)
    elif height == width:
        box = crop_box(size, "square" if fit == "crop" else fit)
    else:
        scale = min(size[0] / width, size[1] / height)
        # Rounding must not make them negative.
        left = max(0.0, (size[0] - scale * width) / 2)
        top = max(0.0, (size[1] - scale * height) / 2)
        box = (left, top, size[0] - left, size[1] - top)
    return Framing(size, box, (height, width))

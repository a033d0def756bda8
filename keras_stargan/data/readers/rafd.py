"""The Radboud Faces Database, read from a folder of the user's."""

import os
import pathlib
import re

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.folders import FolderListing
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.labels import LabelSet
from keras_stargan.labels.published import EXPRESSIONS

ANGLES = ("045", "090", "135")

_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d+)_[a-z]+_[a-z]+_(?P<expression>[a-z]+)_[a-z]+",
    re.IGNORECASE,
)

_LAYOUTS = """Expected is one of
  RaFD as distributed, in any folders: Rafd090_01_Caucasian_female_angry_frontal.jpg
  a folder for each expression: angry/001.jpg, contemptuous/001.jpg, ...
  either of them in train/ and test/: train/angry/001.jpg, test/angry/002.jpg, ...
with pictures of two or more people showing each of: """ + ", ".join(EXPRESSIONS.names)


def load_rafd(
    data_dir: str | os.PathLike,
    image_size: int = 128,
    test_fraction: float = 0.1,
    seed: int = 0,
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Read the Radboud Faces Database (RaFD) from a folder.

    Pictures that are not square are cropped to a fixed square around the face;
    square ones are taken whole. If the crop does not suit your pictures, crop
    them to squares beforehand. See `list_rafd` for the layouts, `ImageFiles.read`
    for how the pictures are prepared and kept.

    Args:
        data_dir: the folder.
        image_size: width and height of the pictures, in pixels.
        test_fraction: share of the people in the test part, in (0, 1), if there
            is no folder for it.
        seed: decides who is in the test part.
        skip_unreadable: leave out files that cannot be read instead of stopping.
        cache_dir: where the prepared pictures are kept.

    Returns:
        The training and the test part, with RaFD's eight expressions as labels.

    Raises:
        ValueError: if the folder does not hold what `list_rafd` says, a picture
            cannot be read, or an argument is out of range.
    """
    parts = list_rafd(data_dir, test_fraction, seed)
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_rafd(
    data_dir: str | os.PathLike, test_fraction: float = 0.1, seed: int = 0
) -> tuple[ImageFiles, ImageFiles]:
    """List and split the pictures of RaFD in a folder.

    A file named as RaFD names them says its person and expression, and is left
    out unless its camera angle is 45, 90 or 135 degrees. Any other picture must
    lie in a folder named after its expression, and counts as a person of its
    own, so one person may then be in both parts. If there are folders `train`
    and `test` (or `val`), they are the split; else the people are split at
    random. How many files are used, and how many are not, is printed.

    Args:
        data_dir: the folder; see the layouts in the error for a wrong one.
        test_fraction: share of the people in the test part, in (0, 1), if there
            is no folder for it.
        seed: decides who is in the test part.

    Returns:
        The training and the test part, with RaFD's eight expressions as labels.

    Raises:
        ValueError: if the folder does not hold what is said above, or
            `test_fraction` is out of range.
    """
    listing = FolderListing(data_dir, _describe, _LAYOUTS)
    training = {expression for _, expression, _ in listing.parts[0]}
    missing = [name for name in EXPRESSIONS.names if name not in training]
    if missing:
        raise ValueError(
            f"{listing.summary}; missing: {', '.join(missing)}. {_LAYOUTS}"
        )
    if not listing.parts[-1]:
        raise ValueError(
            f"{listing.summary}; none in {str(listing.bases[-1])!r}. {_LAYOUTS}"
        )
    people = {person for part in listing.parts for _, _, person in part}
    if len(people) < 2:
        raise ValueError(
            f"{listing.summary}, all of one person, {min(people)}. {_LAYOUTS}"
        )
    print(listing.summary)
    label_set = LabelSet(EXPRESSIONS.names, name="RaFD")
    return listing.split(label_set, "face", test_fraction, seed)


def _describe(path: pathlib.PurePath) -> tuple[str, str | None] | None:
    name = _NAME.fullmatch(path.stem)
    expression = (name["expression"] if name else path.parent.name).lower()
    if expression not in EXPRESSIONS.names or (name and name["angle"] not in ANGLES):
        return None
    return expression, name and name["person"]

"""The Radboud Faces Database (RaFD), read from a folder."""

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
    """Reads the Radboud Faces Database (RaFD) from a folder.

    A file with a name of RaFD tells its subject and expression; it is left out unless
    its camera angle is 45, 90 or 135 degrees. Any other picture must lie in a folder
    that is named after its expression. It counts as a subject of its own, so that
    one person may then be in both parts. If there are folders `train` and `test` (or
    `val`), they are the two parts; otherwise the subjects are split at random. The
    numbers of files that are used and not used are printed.

    Pictures that are not square are cropped to a fixed square around the face; square
    ones are taken whole. If the crop does not suit your pictures, crop them to squares
    beforehand. `ImageFiles.read` says how the images are prepared and kept.

    Args:
        data_dir: the folder. The error for a wrong one lists the layouts.
        image_size: width and height of the images, in pixels.
        test_fraction: share of the subjects in the test part, in (0, 1), if there
            is no folder for it.
        seed: decides which.
        skip_unreadable: leave out files that cannot be read instead of stopping.
        cache_dir: folder for the prepared images.

    Returns:
        The training and the test part, with RaFD's eight expressions as labels.

    Raises:
        ValueError: if the folder does not hold what is described above, a picture
            cannot be read, or an argument is out of range.
    """
    parts = list_rafd(data_dir, test_fraction, seed)
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_rafd(
    data_dir: str | os.PathLike, test_fraction: float = 0.1, seed: int = 0
) -> tuple[ImageFiles, ImageFiles]:
    """Lists and splits the pictures that `load_rafd` reads, with the same arguments.

    Returns:
        The training and the test part.

    Raises:
        ValueError: as `load_rafd`, except for pictures that cannot be read.
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
    subjects = {subject for part in listing.parts for _, _, subject in part}
    if len(subjects) < 2:
        raise ValueError(
            f"{listing.summary}, all of one person, {min(subjects)}. {_LAYOUTS}"
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

"""CelebA, read from a folder."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.attributes_csv import AttributeTable
from keras_stargan.data.readers.folders import existing_folder
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.labels.published import ATTRIBUTES, attribute_labels

_TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv")
_IMAGE_FOLDERS = (
    "img_align_celeba",
    "img_align_celeba/img_align_celeba",
    "images",
    "Img/img_align_celeba",
    "Img",
    ".",
)
_LAYOUT = """Expected are
  list_attr_celeba.txt (or .csv) in the folder, in Anno/ or beside the pictures
  the pictures, 000001.jpg and so on, in img_align_celeba/, images/,
  Img/img_align_celeba/ or the folder itself"""


def load_celeba(
    data_dir: str | os.PathLike,
    image_size: int = 128,
    attributes: Sequence[str] = ATTRIBUTES,
    test_images: int = 2000,
    seed: int = 0,
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads CelebA, aligned and cropped, from a folder.

    As in the paper, the middle square of a picture, 178x178 of 178x218, is resized,
    and every picture counts as a subject of its own. `ImageFiles.read` says how the
    images are prepared and kept; all of them at 128 px are a file of 10 GB.

    Args:
        data_dir: the folder, with `list_attr_celeba.txt` (or `.csv`) in it, in its
            `Anno` or beside the pictures, and the pictures in `img_align_celeba`,
            `images`, `Img/img_align_celeba` or the folder itself.
        image_size: width and height of the images, in pixels.
        attributes: names of the labels, among the 40 attributes. Hair colors
            exclude each other (see `LabelSet`).
        test_images: number of pictures that are held out, at random.
        seed: decides which.
        skip_unreadable: leave out files that cannot be read instead of stopping.
        cache_dir: folder for the prepared images.

    Returns:
        The training and the test part, with binary labels.

    Raises:
        ValueError: if the list or a picture in it is missing or cannot be read, for
            an attribute or a value that does not exist, or an argument that is out of
            range.
    """
    parts = list_celeba(data_dir, attributes, test_images, seed)
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_celeba(
    data_dir: str | os.PathLike,
    attributes: Sequence[str] = ATTRIBUTES,
    test_images: int = 2000,
    seed: int = 0,
) -> tuple[ImageFiles, ImageFiles]:
    """Lists the pictures that `load_celeba` reads, with the same arguments.

    Returns:
        The training and the test part.

    Raises:
        ValueError: as `load_celeba`, except for pictures that cannot be read.
    """
    root = existing_folder(data_dir, _LAYOUT)
    folders = [root / name for name in _IMAGE_FOLDERS]
    tables = [
        folder / name for folder in (root, root / "Anno", *folders) for name in _TABLES
    ]
    path = next((path for path in tables if path.is_file()), None)
    if path is None:
        raise ValueError(f"There is no {_TABLES[0]} in {str(root)!r}. {_LAYOUT}")
    table = _read_txt(path) if path.suffix == ".txt" else AttributeTable.from_csv(path)
    label_set = attribute_labels(attributes)
    labels = table.labels(label_set.names)
    names = table.files
    there = (
        folder
        for folder in folders
        if folder.is_dir() and any((folder / name).is_file() for name in names)
    )
    folder = next(there, None)
    if folder is None:
        raise ValueError(
            f"None of the {len(names)} pictures that {str(path)!r} lists, such as "
            f"{names[0]!r}, is in {str(root)!r}. {_LAYOUT}"
        )
    return hold_out_images(
        ImageFiles(
            paths=table.existing_files(folder),
            labels=labels,
            label_set=label_set,
            subjects=np.array(names),
        ),
        test_images,
        seed,
    )


def hold_out_images(
    files: ImageFiles, test_images: int, seed: int
) -> tuple[ImageFiles, ImageFiles]:
    """Splits off some pictures at random, each being a subject of its own.

    Args:
        files: the pictures.
        test_images: number of pictures that are split off.
        seed: decides which.

    Returns:
        The other pictures, and those that were split off.

    Raises:
        ValueError: if either part would be empty.
    """
    if not 0 < test_images < len(files):
        raise ValueError(
            f"test_images must be in 1..{len(files) - 1}, fewer than the "
            f"{len(files)} pictures; received {test_images}."
        )
    return files.hold_out(test_images, seed)


def _read_txt(path: pathlib.Path) -> AttributeTable:
    # The first line is a number, the second has the attributes' names, and each of
    # the others has a file and its values.
    lines = path.read_text(encoding="utf-8").splitlines()
    if len(lines) < 2 or not lines[0].strip().isdecimal():
        raise ValueError(
            f"{str(path)!r} must begin with a line that says how many pictures there "
            "are, and a line of the attributes' names."
        )
    return AttributeTable(
        path,
        ["file", *lines[1].split()],
        ((number, line.split()) for number, line in enumerate(lines[2:], start=3)),
    )

"""Pairs of pictures: what one shows in domain A, the other shows in domain B."""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.folders import FolderListing, natural
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.files.pictures import open_picture
from keras_stargan.labels import LabelSet

_LAYOUTS = """Expected is one of
  pictures that show A on the left and B on the right: 001.jpg, 002.jpg, ...
  two folders of equal file names: A/001.jpg, B/001.jpg, ...
  either of them in train/ and test/ (or val/): train/001.jpg, test/002.jpg, ...
  trainA/001.jpg, trainB/001.jpg, testA/002.jpg, testB/002.jpg, ..."""
# Such as trainA: the part and the domain in one name.
_PART_AND_DOMAIN = re.compile(r"(train|test|val)[_-]?(.+)", re.IGNORECASE)

# The pictures of a part by their folders' names, "" for those that lie in no folder
# of their own; in each folder by their paths in it, without suffix.
Folders = dict[str, dict[str, pathlib.Path]]
# The two files of each pair, which may be the same.
Pairs = list[tuple[pathlib.Path, pathlib.Path]]


def load_pairs(
    data_dir: str | os.PathLike,
    image_size: int = 128,
    test_fraction: float = 0.1,
    seed: int = 0,
    crop: str = "square",
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads pairs of pictures from a folder.

    A picture of the folder shows A in its left half and B in its right half, as in the
    published data sets of pix2pix (facades, edges2shoes, ...); the domains are then
    called "A" and "B". Or there are two folders, and pictures of the same name in both
    are a pair; the domains are then the folders' names, in natural order. If there are
    folders `train` and `test` (or `val`) with the pictures or the two folders in them,
    or folders `trainA`, `trainB`, `testA` and `testB` (or `valA` and `valB`), they are
    the two parts; otherwise the pairs are split at random. `ImageFiles.read` says how
    the images are prepared and kept.

    Args:
        data_dir: the folder. The error for a wrong one lists the layouts.
        image_size: width and height of the images, in pixels.
        test_fraction: share of the pairs in the test part, in (0, 1), if there is no
            folder for it.
        seed: decides which.
        crop: `"square"` or `"face"`, see `ImageFiles`; of each half, or picture.
        skip_unreadable: leave out pairs of which a file cannot be read instead of
            stopping.
        cache_dir: folder for the prepared images.

    Returns:
        The training and the test part, both aligned: the pictures of a pair are those
        of one subject.

    Raises:
        ValueError: if the folder does not hold what is described above, a picture has
            no partner or cannot be read, or an argument is out of range.
    """
    parts = list_pairs(data_dir, test_fraction, seed, crop)
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_pairs(
    data_dir: str | os.PathLike,
    test_fraction: float = 0.1,
    seed: int = 0,
    crop: str = "square",
) -> tuple[ImageFiles, ImageFiles]:
    """Lists and splits the pictures that `load_pairs` reads; same arguments.

    Returns:
        The training and the test part: of each pair the picture of A, then that of B.

    Raises:
        ValueError: as `load_pairs`, except for pictures that cannot be read.
    """
    listing = FolderListing(data_dir, _describe, _LAYOUTS)
    parts = [_by_folder(part) for part in listing.parts]
    try:
        found = [_pairs(part) for part in _divided(parts)]
        names = found[0][0]
        if found[-1][0] != names:
            raise ValueError(
                f"the training part has {' and '.join(names)}, the test part "
                f"{' and '.join(found[-1][0])}"
            )
    except ValueError as error:
        raise ValueError(f"{listing.summary}; {error}. {_LAYOUTS}") from None
    root = pathlib.Path(data_dir)
    label_set = LabelSet(names, name=root.resolve().name)
    files = [_files(pairs, label_set, crop, root) for _, pairs in found]
    if len(files) == 1:
        files = list(files[0].split_by_subject(test_fraction, seed))
    train, test = files
    print(
        f"{listing.summary}; {len(train) // 2} training and {len(test) // 2} test "
        f"pairs of {' and '.join(names)}"
    )
    return train, test


@dataclasses.dataclass(frozen=True, eq=False)
class PairFiles(ImageFiles):
    """Picture files of pairs; the pictures of a pair have the same subject.

    Args:
        sides: array of shape `(n,)` of str: what of its file each picture is: "left"
            or "right" half, or "whole".
    """

    _per_image = (*ImageFiles._per_image, "sides")

    sides: np.ndarray = dataclasses.field(kw_only=True)

    def read(self, *args: Any, **kwargs: Any) -> ImageSet:
        """As `ImageFiles.read`; without one picture of a pair the other goes, too."""
        images = super().read(*args, **kwargs)
        subjects, counts = np.unique(images.subjects, return_counts=True)
        paired = np.isin(images.subjects, subjects[counts == 2])
        if not paired.any():
            raise ValueError(f"Of {len(self) // 2} pairs, none can be read whole.")
        if not paired.all():
            print(f"Left out: {np.sum(~paired)} pictures that have no partner then.")
            images = images.subset(paired)
        return dataclasses.replace(images, aligned=True)

    def stream(self, image_size: int) -> ImageSet:
        """As `ImageFiles.stream`."""
        return dataclasses.replace(super().stream(image_size), aligned=True)

    def _fingerprint(self) -> Iterator[bytes]:
        yield from super()._fingerprint()
        yield " ".join(self.sides).encode()

    def _source(self, row: int) -> tuple:
        return self.paths[row], self.sides[row]

    def _open(self, source: tuple) -> Image.Image:
        path, side = source
        picture = open_picture(path)
        if side == "whole":
            return picture
        width, height = picture.size
        if width <= height:
            raise ValueError(
                f"{path!r} cannot show A on the left and B on the right: it must be "
                f"wider than high, but has {width}x{height} pixels."
            )
        half = width // 2
        left, right = (0, 0, half, height), (width - half, 0, width, height)
        return picture.crop(left if side == "left" else right)


def _describe(path: pathlib.PurePath) -> tuple[str, str]:
    """The folder that a picture lies in, "" for none, and its path there."""
    folder = path.parts[0] if len(path.parts) > 1 else ""
    return folder, path.relative_to(folder).with_suffix("").as_posix()


def _by_folder(part: list[tuple[pathlib.Path, str, str]]) -> Folders:
    folders: Folders = {}
    for path, folder, name in part:
        pictures = folders.setdefault(folder, {})
        if name in pictures:
            raise ValueError(
                f"{str(pictures[name])!r} and {str(path)!r} have the same name; which "
                "of them belongs to a pair is not known."
            )
        pictures[name] = path
    return folders


def _divided(parts: list[Folders]) -> list[Folders]:
    """The parts; if the names of folders tell training from test, these two."""
    divided: dict[str, Folders] = {}
    for folder, pictures in parts[0].items() if len(parts) == 1 else ():
        if not (match := _PART_AND_DOMAIN.fullmatch(folder)):
            return parts
        divided.setdefault(match[1].lower(), {})[match[2]] = pictures
    test = divided.get("test") or divided.get("val")
    return [divided["train"], test] if "train" in divided and test else parts


def _pairs(folders: Folders) -> tuple[tuple[str, str], Pairs]:
    """The names of the two domains, and the pairs of a part.

    Raises:
        ValueError: if there are no pairs, with a message to go on from "in there".
    """
    if set(folders) == {""}:
        return ("A", "B"), [(path, path) for path in folders[""].values()]
    if len(folders) != 2 or "" in folders:
        found = sorted(folder or "no folder of their own" for folder in folders)
        raise ValueError(
            "pairs are single pictures or lie in two folders, but there are pictures "
            f"in {', '.join(found)}"
            if found
            else "there is a part without any"
        )
    first, second = sorted(folders, key=natural)
    for one, other in ((first, second), (second, first)):
        if lonely := sorted(folders[one].keys() - folders[other].keys()):
            raise ValueError(
                f"of {len(lonely)} pictures in {one!r} there is none of the same name "
                f"in {other!r}, such as of {lonely[0]!r}"
            )
    names = sorted(folders[first])
    return (first, second), [(folders[first][n], folders[second][n]) for n in names]


def _files(
    pairs: Pairs, label_set: LabelSet, crop: str, root: pathlib.Path
) -> PairFiles:
    """The pictures of pairs: that of A, then that of B."""
    sides = [("left", "right") if a == b else ("whole", "whole") for a, b in pairs]
    return PairFiles(
        paths=[path for pair in pairs for path in pair],
        labels=np.tile(np.eye(2), (len(pairs), 1)),
        label_set=label_set,
        subjects=np.repeat([str(a.relative_to(root)) for a, _ in pairs], 2),
        crop=crop,
        sides=np.ravel(sides),
    )

"""Picture folders, one for each domain."""

import os
import pathlib
import re
from collections.abc import Callable

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.files.pictures import SUFFIXES
from keras_stargan.labels import LabelSet

_LAYOUTS = """Expected is one of
  a folder for each domain: cats/001.jpg, dogs/001.jpg, ...
  the same in train/ and test/ (or val/): train/cats/001.jpg, test/cats/002.jpg, ..."""


def load_folders(
    data_dir: str | os.PathLike,
    image_size: int = 128,
    test_fraction: float = 0.1,
    seed: int = 0,
    crop: str = "square",
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads a folder of folders, one for each domain.

    Every picture below a domain's folder is of that domain, however deep it lies, and
    is a subject of its own. The domains are the folders' names, in natural order (2
    before 10); the label set is named after the outer folder. If there are folders
    `train` and `test` (or `val`) with the domains' folders in them, they are the two
    parts; otherwise the pictures are split at random. The numbers of files that are
    used and not used are printed. `ImageFiles.read` says how the images are prepared
    and kept.

    Args:
        data_dir: the outer folder.
        image_size: width and height of the images, in pixels.
        test_fraction: share of the pictures in the test part, in (0, 1), if
            there is no folder for it.
        seed: decides which.
        crop: `"square"` or `"face"`, see `ImageFiles`.
        skip_unreadable: leave out files that cannot be read instead of stopping.
        cache_dir: folder for the prepared images.

    Returns:
        The training and the test part, with the folders' names as labels.

    Raises:
        ValueError: for fewer than two domains, a domain without pictures, different
            domains in `train` and `test`, a picture that cannot be read, or an
            argument that is out of range.
    """
    parts = list_folders(data_dir, test_fraction, seed, crop)
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_folders(
    data_dir: str | os.PathLike,
    test_fraction: float = 0.1,
    seed: int = 0,
    crop: str = "square",
) -> tuple[ImageFiles, ImageFiles]:
    """Lists and splits the pictures that `load_folders` reads; same arguments.

    Returns:
        The training and the test part.

    Raises:
        ValueError: as `load_folders`, except for pictures that cannot be read.
    """
    listing = FolderListing(data_dir, _first_folder, _LAYOUTS)
    domains = [
        {path.name for path in base.iterdir() if path.is_dir() and not _hidden(path)}
        for base in listing.bases
    ]
    if domains[0] != domains[-1]:
        raise ValueError(
            f"{listing.summary}; its folders {listing.bases[0].name!r} and "
            f"{listing.bases[1].name!r} must hold the same folders, but only one "
            f"of them has {', '.join(sorted(domains[0] ^ domains[1]))}."
        )
    names = tuple(sorted(domains[0], key=natural))
    if len(names) < 2:
        raise ValueError(
            f"{listing.summary}; folders for two or more domains are needed, found "
            f"{'only ' + repr(names[0]) if names else 'none'}. {_LAYOUTS}"
        )
    for base, part in zip(listing.bases, listing.parts, strict=True):
        empty = domains[0] - {domain for _, domain, _ in part}
        if empty:
            raise ValueError(f"{listing.summary}; none in {str(base / min(empty))!r}.")
    label_set = LabelSet(names, name=pathlib.Path(data_dir).resolve().name)
    train, test = listing.split(label_set, crop, test_fraction, seed)
    lacking = np.flatnonzero(train.labels.sum(axis=0) == 0)
    if len(lacking):
        raise ValueError(
            f"All pictures of {names[lacking[0]]!r} fell to the test part; add some, "
            "or change test_fraction or seed."
        )
    print(f"{listing.summary}; {len(names)} domains: {', '.join(names)}")
    return train, test


class FolderListing:
    """The pictures below a folder, with the domain and subject that their paths tell.

    Args:
        data_dir: the folder. Links to folders are followed; hidden folders are
            ignored.
        describe: takes a picture's path, relative to the folder or to its `train` or
            `test`, and gives its domain and subject, or None to leave the picture
            out. If the subject is None, the picture is a subject of its own.
        layouts: the layouts that are expected, for messages.

    Attributes:
        bases: the folders `train` and `test` (or `val`), in upper or lower case, if
            both exist; otherwise the folder itself.
        parts: for each base a list of `(path, domain, subject)`, sorted by path.
        summary: a sentence, without its full stop, that says how many files are used
            and how many are not.

    Raises:
        ValueError: if there is no such folder.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike,
        describe: Callable[[pathlib.PurePath], tuple[str, str | None] | None],
        layouts: str,
    ):
        root = existing_folder(data_dir, layouts)
        folders = {path.name.lower(): path for path in root.iterdir() if path.is_dir()}
        test = folders.get("test") or folders.get("val")
        train = folders.get("train")
        self.bases = [train, test] if train and test else [root]
        self.parts = [[] for _ in self.bases]
        others = []
        for path in _files(root):
            picture = path.suffix.lower() in SUFFIXES and not _hidden(path)
            is_below = [path.is_relative_to(base) for base in self.bases]
            described = None
            if picture and any(is_below):
                part = is_below.index(True)
                described = describe(path.relative_to(self.bases[part]))
            if described is None:
                others.append(path)
                continue
            domain, subject = described
            subject = subject or str(path.relative_to(root))
            self.parts[part].append((path, domain, subject))
        used = sum(map(len, self.parts))
        self.summary = f"In {str(root)!r} there are {used} usable pictures"
        if others:
            self.summary += (
                f" and {len(others)} other files, such as "
                f"{str(others[0].relative_to(root))!r}"
            )

    def split(
        self, label_set: LabelSet, crop: str, test_fraction: float, seed: int
    ) -> tuple[ImageFiles, ImageFiles]:
        """The training and the test part; split by subject if there are no folders."""
        files = [
            ImageFiles(
                paths=[path for path, _, _ in part],
                labels=np.eye(len(label_set))[
                    [label_set.index(domain) for _, domain, _ in part]
                ],
                label_set=label_set,
                subjects=np.array([subject for _, _, subject in part]),
                crop=crop,
            )
            for part in self.parts
        ]
        if len(files) == 1:
            return files[0].split_by_subject(test_fraction, seed)
        return files[0], files[1]


def existing_folder(data_dir: str | os.PathLike, expected: str = "") -> pathlib.Path:
    """The path of a folder that must exist.

    Args:
        data_dir: the folder.
        expected: a sentence on what should be in it, for the message.

    Raises:
        ValueError: if there is no such folder.
    """
    root = pathlib.Path(data_dir)
    if not root.is_dir():
        raise ValueError(f"There is no folder {str(root)!r}. {expected}".strip())
    return root


def _files(root: pathlib.Path) -> list[pathlib.Path]:
    found = []
    for folder, subfolders, names in os.walk(root, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [pathlib.Path(folder, name) for name in names]
    return sorted(found)


def _hidden(path: pathlib.Path) -> bool:
    return path.name.startswith(".")


def _first_folder(path: pathlib.PurePath) -> tuple[str, None] | None:
    return (path.parts[0], None) if len(path.parts) > 1 else None


def natural(name: str) -> tuple:
    """A key to sort names by: 2 before 10, and letters without regard to case."""
    pieces = re.split(r"([0-9]+)", name.lower())
    return [int(piece) if i % 2 else piece for i, piece in enumerate(pieces)], name

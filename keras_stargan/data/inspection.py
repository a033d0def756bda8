"""A look at picture files before training: what is there, and what is wrong with it."""

from __future__ import annotations

import collections
import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.image_files import ImageFiles
from keras_stargan.data.streamed_images import Images
from keras_stargan.files.pictures import crop_box
from keras_stargan.files.progress import Progress

_SHOWN = 5  # files that are named for each finding
# Of a gray picture of 8 rows and 9 columns, whether each pixel is brighter than the
# next: 64 bits. Pictures that differ in at most so many of them look alike.
_HASH_SIZE = (9, 8)
_ALIKE_BITS = 3
# A picture whose channels all vary by at most so many levels of 255 shows nothing.
_CONSTANT_LEVELS = 2


@dataclasses.dataclass(frozen=True)
class Picture:
    """What is known of one readable picture file.

    Args:
        path: the file.
        subject: who or what it shows; pictures of one subject may look alike.
        size: width and height in pixels.
        cut: the share of its area that is cut off, from 0 to 1.
        is_constant: whether it has a single color.
        digest: of the pixels.
        bits: 64 bits that pictures which look alike share.
    """

    path: str
    subject: str
    size: tuple[int, int]
    cut: float
    is_constant: bool
    digest: bytes
    bits: int


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What was found in a data set.

    Args:
        counts: for each label the number of training and of test pictures.
        pictures: the readable pictures.
        faults: the error of each file that cannot be read.
    """

    counts: dict[str, tuple[int, int]]
    pictures: list[Picture]
    faults: list[ValueError]

    @property
    def sides(self) -> np.ndarray:
        """The shorter side of each picture, in pixels, ascending."""
        return np.sort([min(picture.size) for picture in self.pictures])

    def constant(self) -> list[str]:
        """The files that show a single color."""
        return [picture.path for picture in self.pictures if picture.is_constant]

    def duplicates(self) -> list[list[str]]:
        """Groups of files with the same pixels."""
        groups = collections.defaultdict(list)
        for picture in self.pictures:
            groups[picture.digest].append(picture.path)
        return [paths for paths in groups.values() if len(paths) > 1]

    def near_duplicates(self) -> list[tuple[str, str]]:
        """Pairs of files of different subjects that look alike, but have other pixels.

        Pictures of a single color are left out, since all of them look alike.
        """
        chosen = [picture for picture in self.pictures if not picture.is_constant]
        # Two hashes that differ in at most 3 of 64 bits share one of 4 parts of 16.
        parts = collections.defaultdict(list)
        for index, picture in enumerate(chosen):
            for part in range(_ALIKE_BITS + 1):
                parts[part, picture.bits >> 16 * part & 0xFFFF].append(index)
        pairs = set()
        for indices in parts.values():
            for i, first in enumerate(indices):
                for second in indices[i + 1 :]:
                    one, other = chosen[first], chosen[second]
                    bits = (one.bits ^ other.bits).bit_count()
                    is_other = one.subject != other.subject
                    is_other &= one.digest != other.digest
                    if bits <= _ALIKE_BITS and is_other:
                        pairs.add((one.path, other.path))
        return sorted(pairs)

    def lines(self) -> Iterator[str]:
        """The findings, in words."""
        width = max(map(len, self.counts))
        for name, (train, test) in self.counts.items():
            yield f"{name.ljust(width)}  {train} training and {test} test pictures"
        if self.faults:
            yield f"{len(self.faults)} files cannot be read:"
            yield from _some([str(fault) for fault in self.faults])
        if not self.pictures:
            return
        sides = self.sides
        yield (
            f"Shorter sides: {sides[0]} to {sides[-1]} px, half of the pictures have "
            f"{sides[len(sides) // 2]} px or more."
        )
        cuts = np.array([picture.cut for picture in self.pictures])
        if cuts.max() == 0:
            yield "Nothing is cut off: all pictures are square."
        else:
            worst = self.pictures[int(cuts.argmax())]
            yield (
                f"The square that is taken leaves out {100 * cuts.mean():.0f} % of a "
                f"picture on average, and most of {worst.path}: "
                f"{100 * worst.cut:.0f} %."
            )
        findings = {
            "pictures show a single color": self.constant(),
            "groups of files have the same pixels": [
                ", ".join(paths) for paths in self.duplicates()
            ],
            "pairs of files look alike": [
                " and ".join(pair) for pair in self.near_duplicates()
            ],
        }
        for what, found in findings.items():
            if found:
                yield f"{len(found)} {what}:"
                yield from _some(found)

    def advice(self) -> Iterator[str]:
        """What to mend, in words."""
        if self.faults:
            yield (
                "Mend or remove the files that cannot be read; or leave them out by "
                "--skip_unreadable."
            )
        if self.constant():
            yield "Remove pictures of a single color: nothing can be learnt from them."
        if self.duplicates():
            yield (
                "Remove duplicates: a picture that is both in the training and in the "
                "test part makes figures too good."
            )
        totals = {name: sum(counts) for name, counts in self.counts.items()}
        few = [name for name, total in totals.items() if total < 100]
        if few:
            yield (
                f"There are fewer than 100 pictures of {', '.join(few)}: expect "
                "translations that resemble single training pictures."
            )
        if max(totals.values()) > 5 * max(1, min(totals.values())):
            least, *_, most = sorted(totals, key=lambda name: totals[name])
            yield (
                f"There are {totals[most]} pictures of {most} and {totals[least]} of "
                f"{least}: translations to {least} will be worse."
            )


def inspect_pictures(parts: Sequence[ImageFiles], verbose: int = 1) -> Inspection:
    """Reads every picture of a data set once, and keeps what is known of each.

    Args:
        parts: the training and the test part, as `list_folders` and its siblings give
            them.
        verbose: 0 for silence, 1 for a line that shows the progress.
    """
    names = parts[0].label_set.names
    train, test = (part.labels.sum(axis=0).astype(int).tolist() for part in parts)
    pictures, faults = [], []
    progress = Progress(sum(map(len, parts)), "pictures", verbose)
    for part in parts:
        looked = part.each(functools.partial(_look_at, part.crop))
        for path, subject, found in zip(part.paths, part.subjects, looked, strict=True):
            if isinstance(found, ValueError):
                faults.append(found)
            else:
                pictures.append(Picture(str(path), str(subject), **found))
            progress.add(1)
    counts = dict(zip(names, zip(train, test, strict=True), strict=True))
    return Inspection(counts, pictures, faults)


def unreadable_images(parts: Sequence[ImageSet], verbose: int = 1) -> list[Exception]:
    """Decodes every image of a data set's parts, and gives the errors.

    Args:
        parts: such as the training and the test part that `load_shards` gives.
        verbose: 0 for silence, 1 for a line that shows the progress.

    Returns:
        What is wrong with each image that cannot be read.
    """
    progress = Progress(sum(map(len, parts)), "pictures", verbose)
    faults = []
    for part in parts:

        def fault_of(row: int, images: Images = part.images) -> Exception | None:
            try:
                images[row]
            except (OSError, ValueError) as error:
                return error
            return None

        rows = iter(range(len(part)))
        with ThreadPoolExecutor() as pool:
            while portion := list(itertools.islice(rows, 256)):
                faults += filter(None, pool.map(fault_of, portion))
                progress.add(len(portion))
    return faults


def _look_at(crop: str, picture: Image.Image) -> dict[str, Any]:
    """What is known of a picture: the fields of `Picture` after its subject."""
    width, height = picture.size
    left, top, right, bottom = crop_box(picture.size, crop)
    pixels = np.asarray(picture)
    levels = np.ptp(pixels.reshape(-1, 3), axis=0).max()
    small = picture.convert("L").resize(_HASH_SIZE, Image.Resampling.BILINEAR)
    gray = np.asarray(small).astype(int)
    bits = (gray[:, 1:] > gray[:, :-1]).ravel()
    return {
        "size": picture.size,
        "cut": 1 - (right - left) * (bottom - top) / (width * height),
        "is_constant": bool(levels <= _CONSTANT_LEVELS),
        "digest": hashlib.sha256(
            repr(picture.size).encode() + pixels.tobytes()
        ).digest(),
        "bits": int.from_bytes(np.packbits(bits).tobytes(), "big"),
    }


def _some(found: Sequence[str]) -> Iterator[str]:
    for text in found[:_SHOWN]:
        yield f"  {text}"
    if len(found) > _SHOWN:
        yield f"  and {len(found) - _SHOWN} more"

"""Labelled picture files: they are listed and split first, then prepared once.

Or they are streamed: nothing is prepared, and a picture is decoded whenever a batch
needs it.

Preparing decodes every picture, so that a broken one is found before hours of training
are spent. The result is one file with an array of bytes. Training then shuffles over
the whole data set, resumes exactly after an interruption, and copies only a few rows
in each step.
"""

import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import numpy as np
from PIL import Image

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.labelled import Labelled
from keras_stargan.data.streamed_images import StreamedImages
from keras_stargan.files.cache import cache_folder
from keras_stargan.files.pictures import (
    CROPS,
    crop_and_resize,
    first_faults,
    open_picture,
)
from keras_stargan.files.progress import Progress
from keras_stargan.files.whole import whole_file
from keras_stargan.labels import LabelSet

# To be raised when the same files would give other images than before.
_PREPARATION = 1
_IN_FLIGHT = 256  # pictures that are decoded at a time
Result = TypeVar("Result")


@dataclasses.dataclass(frozen=True, eq=False)
class ImageFiles(Labelled):
    """Picture files with their labels; nothing is read yet.

    Args:
        paths: sequence of `n` file names; kept as an array of str.
        labels: array of shape `(n, len(label_set))` of zeros and ones, one-hot
            if the label set is categorical; kept as float32.
        label_set: says what the entries of a label mean.
        subjects: array of shape `(n,)` of int or str: the person or animal on each
            picture.
        crop: the square that is cut out of a picture that is not square: `"square"`
            is the largest one in the middle, `"face"` is a little smaller and higher
            up, which is the head on a portrait such as RaFD's.

    Raises:
        ValueError: for an unknown crop, if there are no files, or for labels or
            subjects that are not as described above.
    """

    _per_image: ClassVar[tuple[str, ...]] = ("paths", "labels", "subjects")

    paths: Sequence[str | os.PathLike]
    labels: np.ndarray
    label_set: LabelSet
    subjects: np.ndarray
    crop: str = "square"

    def __post_init__(self) -> None:
        if self.crop not in CROPS:
            raise ValueError(
                f"crop must be one of {', '.join(CROPS)}; received {self.crop!r}."
            )
        if not len(self.paths):
            raise ValueError("paths must be one or more files; received none.")
        paths = np.array([os.fspath(path) for path in self.paths])
        object.__setattr__(self, "paths", paths)
        self._validate(len(paths))

    def read(
        self,
        image_size: int,
        skip_unreadable: bool = False,
        cache_dir: str | os.PathLike | None = None,
        memory_limit: int = 2**30,
    ) -> ImageSet:
        """Prepares all pictures, or finds the images that an earlier call prepared.

        Every picture is decoded (see `pictures.open_picture`), cropped and resized.
        Progress and the path of the resulting file are printed. The file is used
        again as long as the pictures' paths, sizes and modification times,
        `image_size` and `crop` are the same. You may delete it at any time.

        Args:
            image_size: width and height of the images, in pixels.
            skip_unreadable: whether to leave out files that cannot be read, and to
                print how many, instead of stopping at the first.
            cache_dir: folder of the file. Defaults to `$KERAS_STARGAN_CACHE`, else
                `keras_stargan` in `$XDG_CACHE_HOME` or `~/.cache`.
            memory_limit: size in bytes above which the array is memory-mapped instead
                of read into memory.

        Returns:
            The images with their labels.

        Raises:
            ValueError: for an image size below 1, a picture that cannot be read
                (or, with `skip_unreadable`, if none can), or a disk too full.
            OSError: if the prepared pictures cannot be written.
        """
        _check_size(image_size)
        path = self._prepared_path(cache_folder(cache_dir), image_size)
        prepared = _load_prepared(path) if path.is_file() else None
        if prepared:
            # Pictures that were unreadable then may be readable now, although their
            # sizes and modification times are the same.
            faults = self._faults(prepared[1])
            if faults and not skip_unreadable:
                raise _stop(next(iter(faults.values())))
            if len(faults) < len(prepared[1]):
                prepared = None
        done = "Prepared before" if prepared else "Kept for the next time"
        if not prepared:
            try:
                faults = self._write(path, image_size, skip_unreadable)
            except OSError as error:
                raise OSError(
                    f"The prepared pictures cannot be kept in {str(path.parent)!r}; "
                    f"give another cache_dir: {error}"
                ) from error
            prepared = _read_prepared(path)
        readable = self
        if faults:
            named = first_faults(list(faults.values()))
            print(f"Left out: {len(faults)} of {len(self)} pictures. {named}")
            readable = self.subset(np.delete(np.arange(len(self)), list(faults)))
        images = prepared[0][: len(readable)]
        in_memory = images.nbytes <= memory_limit
        print(
            f"{done}: {path}, {path.stat().st_size / 1e6:.1f} MB, "
            f"{'read into memory' if in_memory else 'memory-mapped'}"
        )
        return ImageSet(
            images=np.array(images) if in_memory else images,
            labels=readable.labels,
            label_set=self.label_set,
            subjects=readable.subjects,
        )

    def stream(self, image_size: int) -> ImageSet:
        """The same images as `read` gives, decoded only when they are asked for.

        Nothing is read now, and nothing is kept on disk. A picture that cannot be read
        is an error when it is asked for.

        Args:
            image_size: width and height of the images, in pixels.

        Raises:
            ValueError: for an image size below 1.
        """
        _check_size(image_size)

        def decode(row: int) -> np.ndarray:
            picture = self._open(self._source(row))
            return crop_and_resize(picture, image_size, self.crop)

        return ImageSet(
            images=StreamedImages(decode, len(self), image_size),
            labels=self.labels,
            label_set=self.label_set,
            subjects=self.subjects,
        )

    def _faults(self, indices: list[int]) -> dict[int, ValueError]:
        """The pictures among these that cannot be read, each with its error."""
        if not indices:
            return {}
        results = self.subset(np.array(indices))._prepare_all(1)
        return {
            i: result
            for i, result in zip(indices, results, strict=True)
            if isinstance(result, ValueError)
        }

    def _prepared_path(self, folder: pathlib.Path, image_size: int) -> pathlib.Path:
        digest = hashlib.sha256(repr((_PREPARATION, image_size, self.crop)).encode())
        for fact in self._fingerprint():
            digest.update(fact)
        name = f"{len(self)}-pictures-{image_size}px-{digest.hexdigest()[:16]}.npy"
        return folder / name

    def _fingerprint(self) -> Iterator[bytes]:
        """Facts that change when other pictures, or changed ones, are listed."""
        for path in self.paths:
            # Not relative paths: the files of two data sets, or of train/ and test/,
            # may agree in names, sizes and times although the pictures differ.
            yield os.fsencode(os.path.abspath(path))
            try:
                stat = os.stat(path)
                yield f"\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode()
            except OSError as error:
                yield f"\0{error.errno}\0".encode()

    def _source(self, row: int) -> tuple:
        """What `_open` takes for a picture."""
        return (self.paths[row],)

    def _sources(self) -> Iterator[tuple]:
        """What `_open` takes for each picture, in order."""
        return map(self._source, range(len(self)))

    def _open(self, source: tuple) -> Image.Image:
        """The picture that an item of `_sources` describes."""
        return open_picture(*source)

    def _write(
        self, path: pathlib.Path, image_size: int, skip_unreadable: bool
    ) -> dict[int, ValueError]:
        """Writes the file of prepared images; gives the unreadable pictures' errors.

        The array has a row for each picture; the readable pictures come first. The
        list of the unreadable pictures' indices follows the array in the same file.
        """
        n = len(self)
        row = image_size * image_size * 3
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < n * row:
            raise ValueError(
                f"The prepared pictures take {n * row / 1e9:.1f} GB, but "
                f"{str(path.parent)!r} has {free / 1e9:.1f} GB left; give another "
                "cache_dir."
            )
        print(f"Preparing {n} pictures")
        progress = Progress(n, "pictures")
        faults = {}
        with whole_file(path) as file:
            header = {"descr": "|u1", "fortran_order": False}
            shape = (n, image_size, image_size, 3)
            np.lib.format.write_array_header_1_0(file, {**header, "shape": shape})
            start = file.tell()
            for index, result in enumerate(self._prepare_all(image_size)):
                if not isinstance(result, ValueError):
                    file.write(result.tobytes())
                elif skip_unreadable:
                    faults[index] = result
                else:
                    raise _stop(result)
                progress.update(index + 1)
            if len(faults) == n:
                raise ValueError(f"None of {n} pictures can be read. {faults[0]}")
            file.seek(start + n * row)
            file.write(json.dumps(list(faults)).encode())
        return faults

    def _prepare_all(self, image_size: int) -> Iterator[np.ndarray | ValueError]:
        return self.each(
            lambda picture: crop_and_resize(picture, image_size, self.crop)
        )

    def each(
        self, function: Callable[[Image.Image], Result]
    ) -> Iterator[Result | ValueError]:
        """Decodes every picture, several at a time, and calls a function of it.

        Args:
            function: takes the picture, of mode RGB.

        Yields:
            What the function returns, in the pictures' order; or the error of a picture
            that cannot be read.
        """

        def result(source: tuple) -> Result | ValueError:
            try:
                return function(self._open(source))
            except ValueError as error:
                return error

        # In portions: threads that run ahead of a slow picture would otherwise fill
        # the memory with results.
        sources = self._sources()
        with ThreadPoolExecutor() as pool:
            while portion := list(itertools.islice(sources, _IN_FLIGHT)):
                yield from pool.map(result, portion)


def _check_size(image_size: int) -> None:
    if image_size < 1:
        raise ValueError(f"image_size must be 1 or more; received {image_size}.")


def _read_prepared(path: pathlib.Path) -> tuple[np.ndarray, list[int]]:
    """The memory-mapped array of a prepared file, and the list after it."""
    images = np.load(path, mmap_mode="r")
    with open(path, "rb") as file:
        file.seek(images.offset + images.nbytes)
        return images, json.loads(file.read())


def _load_prepared(path: pathlib.Path) -> tuple[np.ndarray, list[int]] | None:
    """As `_read_prepared`; None, with a warning, for a damaged file."""
    try:
        return _read_prepared(path)
    except (EOFError, ValueError) as error:
        warnings.warn(f"{path} is damaged ({error}); preparing again.", stacklevel=3)
        return None


def _stop(error: ValueError) -> ValueError:
    return ValueError(f"{error} (skip_unreadable leaves such files out.)")


def read_parts(
    parts: tuple[ImageFiles, ImageFiles],
    image_size: int,
    skip_unreadable: bool,
    cache_dir: str | os.PathLike | None,
) -> tuple[ImageSet, ImageSet]:
    """Prepares the training and the test part; see `ImageFiles.read`."""
    train, test = (part.read(image_size, skip_unreadable, cache_dir) for part in parts)
    return train, test

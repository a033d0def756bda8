"""Pictures whose attributes are listed in a table."""

import collections
import csv
import os
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.labels import LabelSet

_VALUES = {
    "1": 1,
    "0": 0,
    "-1": 0,
    "1.0": 1,
    "0.0": 0,
    "-1.0": 0,
    "true": 1,
    "false": 0,
}


def load_attributes_csv(
    csv_file: str | os.PathLike,
    image_size: int = 128,
    test_fraction: float = 0.1,
    seed: int = 0,
    *,
    image_dir: str | os.PathLike | None = None,
    attributes: Sequence[str] | None = None,
    exclusive: Sequence[Sequence[str]] = (),
    people_column: str | None = None,
    crop: str = "square",
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads pictures whose attributes are listed in a CSV file.

    The first line names the columns, which commas separate. The first column has
    the pictures' file names. Attributes are 1 or 0, 1 or -1, or true or false. The
    label set is named after the CSV file. `ImageFiles.read` says how the images are
    prepared and kept.

    Args:
        csv_file: the file, in UTF-8.
        image_size: width and height of the images, in pixels.
        test_fraction: share of the subjects in the test part, in (0, 1).
        seed: decides which.
        image_dir: folder that the pictures' names are relative to. Defaults to the
            CSV file's folder.
        attributes: columns to use as labels. Defaults to all but the first and
            `people_column`.
        exclusive: groups of attributes of which a target sets one and clears
            the others, see `LabelSet`.
        people_column: column with the subject of each picture. By default, every
            picture is a subject of its own.
        crop: `"square"` or `"face"`, see `ImageFiles`.
        skip_unreadable: leave out files that cannot be read instead of stopping.
        cache_dir: folder for the prepared images.

    Returns:
        The training and the test part, with binary labels.

    Raises:
        ValueError: if there is no such file or column, a line or a value is not as
            described above, a picture is missing or cannot be read, or an argument is
            out of range.
    """
    parts = list_attributes_csv(
        csv_file,
        test_fraction,
        seed,
        image_dir=image_dir,
        attributes=attributes,
        exclusive=exclusive,
        people_column=people_column,
        crop=crop,
    )
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_attributes_csv(
    csv_file: str | os.PathLike,
    test_fraction: float = 0.1,
    seed: int = 0,
    *,
    image_dir: str | os.PathLike | None = None,
    attributes: Sequence[str] | None = None,
    exclusive: Sequence[Sequence[str]] = (),
    people_column: str | None = None,
    crop: str = "square",
) -> tuple[ImageFiles, ImageFiles]:
    """Lists and splits the pictures that `load_attributes_csv` reads; same arguments.

    Returns:
        The training and the test part.

    Raises:
        ValueError: as `load_attributes_csv`, except for pictures that cannot be read.
    """
    path = pathlib.Path(csv_file)
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    table = AttributeTable.from_csv(path)
    subjects = table.texts(people_column) if people_column else table.files
    if attributes is None:
        attributes = [name for name in table.columns[1:] if name != people_column]
    label_set = LabelSet(
        tuple(attributes), "binary", tuple(map(tuple, exclusive)), name=path.stem
    )
    files = ImageFiles(
        paths=table.existing_files(path.parent if image_dir is None else image_dir),
        labels=table.labels(label_set.names),
        label_set=label_set,
        subjects=np.array(subjects),
        crop=crop,
    )
    return files.split_by_subject(test_fraction, seed)


class AttributeTable:
    """A table with a file name and attributes in each line.

    Args:
        path: the file that it comes from, for messages.
        columns: names of the columns; the first column has the file names.
        lines: line numbers and fields; lines without fields are ignored.

    Raises:
        ValueError: if there are fewer than two columns, if two have the same name, if
            a line has fewer or more fields than columns, or if there is no line.
    """

    def __init__(
        self,
        path: pathlib.Path,
        columns: Sequence[str],
        lines: Iterable[tuple[int, list[str]]],
    ):
        self._path = path
        self.columns = tuple(columns)
        twice = [n for n, uses in collections.Counter(columns).items() if uses > 1]
        if len(columns) < 2 or twice:
            raise ValueError(
                f"{str(path)!r} must name a column for the file and one or more for "
                f"attributes, all different; its columns: {', '.join(columns)}."
            )
        self._lines = [(number, fields) for number, fields in lines if fields]
        for number, fields in self._lines:
            if len(fields) != len(columns):
                raise ValueError(
                    f"{str(path)!r}, line {number}: {len(fields)} fields instead of "
                    f"{len(columns)}."
                )
        if not self._lines:
            raise ValueError(f"{str(path)!r} lists no pictures.")

    @classmethod
    def from_csv(cls, path: pathlib.Path) -> "AttributeTable":
        """Reads a CSV file whose first line names the columns."""
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            columns = next(reader, [])
            return cls(path, columns, ((reader.line_num, row) for row in reader))

    @property
    def files(self) -> list[str]:
        """The file names, in the order of the lines."""
        return [fields[0] for _, fields in self._lines]

    def texts(self, column: str) -> list[str]:
        """The values in a column, as they are written.

        Raises:
            ValueError: if there is no such column (the message names those that are
                written alike), or if it is empty in a line.
        """
        index = self._index(column)
        for number, fields in self._lines:
            if not fields[index]:
                raise ValueError(
                    f"{str(self._path)!r}, line {number}: {column} is empty."
                )
        return [fields[index] for _, fields in self._lines]

    def labels(self, attributes: Sequence[str]) -> np.ndarray:
        """The values in some columns as zeros and ones.

        Returns:
            uint8 array of shape `(number of lines, len(attributes))`.

        Raises:
            ValueError: if there is no such column (the message names those that are
                written alike), or for a value that means neither.
        """
        labels = np.empty((len(self._lines), len(attributes)), "uint8")
        for column, name in enumerate(attributes):
            index = self._index(name)
            for row, (number, fields) in enumerate(self._lines):
                value = _VALUES.get(fields[index].strip().lower())
                if value is None:
                    raise ValueError(
                        f"{str(self._path)!r}, line {number}: {name} must be 1 or 0, "
                        f"1 or -1, or true or false; it is {fields[index]!r}."
                    )
                labels[row, column] = value
        return labels

    def existing_files(self, folder: str | os.PathLike) -> list[str]:
        """The files' paths.

        Args:
            folder: folder that the names are relative to.

        Raises:
            ValueError: if a file is missing.
        """
        paths = [os.path.join(folder, name) for name in self.files]
        missing = [path for path in paths if not os.path.isfile(path)]
        if missing:
            raise ValueError(
                f"{len(missing)} of the {len(paths)} pictures that "
                f"{str(self._path)!r} lists are missing; the first is {missing[0]!r}."
            )
        return paths

    def _index(self, column: str) -> int:
        try:
            return 1 + LabelSet(self.columns[1:]).index(column)
        except ValueError as error:
            raise ValueError(f"{str(self._path)!r}: {error}") from error

"""Records of TFRecord files, read by number: each with one read at a known place.

A TFRecord file is a row of records: the length as 8 bytes, a checksum of it in 4 bytes,
the content, and a checksum of that in 4 bytes. So the places of all records follow from
their lengths.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence

import numpy as np

from keras_stargan.files.places import is_remote, read_bytes, size_of

_BEFORE, _AROUND = 12, 16  # bytes before a record's content, and around it


def file_size(lengths: np.ndarray) -> int:
    """The size of a file of records of these lengths, in bytes."""
    return int(np.sum(lengths, dtype="int64")) + _AROUND * len(lengths)


def record_lengths(path: str) -> np.ndarray:
    """The lengths of a file's records, in bytes; on a disk, nothing else is read.

    Args:
        path: the file. At an address such as gs://, the whole file is read.

    Returns:
        uint32 `(records,)`.

    Raises:
        OSError: if there is no such file.
        ValueError: if the file does not consist of whole records.
    """
    size = size_of(path)
    if size is None:
        raise FileNotFoundError(f"There is no file {path}.")
    lengths, place = [], 0
    with _opened(path) as file:
        while place + _AROUND <= size:
            file.seek(place)
            lengths.append(int.from_bytes(file.read(8), "little"))
            place += lengths[-1] + _AROUND
    if place != size:
        raise ValueError(
            f"{path} is no TFRecord file, or is truncated: it has {size} bytes, and "
            f"its {len(lengths)} records should end at {place}."
        )
    return np.array(lengths, "uint32")


def _opened(path: str) -> io.BytesIO | io.FileIO:
    return io.BytesIO(read_bytes(path)) if is_remote(path) else io.FileIO(path)


class Records:
    """The records of several TFRecord files, numbered through.

    Args:
        paths: the files.
        counts: how many records each of them has.
        lengths: the length of each record, in bytes.
        checksums: the CRC-32 of each record's content, if known.

    Raises:
        ValueError: if there are not as many lengths as records.
    """

    def __init__(
        self,
        paths: Sequence[str],
        counts: Sequence[int],
        lengths: np.ndarray,
        checksums: np.ndarray | None = None,
    ) -> None:
        if sum(counts) != len(lengths):
            raise ValueError(f"{len(lengths)} lengths of {sum(counts)} records.")
        self.paths = list(paths)
        self._firsts = np.concatenate([[0], np.cumsum(counts, dtype="int64")])
        self._ends = np.cumsum(lengths.astype("int64") + _AROUND)
        self._lengths, self._checksums = lengths, checksums

    def __len__(self) -> int:
        return len(self._lengths)

    def place(self, number: int) -> tuple[str, int]:
        """The file that a record is in, and its number there."""
        shard = int(np.searchsorted(self._firsts, number, "right")) - 1
        return self.paths[shard], number - int(self._firsts[shard])

    def name(self, number: int) -> str:
        """What a record is called in messages."""
        path, index = self.place(number)
        return f"{path}, record {index}"

    def check_sizes(self, sizes: Sequence[int | None]) -> None:
        """Raises unless the files are there and have the size that their records need.

        Args:
            sizes: the files' sizes in bytes, None for those that are not there.

        Raises:
            ValueError: naming the first wrong file, and how many there are.
        """
        ends = np.concatenate([[0], self._ends])[self._firsts]
        wrong = [
            (path, size, needed)
            for path, size, needed in zip(self.paths, sizes, np.diff(ends), strict=True)
            if size != needed
        ]
        if wrong:
            path, size, needed = wrong[0]
            found = "is not there" if size is None else f"has {size} bytes"
            more = f" So it is with {len(wrong)} files." if len(wrong) > 1 else ""
            raise ValueError(f"{path} must have {needed} bytes, but {found}.{more}")

    def read(self, number: int) -> bytes:
        """A record's content.

        Raises:
            OSError: if its file cannot be read.
            ValueError: if the content is damaged.
        """
        path, index = self.place(number)
        first = number - index
        before = int(self._ends[first - 1]) if first else 0
        length = int(self._lengths[number])
        start = int(self._ends[number]) - before - _AROUND + _BEFORE - length
        content = read_bytes(path, start, length)
        if len(content) != length or (
            self._checksums is not None
            and zlib.crc32(content) != self._checksums[number]
        ):
            raise ValueError(
                f"{self.name(number)} is damaged: its content is not what was written."
            )
        return content

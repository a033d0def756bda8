"""Files in a folder on disk, or below an address that TensorFlow knows, such as gs://.

TensorFlow is imported for addresses only.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import secrets
from collections.abc import Iterator
from typing import Any

from keras_stargan.files.whole import whole_path


def is_remote(path: str | os.PathLike) -> bool:
    """Whether a path is an address such as `gs://bucket/folder`."""
    return "://" in os.fspath(path)


def join(folder: str | os.PathLike, name: str) -> str:
    """The path of a file in a folder."""
    return (posixpath if is_remote(folder) else os.path).join(os.fspath(folder), name)


def size_of(path: str) -> int | None:
    """A file's size in bytes; None if there is no such file.

    Raises:
        OSError: if it cannot be found out.
    """
    try:
        return _gfile().stat(path).length if is_remote(path) else os.stat(path).st_size
    except FileNotFoundError:
        return None
    except Exception as error:
        if is_remote(path) and type(error).__name__ == "NotFoundError":
            return None
        raise OSError(f"{path} cannot be read: {error}") from error


def read_bytes(path: str, start: int = 0, count: int = -1) -> bytes:
    """Some bytes of a file.

    Each call opens the file by itself: it may be called in several threads, and needs
    one open file at a time in each, however many files there are.

    Args:
        path: the file.
        start: where to begin.
        count: how many bytes; -1 for all that follow.

    Raises:
        OSError: if the file is not there or cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(count)
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            file.seek(start)
            return file.read(count)
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from error


@contextlib.contextmanager
def whole_place(path: str) -> Iterator[str]:
    """Lets other code write a file; it is complete or not there, as `whole_path`.

    Args:
        path: the file.

    Yields:
        The path to write to.
    """
    if not is_remote(path):
        with whole_path(path) as temporary:
            yield os.fspath(temporary)
        return
    gfile = _gfile()
    folder, name = posixpath.split(path)
    gfile.makedirs(folder)
    new = posixpath.join(folder, f".{secrets.token_hex(4)}-{name}")
    try:
        yield new
        gfile.rename(new, path, overwrite=True)
    except BaseException:
        if gfile.exists(new):
            gfile.remove(new)
        raise


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file; it is complete or not there."""
    with whole_place(path) as new:
        if is_remote(path):
            with _gfile().GFile(new, "wb") as file:
                file.write(content)
        else:
            with open(new, "xb") as file:
                file.write(content)


def remove(path: str) -> None:
    """Removes a file; nothing happens if there is none."""
    if size_of(path) is not None:
        (_gfile().remove if is_remote(path) else os.remove)(path)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile

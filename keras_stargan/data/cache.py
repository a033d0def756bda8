"""Where prepared pictures are kept, and how files get there whole."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import BinaryIO


def cache_folder(given: str | os.PathLike | None = None) -> pathlib.Path:
    """The folder for what is prepared once and used again.

    Args:
        given: the user's choice.

    Returns:
        `given`; if None `$KERAS_STARGAN_CACHE`; if unset `keras_stargan` in
        `$XDG_CACHE_HOME` or `~/.cache`. It may not exist yet.
    """
    if given is not None:
        return pathlib.Path(given)
    if "KERAS_STARGAN_CACHE" in os.environ:
        return pathlib.Path(os.environ["KERAS_STARGAN_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base, "keras_stargan")


@contextlib.contextmanager
def whole_file(path: pathlib.Path) -> Iterator[BinaryIO]:
    """Write a file that is complete or not there.

    It gets its name when the block ends, so that neither an interrupted run nor
    a second process ever shows half a file under that name.

    Args:
        path: the file; its folder is made where it is missing.

    Yields:
        A file to write bytes to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f"{path.name}.", suffix=".tmp"
    )
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

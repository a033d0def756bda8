"""Files and folders that are complete or not there.

Each is written under a hidden name beside its final place and renamed at the end, so
that neither an interrupted run nor a second process ever shows half of it. Every file
of this package that another run or another program may read is written in this way.
"""

import contextlib
import json
import os
import pathlib
import secrets
import tempfile
from collections.abc import Iterator
from typing import Any, BinaryIO


@contextlib.contextmanager
def whole_path(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Lets other code write a file by its path; the file is complete or not there.

    An earlier file is replaced when the block ends, and stays if the block raises.

    Args:
        path: the file; its folder is made where it is missing.

    Yields:
        The path to write to. It is hidden and has the suffix of `path`, since many
        libraries choose the format by the suffix.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Opens a file to write that is complete or not there, as `whole_path`.

    Args:
        path: the file; its folder is made where it is missing.

    Yields:
        A file to write bytes to.
    """
    with whole_path(path) as temporary, open(temporary, "xb") as file:
        yield file


@contextlib.contextmanager
def whole_folder(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Makes a folder that is complete or not there.

    An earlier folder is replaced when the block ends, and stays if the block raises.

    Args:
        path: the folder; the folders above it are made where they are missing.

    Yields:
        An empty folder to write to.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        new = pathlib.Path(scratch, path.name)
        new.mkdir()
        yield new
        if path.exists():
            # A folder cannot be renamed onto another one. The earlier folder is
            # deleted together with the scratch folder.
            os.rename(path, pathlib.Path(scratch, "earlier"))
        os.rename(new, path)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file in UTF-8; it is complete or not there.

    Args:
        path: the file; its folder is made where it is missing.
        text: the whole content.
    """
    with whole_file(path) as file:
        file.write(text.encode())


def write_json(path: str | os.PathLike, values: Any) -> None:
    """Writes a JSON file that a person can read; it is complete or not there.

    Args:
        path: the file; its folder is made where it is missing.
        values: dictionaries, lists, strings, numbers, booleans and None.
    """
    write_text(path, json.dumps(values, indent=2) + "\n")

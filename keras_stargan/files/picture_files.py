"""From picture files to picture files: what is read, what is written, what is wrong."""

import collections
import glob
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from keras_stargan.files.framing import Framing, frame
from keras_stargan.files.pictures import SUFFIXES, first_faults, open_picture
from keras_stargan.files.progress import Progress

_SIZES_NAMED = 10
_IN_FLIGHT = 64  # files looked at between two steps of the progress bar


def find_inputs(
    inputs: str | os.PathLike | Sequence[str | os.PathLike], output_dir: pathlib.Path
) -> dict[pathlib.Path, pathlib.PurePath]:
    """The files in order, each with what its outputs are called, without ending.

    Args:
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` for any folders).
        output_dir: where the outputs will be.

    Raises:
        ValueError: for an input that is not there, or that is the output.
    """
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    found = {}
    for given in inputs:
        path = pathlib.Path(given)
        if path.is_dir():
            made = output_dir.resolve()
            if path.resolve() == made:
                raise ValueError(
                    f"{path} is both input and output; give another output_dir, which "
                    "may be in it."
                )
            names = {file: file.relative_to(path) for file in sorted(path.rglob("*"))}
            files = {
                file: name.with_suffix("")
                for file, name in names.items()
                if name.suffix.lower() in SUFFIXES
                and not any(part.startswith(".") for part in name.parts)
                and made not in file.resolve().parents
                and file.is_file()
            }
        elif path.is_file():
            files = {path: pathlib.PurePath(path.stem)}
        else:
            matches = sorted(map(pathlib.Path, glob.glob(str(given), recursive=True)))
            files = {
                file: pathlib.PurePath(file.stem) for file in matches if file.is_file()
            }
        if not files:
            raise ValueError(
                f"{str(given)!r} is no file, no folder with pictures "
                f"({', '.join(SUFFIXES)}) and no glob that matches a file."
            )
        found |= files
    return found


def output_paths(
    files: dict[pathlib.Path, pathlib.PurePath],
    titles: Sequence[str],
    output_dir: pathlib.Path,
) -> dict[pathlib.Path, list[pathlib.Path]]:
    """For each input the outputs, in the order of the titles; no two are one.

    Args:
        files: as `find_inputs` gives them.
        titles: of the outputs of an input, which are in a folder for each; `""` for
            `output_dir` itself.
        output_dir: the folder of them all.

    Raises:
        ValueError: if two outputs would be one file.
    """
    folders = {}
    for title in titles:
        # A leading dot would hide the folder, or lead out of the place.
        folder = re.sub(r"^\.|[^\w ,+.()-]", "_", title)
        if folder in folders:
            raise ValueError(
                f"Translations to {folders[folder]} and to {title} would both be in a "
                f"folder {folder}; give them in two runs, with two output_dir."
            )
        folders[folder] = title
    names = {}
    for path, name in files.items():
        if name in names:
            raise ValueError(
                f"The outputs of {names[name]} and {path} would both be called "
                f"{name}.png. Rename one, or if they are in different folders, give a "
                "folder that holds both of these."
            )
        names[name] = path
    return {
        path: [
            output_dir / folder / name.with_name(f"{name.name}.png")
            for folder in folders
        ]
        for path, name in files.items()
    }


def check_outputs(
    outputs: Sequence[pathlib.Path], inputs: Iterable[pathlib.Path], overwrite: bool
) -> None:
    """Raises `ValueError` if an output is there already, or is an input.

    Args:
        outputs: the files that will be written.
        inputs: those that will be read.
        overwrite: whether outputs may be there.
    """
    there = [path for path in outputs if path.exists()]
    if there and not overwrite:
        more = f" (and {len(there) - 1} more outputs)" if len(there) > 1 else ""
        raise ValueError(
            f"{there[0]} is there already{more}. Give another output_dir, or overwrite "
            "to replace what is there."
        )
    resolved = {path.resolve() for path in inputs}
    for path in there:
        if path.resolve() in resolved:
            raise ValueError(
                f"{path} is both input and output; give another output_dir."
            )


def inspect_files(
    paths: Sequence[pathlib.Path],
    image_size: int,
    fit: str,
    original_size: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
) -> dict[pathlib.Path, Framing]:
    """Reads every file once: for how it becomes square, and to know that it can be.

    Args:
        paths: the files.
        image_size: side of the squares, in pixels.
        fit: how pictures become square, one of `framing.FITS`.
        original_size: whether they get their size back later, for what is printed.
        skip_unreadable: leave out files that cannot be read, and say how many,
            instead of refusing.
        verbose: 0 for silence; 1 to print what is cut off or padded, and progress.

    Returns:
        Of the files that can be read, how each becomes square.

    Raises:
        ValueError: if a file cannot be read, or none can.
    """
    say = print if verbose else lambda *_: None
    say(f"Looking at {len(paths)} pictures")
    framings, faults = _look(paths, image_size, fit, verbose)
    if faults:
        said = (
            f"{len(faults)} of {len(paths)} pictures cannot be read. "
            f"{first_faults(faults)}"
        )
        if not skip_unreadable:
            raise ValueError(f"{said} (skip_unreadable leaves such files out.)")
        if not framings:
            raise ValueError(said)
        say(f"Left out: {said}")
    for line in _summaries(framings, original_size):
        say(line)
    return framings


def _look(
    paths: Sequence[pathlib.Path], image_size: int, fit: str, verbose: int
) -> tuple[dict[pathlib.Path, Framing], list[ValueError]]:
    """Reads every file once, for its size, and to know that it can be read."""

    def look(path):
        try:
            return frame(open_picture(path).size, image_size, fit)
        except ValueError as error:
            return error

    framings, faults = {}, []
    progress = Progress(len(paths), "pictures", verbose)
    # By portions, or Ctrl-C would wait for all.
    for start in range(0, len(paths), _IN_FLIGHT):
        portion = paths[start : start + _IN_FLIGHT]
        for path, result in zip(portion, in_parallel(look, portion), strict=True):
            if isinstance(result, ValueError):
                faults.append(result)
            else:
                framings[path] = result
        progress.add(len(portion))
    return framings, faults


def _summaries(
    framings: dict[pathlib.Path, Framing], original_size: bool
) -> Iterable[str]:
    """What happens to the pictures, a line for each size."""
    kinds = collections.defaultdict(list)
    for path, framing in framings.items():
        kinds[framing.summary(original_size)].append(path)
    kinds = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    for said, paths in kinds[:_SIZES_NAMED]:
        yield f"{paths[0] if len(paths) == 1 else f'{len(paths)} pictures'}, {said}"
    if len(kinds) > _SIZES_NAMED:
        yield f"and pictures of {len(kinds) - _SIZES_NAMED} other sizes in the same way"


def in_parallel(function: Callable, items: Sequence) -> list:
    """The results of a function of each item, in order, by several threads."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, items))

"""Finds and checks the files that a program reads and writes, before it starts."""

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
_IN_FLIGHT = 64  # files that are read between two updates of the progress


def find_inputs(
    inputs: str | os.PathLike | Sequence[str | os.PathLike], output_dir: pathlib.Path
) -> dict[pathlib.Path, pathlib.PurePath]:
    """Finds the input files.

    Args:
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` stands for any number
            of folders).
        output_dir: the folder for the outputs.

    Returns:
        Maps each file, in order, to the name of its outputs without suffix. The name
        of a file in a given folder includes the folders in between.

    Raises:
        ValueError: for an input that does not exist, or that is `output_dir` itself.
    """
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    found = {}
    for given in inputs:
        path = pathlib.Path(given)
        if path.is_dir():
            outputs = output_dir.resolve()
            if path.resolve() == outputs:
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
                and outputs not in file.resolve().parents
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


def file_name(title: str) -> str:
    """A name as that of a file or folder: what is no good in one becomes `_`.

    Args:
        title: of a label, a target or the like.
    """
    # A leading dot would hide the file, and ".." would lead out of its folder.
    return re.sub(r"^\.|[^\w ,+.()-]", "_", title)


def output_paths(
    files: dict[pathlib.Path, pathlib.PurePath],
    titles: Sequence[str],
    output_dir: pathlib.Path,
    suffixes: Sequence[str] = ("",),
) -> dict[pathlib.Path, list[pathlib.Path]]:
    """The output files of each input file.

    Args:
        files: as `find_inputs` gives them.
        titles: each input has an output for each title. The outputs of a title are in
            a folder of that name; `""` stands for `output_dir` itself.
        output_dir: the folder for all outputs.
        suffixes: each title has an output for each suffix of the file's name.

    Returns:
        Maps each input to its outputs, in the order of the titles and suffixes.

    Raises:
        ValueError: if two outputs would be the same file.
    """
    folders = {}
    for title in titles:
        folder = file_name(title)
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
            output_dir / folder / name.with_name(f"{name.name}{suffix}.png")
            for folder in folders
            for suffix in suffixes
        ]
        for path, name in files.items()
    }


def check_outputs(
    outputs: Sequence[pathlib.Path], inputs: Iterable[pathlib.Path], overwrite: bool
) -> None:
    """Raises `ValueError` if an output exists already, or is an input.

    Args:
        outputs: the files that will be written.
        inputs: the files that will be read.
        overwrite: whether outputs may exist already. Inputs are never replaced.
    """
    existing = [path for path in outputs if path.exists()]
    if existing and not overwrite:
        more = f" (and {len(existing) - 1} more outputs)" if len(existing) > 1 else ""
        raise ValueError(
            f"{existing[0]} is there already{more}. Give another output_dir, or "
            "overwrite to replace what is there."
        )
    resolved = {path.resolve() for path in inputs}
    for path in existing:
        if path.resolve() in resolved:
            raise ValueError(
                f"{path} is both input and output; give another output_dir."
            )


def inspect_files(
    paths: Sequence[pathlib.Path],
    shape: int | tuple[int, int],
    fit: str,
    original_size: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
) -> dict[pathlib.Path, Framing]:
    """Reads every file once, to find unreadable ones before anything is written.

    Args:
        paths: the files.
        shape: height and width of the images, in pixels; one number for squares.
        fit: how pictures get this shape, one of `framing.FITS`.
        original_size: whether outputs get the pictures' size; only for the printed
            lines.
        skip_unreadable: whether to leave out files that cannot be read, and to print
            how many, instead of raising.
        verbose: 0 for silence; 1 to print the progress and what is cut off or padded.

    Returns:
        Maps each readable file to the way in which it gets this shape.

    Raises:
        ValueError: if a file cannot be read; with `skip_unreadable`, if none can.
    """
    say = print if verbose else lambda *_: None
    say(f"Looking at {len(paths)} pictures")
    framings, faults = _frame_all(paths, shape, fit, verbose)
    if faults:
        message = (
            f"{len(faults)} of {len(paths)} pictures cannot be read. "
            f"{first_faults(faults)}"
        )
        if not skip_unreadable:
            raise ValueError(f"{message} (skip_unreadable leaves such files out.)")
        if not framings:
            raise ValueError(message)
        say(f"Left out: {message}")
    for line in _summaries(framings, original_size):
        say(line)
    return framings


def _frame_all(
    paths: Sequence[pathlib.Path],
    shape: int | tuple[int, int],
    fit: str,
    verbose: int,
) -> tuple[dict[pathlib.Path, Framing], list[ValueError]]:
    """The framings of the readable files, and the errors of the others."""

    def read(path):
        try:
            return frame(open_picture(path).size, shape, fit)
        except ValueError as error:
            return error

    framings, faults = {}, []
    progress = Progress(len(paths), "pictures", verbose)
    # In portions, since Ctrl-C waits until all files of a portion are read.
    for start in range(0, len(paths), _IN_FLIGHT):
        portion = paths[start : start + _IN_FLIGHT]
        for path, result in zip(portion, in_parallel(read, portion), strict=True):
            if isinstance(result, ValueError):
                faults.append(result)
            else:
                framings[path] = result
        progress.add(len(portion))
    return framings, faults


def _summaries(
    framings: dict[pathlib.Path, Framing], original_size: bool
) -> Iterable[str]:
    """Lines on what is cut off or padded, one for each size of pictures."""
    kinds = collections.defaultdict(list)
    for path, framing in framings.items():
        kinds[framing_summary(framing, original_size)].append(path)
    kinds = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    for line, paths in kinds[:_SIZES_NAMED]:
        yield f"{paths[0] if len(paths) == 1 else f'{len(paths)} pictures'}, {line}"
    if len(kinds) > _SIZES_NAMED:
        yield f"and pictures of {len(kinds) - _SIZES_NAMED} other sizes in the same way"


def framing_summary(framing: Framing, original_size: bool) -> str:
    """A line such as "40x20: cut off 10 px left, 10 px right; comes out 16x16".

    Args:
        framing: how pictures get the shape of images.
        original_size: whether outputs get the pictures' size.
    """
    width, height = framing.size
    left, top, right, bottom = framing.box
    margins = {
        "left": round(left),
        "right": round(width - right),
        "at the top": round(top),
        "at the bottom": round(height - bottom),
    }
    cut = ", ".join(f"{count} px {side}" for side, count in margins.items() if count)
    change = f"cut off {cut}" if cut else "nothing cut off"
    left, top, right, bottom = framing.content
    if (bottom, right) != framing.shape or (top, left) != (0, 0):
        sides = "the sides" if right - left < framing.shape[1] else "top and bottom"
        change += f", mirrored at {sides} and that cut off again"
    out = framing.taken if original_size else (right - left, bottom - top)
    return f"{width}x{height}: {change}; comes out {out[0]}x{out[1]}"


def in_parallel(function: Callable, items: Sequence) -> list:
    """Calls a function with each item in several threads; the results in order."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, items))

"""Aligns the faces in picture files and writes them to files (see `alignment`)."""

import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np

from keras_stargan.faces.alignment import MIN_CERTAINTY, align_batch, check_settings
from keras_stargan.files.picture_files import (
    check_outputs,
    find_inputs,
    in_parallel,
    inspect_files,
    output_paths,
)
from keras_stargan.files.pictures import open_picture
from keras_stargan.files.progress import Progress
from keras_stargan.images import save_png
from keras_stargan.pretrained.fan.networks import IMAGE_SIZE


def align_files(
    fan: Callable,
    inputs: str | os.PathLike | Sequence[str | os.PathLike],
    output_dir: str | os.PathLike,
    mean_landmarks: np.ndarray | None = None,
    size: int = IMAGE_SIZE,
    fit: str = "crop",
    min_certainty: float = MIN_CERTAINTY,
    batch_size: int = 16,
    overwrite: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
) -> dict[pathlib.Path, pathlib.Path | None]:
    """Aligns the faces in picture files and writes them to PNG files.

    An output has the name of its input. If an input is a folder, the folders in it are
    made in `output_dir` too. All inputs and arguments are checked before FAN runs and
    before anything is written. Only a picture without a face is found later: it is
    left out and named at the end.

    Args:
        fan: as for `align_faces`.
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` stands for any number
            of folders).
        output_dir: folder for the outputs; made if it is missing.
        mean_landmarks: as for `align_faces`.
        size: as for `align_faces`.
        fit: as for `align_faces`.
        min_certainty: as for `align_faces`.
        batch_size: number of pictures that are aligned, and kept in memory, at once.
        overwrite: whether to replace outputs that exist already, instead of raising.
            An input is never replaced.
        skip_unreadable: whether to leave out files that cannot be read, and to print
            how many, instead of raising.
        verbose: 0 for silence; 1 to print the progress, what is cut off and what is
            left out.

    Returns:
        Maps each readable input to its output file, or to None if there is no face on
        the picture.

    Raises:
        ValueError: for inputs that do not exist or cannot be read, two inputs with the
            same output, outputs that exist already, other wrong arguments, or if there
            is no face on any picture.
        OSError: if an output cannot be written.
    """
    mean_landmarks = check_settings(mean_landmarks, size, fit, batch_size)
    output_dir = pathlib.Path(output_dir)
    files = find_inputs(inputs, output_dir)
    outputs = {
        path: output
        for path, (output,) in output_paths(files, [""], output_dir).items()
    }
    check_outputs(list(outputs.values()), files, overwrite)
    framings = inspect_files(
        list(files), size, fit, skip_unreadable=skip_unreadable, verbose=verbose
    )

    say = print if verbose else lambda *_: None
    readable, written = list(framings), {}
    say("Aligning")
    progress = Progress(len(readable), "pictures", verbose)
    for start in range(0, len(readable), batch_size):
        batch = readable[start : start + batch_size]
        aligned = align_batch(
            fan,
            in_parallel(open_picture, batch),
            [framings[path] for path in batch],
            mean_landmarks,
            min_certainty,
        )
        for path, face in zip(batch, aligned, strict=True):
            written[path] = None if face is None else outputs[path]
            if face is not None:
                save_png(outputs[path], face)
        progress.add(len(batch))
    if missing := [str(path) for path, output in written.items() if output is None]:
        message = (
            f"No face was found on {len(missing)} of {len(readable)} pictures: "
            f"{', '.join(missing)}"
        )
        if len(missing) == len(readable):
            raise ValueError(
                f"{message}. FAN needs a face that fills much of the picture. With "
                "a lower min_certainty, less certain faces are accepted."
            )
        say(f"Left out: {message}")
    say(f"{len(readable) - len(missing)} aligned faces are in {output_dir}")
    return written

"""Aligned faces of picture files, as files (see `alignment`)."""

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
    """Aligns faces in picture files into PNG files of the same names.

    Of inputs that are given as a folder, the folders in it are kept. What can be wrong
    is found before FAN runs and anything is written, except for a picture without a
    face: it is left out, and named at the end.

    Args:
        fan: as for `align_faces`.
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` for any folders).
        output_dir: folder of the outputs; made if it is missing.
        mean_landmarks: as for `align_faces`.
        size: as for `align_faces`.
        fit: as for `align_faces`.
        min_certainty: as for `align_faces`.
        batch_size: how many are aligned, and kept in memory, at once.
        overwrite: replace outputs that are there already, instead of refusing. An
            input is never replaced.
        skip_unreadable: leave out files that cannot be read, and say how many,
            instead of refusing.
        verbose: 0 for silence; 1 to print what is cut off, progress, and what is left
            out.

    Returns:
        By each input that could be read the file written, or None if there is no
        face on it.

    Raises:
        ValueError: for inputs that are not there or cannot be read, two inputs for one
            output, outputs that are there already, other wrong arguments, or if there
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
        said = (
            f"No face was found on {len(missing)} of {len(readable)} pictures: "
            f"{', '.join(missing)}"
        )
        if len(missing) == len(readable):
            raise ValueError(
                f"{said}. FAN needs a face that fills much of the picture; a lower "
                "min_certainty takes what it is less sure of."
            )
        say(f"Left out: {said}")
    say(f"{len(readable) - len(missing)} aligned faces are in {output_dir}")
    return written

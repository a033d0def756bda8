"""Translation of a video: all its frames, in one style, with its sound."""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from keras_stargan.files.framing import frame
from keras_stargan.files.picture_files import (
    check_outputs,
    find_inputs,
    framing_summary,
)
from keras_stargan.files.pictures import open_picture
from keras_stargan.files.video_conversion import convert_video, first_frames
from keras_stargan.methods.base import TranslationModel
from keras_stargan.use.plan import Plan
from keras_stargan.use.translation import Names, Paths

# So many frames vote on the labels that the video has.
_VOTES = 8


def translate_video(
    model: TranslationModel,
    path: str | os.PathLike,
    targets: Names,
    output_dir: str | os.PathLike,
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    overwrite: bool = False,
    verbose: int = 1,
    references: Paths = (),
    seeds: Sequence[int] = (),
    psi: float = 1.0,
    size: tuple[int, int] | None = None,
) -> list[pathlib.Path]:
    """Translates a video: each frame by itself, all in one style.

    The translation of `dance.mov` to the target `"happy"` is
    `<output_dir>/happy/dance.mp4`, with the names of `translate_files`. Each frame
    stays as long as in the video, and all tracks of sound stay; subtitles do not.
    Frames are turned upright. A width or height that is odd grows by one pixel. Frames
    that cannot be decoded are left out, and it is printed how many. At most a batch of
    frames is kept in memory. Everything else that can be wrong is found before the
    model runs and anything is written.

    Args:
        model: as for `translate_pictures`.
        path: a file of any format that FFmpeg reads.
        targets: as for `translate_pictures`; several are translated in one pass.
        output_dir: folder of the outputs; made if it is missing.
        fit: as for `translate_pictures`.
        source_labels: the names of the labels that all frames have. By default the
            model guesses them once, where a target needs them, as the majority of the
            first 8 frames: guesses that change from frame to frame would flicker.
        batch_size: how many frames are translated, and kept in memory, at once.
        original_size: as for `translate_pictures`.
        overwrite: as for `translate_files`.
        verbose: 0 for silence; 1 to print what is cut off or padded, and progress.
        references: as for `translate_files`.
        seeds: as for `translate_pictures`.
        psi: as for `translate_pictures`.
        size: as for `translate_pictures`.

    Returns:
        The files written.

    Raises:
        ImportError: if PyAV is not installed.
        ValueError: for an unknown target, label or fit, a file that is no video, a
            video without any frame that can be decoded, outputs that are there already,
            or a guide or a size that the model does not have.
        OSError: if an output cannot be written.

    Example:
        ```python
        translate_video(model, "dance.mov", "happy", "translated")
        ```
    """
    path, output_dir = pathlib.Path(path), pathlib.Path(output_dir)
    reference_files = list(find_inputs(references, output_dir)) if references else []
    names = [file.stem for file in reference_files]
    plan = Plan(model, targets, names, seeds, psi, source_labels, fit, batch_size, size)
    if not path.is_file():
        raise ValueError(f"There is no video {str(path)!r}.")
    paths = plan.output_paths({path: pathlib.PurePath(path.stem)}, output_dir)
    outputs = [file.with_suffix(".mp4") for file in paths[path]]
    check_outputs(outputs, [path, *reference_files], overwrite)
    pictures = first_frames(path, _VOTES)
    framing = frame(pictures[0].size, plan.shape, fit)

    say = print if verbose else lambda *_: None
    say(f"{path}, {framing_summary(framing, original_size)}")
    if plan.guesses:
        plan.guess_once(np.stack([framing.framed(picture) for picture in pictures]))
        shown = ", ".join(itertools.compress(model.labels.names, plan.own[0]))
        say(
            f"The model's discriminator guesses that the first frames show "
            f"{shown or 'no label'}; source_labels would say it."
        )
    translate = plan.ready(
        [
            frame(picture.size, model.image_size, fit).framed(picture)
            for picture in map(open_picture, reference_files)
        ]
    )

    def convert(frames: np.ndarray) -> list[Iterator[np.ndarray]]:
        return [
            (np.asarray(framing.unframed(image, original_size)) for image in images)
            for images in translate(frames)
        ]

    say(f"Translating to {', '.join(plan.titles)}")
    count, lost = convert_video(
        path, outputs, framing.framed, convert, batch_size, verbose
    )
    if lost:
        say(
            f"{path} is damaged: of {count + lost} frames that it should have, {count} "
            "can be decoded. The others are left out."
        )
    say(f"{count} frames are in {', '.join(map(str, outputs))}")
    return outputs

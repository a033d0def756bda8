"""Translation of pictures of any size and shape, in memory or from file to file."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_stargan.files.framing import frame
from keras_stargan.files.picture_files import (
    check_outputs,
    find_inputs,
    in_parallel,
    inspect_files,
)
from keras_stargan.files.pictures import as_rgb, open_picture
from keras_stargan.files.progress import Progress
from keras_stargan.images import image_grid, save_png
from keras_stargan.methods.base import TranslationModel
from keras_stargan.use.drawn_pictures import drawn_pictures
from keras_stargan.use.plan import Plan

_GRID = "grid.png"
_GRID_ROWS = 32
_DRAWN = "drawn"
Names = str | Sequence[str]
Paths = str | os.PathLike | Sequence[str | os.PathLike]


def translate_pictures(
    model: TranslationModel,
    pictures: Sequence[Image.Image | np.ndarray],
    targets: Names = (),
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    references: Sequence[Image.Image | np.ndarray] = (),
    seeds: Sequence[int] = (),
    psi: float = 1.0,
    size: tuple[int, int] | None = None,
) -> dict[str, list[Image.Image]]:
    """Translates pictures of any size and shape.

    Args:
        model: a trained model. Its inputs must look like its training images and be
            cropped the same way.
        pictures: Pillow's, of mode RGB (`keras_stargan.files.pictures.open_picture`
            reads any file so), or uint8 arrays `(height, width, 3)`.
        targets: one or more targets, each as `Target.parse` takes it: the name of a
            label, or of binary labels several with commas between them, a `-` before
            those that are to be absent: `"Blond_Hair,-Young"`. Labels that a target
            does not name stay as they are. Without targets, every label in turn; one
            of a binary data set is added to pictures without it and taken from those
            with it.
        fit: how a picture of another shape becomes square, or as `size` is. `"crop"`:
            the largest such part in the middle is taken. `"face"`: a square that is a
            little smaller and higher up, as for RaFD's portraits in training. `"pad"`:
            all of the picture is taken, the shorter side is extended by mirroring, and
            that is cut off again after the translation.
        source_labels: the names of the labels that all these pictures have; binary
            labels that are not named, they do not have. By default the model guesses
            the labels of each picture, where a target needs them.
        batch_size: how many pictures are translated at once.
        original_size: enlarge (or reduce) each translation to the size of what was
            taken of the picture. Its details remain those of `model.image_size`.
        references: pictures, as above, whose style the translations get, for a model
            that is guided by references: each picture is translated in the style of
            each reference.
        seeds: whole numbers, each of which stands for a random style, for a model that
            is guided by latent codes. Such a model without references or seeds uses
            seed 0.
        psi: truncation of the styles of seeds: 1 for the styles themselves, less for
            styles nearer to the mean style of the target.
        size: height and width at which the model translates, in pixels; multiples of
            its `size_multiple`. By default both are `model.image_size`, which it knows
            best.

    Returns:
        Maps each target, in order, to the translation of each picture; where there are
        several references or seeds, a target's name is followed by ` reference 1`, ...
        or ` seed 5`, .... A translation has `size`, without what was padded, unless
        `original_size`.

    Raises:
        ValueError: for an unknown target, label or fit, pictures of another kind, or a
            guide or a size that the model does not have.

    Example:
        ```python
        picture = open_picture("me.jpg")
        translate_pictures(model, [picture], "happy")["happy"][0].save("happy.png")
        ```
    """
    names = [f"reference {i + 1}" for i in range(len(references))]
    plan = Plan(model, targets, names, seeds, psi, source_labels, fit, batch_size, size)
    translate = plan.ready(
        [
            frame(picture.size, model.image_size, fit).framed(picture)
            for picture in map(as_rgb, references)
        ]
    )
    pictures = [as_rgb(picture) for picture in pictures]
    framings = [frame(picture.size, plan.shape, fit) for picture in pictures]
    found = {title: [] for title in plan.titles}
    for start in range(0, len(pictures), batch_size):
        batch = slice(start, start + batch_size)
        images = [
            framing.framed(picture)
            for picture, framing in zip(pictures[batch], framings[batch], strict=True)
        ]
        outputs = translate(np.stack(images))
        for title, translated in zip(plan.titles, outputs, strict=True):
            found[title] += [
                framing.unframed(image, original_size)
                for image, framing in zip(translated, framings[batch], strict=True)
            ]
    return found


def translate_files(
    model: TranslationModel,
    inputs: Paths | None,
    targets: Names,
    output_dir: str | os.PathLike,
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    overwrite: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
    references: Paths = (),
    seeds: Sequence[int] = (),
    psi: float = 1.0,
    size: tuple[int, int] | None = None,
) -> list[pathlib.Path]:
    """Translates picture files into files, and shows them in one grid.

    The translation of `people/000123.jpg` to the target `"Blond_Hair,-Young"` is
    `<output_dir>/Blond_Hair,-Young/000123.png` (in the folder's name, a character that
    is neither a letter, a digit nor one of ` ,+-.()` becomes `_`). With several seeds
    or references, the names say which: `000123_seed5.png`, or `000123_anna.png` for the
    reference `anna.jpg`. If an input is a folder, the folders in it are kept:
    `<output_dir>/<target>/anna/01.png`. The grid, `<output_dir>/grid.png`, has the
    first 32 inputs, each with all its translations. Everything that can be wrong is
    found before the model runs and anything is written.

    Args:
        model: as for `translate_pictures`.
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` for any folders). None
            for a few pictures that are drawn to fit the model, if its labels are those
            of drawn data; they are written to `<output_dir>/drawn`.
        targets: as for `translate_pictures`; empty for every label in turn.
        output_dir: folder of the outputs; made if it is missing.
        fit: as for `translate_pictures`.
        source_labels: as for `translate_pictures`.
        batch_size: how many pictures are translated, and kept in memory, at once.
        original_size: as for `translate_pictures`.
        overwrite: replace outputs that are there already, instead of refusing. An
            input is never replaced.
        skip_unreadable: leave out files that cannot be read, and print how many,
            instead of refusing.
        verbose: 0 for silence; 1 to print what is cut off or padded, and progress.
        references: files, folders or globs of the pictures whose style the translations
            get; as for `translate_pictures`.
        seeds: as for `translate_pictures`.
        psi: as for `translate_pictures`.
        size: as for `translate_pictures`.

    Returns:
        The files written: for each input its translations, then the grid.

    Raises:
        ValueError: for an unknown target, label or fit, inputs that are not there or
            cannot be read, none that can be drawn, two inputs for one output, outputs
            that are there already, or a guide or a size that the model does not have.
        OSError: if an output cannot be written.
    """
    output_dir = pathlib.Path(output_dir)
    reference_files = list(find_inputs(references, output_dir)) if references else []
    names = [path.stem for path in reference_files]
    plan = Plan(model, targets, names, seeds, psi, source_labels, fit, batch_size, size)
    if inputs is None:
        drawn = _drawn(model, output_dir / _DRAWN)
        files = {path: pathlib.PurePath(path.stem) for path in drawn}
    else:
        drawn, files = {}, find_inputs(inputs, output_dir)
    if not files:
        raise ValueError("Name the pictures: files, folders or globs; received none.")
    outputs = plan.output_paths(files, output_dir)
    grid_path = output_dir / _GRID
    every = [path for paths in outputs.values() for path in paths]
    read = [*reference_files, *(() if drawn else files)]
    check_outputs([*drawn, *every, grid_path], read, overwrite)

    say = print if verbose else lambda *_: None
    for path, image in drawn.items():
        save_png(path, image)
    if drawn:
        say(f"No picture is named: {len(drawn)} are drawn, {output_dir / _DRAWN}")
    framings = inspect_files(
        list(files), plan.shape, fit, original_size, skip_unreadable, verbose
    )
    if plan.guesses:
        say(
            "The inputs' own labels are guessed by the model's discriminator; "
            "source_labels would say them."
        )
    translate = plan.ready(
        [_square(path, model.image_size, fit) for path in reference_files]
    )
    readable = list(framings)
    rows, written = [], []
    say(f"Translating to {', '.join(plan.titles)}")
    progress = Progress(len(readable), "pictures", verbose)
    for start in range(0, len(readable), batch_size):
        batch = readable[start : start + batch_size]
        framed = np.stack(
            in_parallel(lambda path: framings[path].framed(open_picture(path)), batch)
        )
        translated = translate(framed)
        for i, path in enumerate(batch):
            framing = framings[path]
            found = [images[i] for images in translated]
            for output, image in zip(outputs[path], found, strict=True):
                save_png(output, np.asarray(framing.unframed(image, original_size)))
                written.append(output)
            if len(rows) < _GRID_ROWS:
                rows.append([framing.on_white(x) for x in (framed[i], *found)])
        progress.add(len(batch))
    save_png(grid_path, image_grid(rows, ["source", *plan.titles]))
    shown = f" of the first {len(rows)} inputs" if len(rows) < len(readable) else ""
    say(f"{len(written)} translations are in {output_dir}; a grid{shown}: {grid_path}")
    return [*written, grid_path]


def _square(path: pathlib.Path, image_size: int, fit: str) -> np.ndarray:
    picture = open_picture(path)
    return frame(picture.size, image_size, fit).framed(picture)


def _drawn(
    model: TranslationModel, folder: pathlib.Path
) -> dict[pathlib.Path, np.ndarray]:
    """Drawn pictures that fit a model, by the file that each will be in."""
    pictures = drawn_pictures(model.labels, model.image_size)
    return {folder / f"{i + 1}.png": x for i, x in enumerate(pictures.images)}

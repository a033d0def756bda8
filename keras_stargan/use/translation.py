"""Translation of pictures of any size and shape, in memory or from file to file."""

import os
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
from PIL import Image

from keras_stargan.files.framing import FITS, frame
from keras_stargan.files.picture_files import (
    check_outputs,
    find_inputs,
    in_parallel,
    inspect_files,
    output_paths,
)
from keras_stargan.files.pictures import as_rgb, open_picture
from keras_stargan.images import from_uint8, image_grid, save_png, to_uint8
from keras_stargan.labels import LabelSpace
from keras_stargan.methods.stargan.pytorch import load_pytorch
from keras_stargan.methods.stargan.stargan import StarGAN
from keras_stargan.training.checkpoints import model_file

_GRID = "grid.png"
_GRID_ROWS = 32


def load_model(
    path: str | os.PathLike, discriminator: str | os.PathLike | None = None
) -> StarGAN:
    """Loads a trained model, to be used and not trained on.

    Args:
        path: a `.keras` file; or the folder of a run, of which the newest of
            `model.keras` and the checkpoints is taken; or the published code's
            checkpoint of a generator (`200000-G.ckpt`).
        discriminator: with the last, the discriminator's. Without, the model's
            `classify` refuses.

    Raises:
        ImportError: for a published checkpoint, without PyTorch.
        ValueError: if there is no such file, or no StarGAN in it.
    """
    path = model_file(path)
    if path.suffix != ".keras":
        return load_pytorch(path, discriminator)
    if discriminator is not None:
        raise ValueError(
            f"{path} has its own discriminator; received {discriminator} besides."
        )
    model = keras.saving.load_model(path, compile=False)
    if not isinstance(model, StarGAN):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a StarGAN.")
    return model


def needs_own_labels(
    label_space: LabelSpace, targets: str | Sequence[str] = ()
) -> bool:
    """Whether targets say only a part, so that an image's own labels matter.

    Args:
        label_space: of a model.
        targets: as for `translate_pictures`.

    Raises:
        ValueError: for targets that are not right.
    """
    absent, present = (
        _target_labels(label_space, targets, np.full((1, label_space.num_labels), own))
        for own in (0.0, 1.0)
    )
    return any((absent[title] != present[title]).any() for title in absent)


def translate_pictures(
    model: StarGAN,
    pictures: Sequence[Image.Image | np.ndarray],
    targets: str | Sequence[str] = (),
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
) -> dict[str, list[Image.Image]]:
    """Translates pictures of any size and shape.

    Args:
        model: a trained `StarGAN`. It knows pictures as those it was trained on:
            crop faces as they were cropped there.
        pictures: Pillow's, of mode RGB (`keras_stargan.files.pictures.open_picture`
            reads any file so), or uint8 arrays `(height, width, 3)`.
        targets: one or more. A target is the name of a label, or of binary data sets
            several with commas between them, a `-` before those that are to be
            absent: `"Blond_Hair,-Young"`. What is not named stays as it is. Without
            targets, every label in turn, as `LabelSpace.chosen_targets`: one of a
            binary data set is given to pictures without it and taken from those
            with it.
        fit: how a picture that is not square becomes so. `"crop"`: the square in
            the middle is taken. `"face"`: a little less and higher up, as of RaFD's
            portraits in training. `"pad"`: all of it is taken, the shorter side is
            extended by mirroring, and that is cut off again after translating.
        source_labels: for binary data sets, the names of the labels that all these
            pictures have; those not named, they do not have. Without, the model's
            discriminator guesses, for each picture by itself.
        batch_size: how many are translated at once.
        original_size: enlarge (or reduce) each translation to the size of what was
            taken of the picture. Its details remain those of `model.image_size`.

    Returns:
        For each target, in order, the translation of each picture. Their longer side
        is `model.image_size` unless `original_size`.

    Raises:
        ValueError: for an unknown target, label or fit, or pictures of another kind.

    Example:
        ```python
        picture = open_picture("me.jpg")
        translate_pictures(model, [picture], "happy")["happy"][0].save("happy.png")
        ```
    """
    _check(model, targets, fit, source_labels, batch_size)
    pictures = [as_rgb(picture) for picture in pictures]
    framings = [frame(picture.size, model.image_size, fit) for picture in pictures]
    translations = {
        title: [] for title in _target_labels(model.labels, targets, _none(model, 1))
    }
    for start in range(0, len(pictures), batch_size):
        batch = slice(start, start + batch_size)
        squares = [
            framing.square(picture)
            for picture, framing in zip(pictures[batch], framings[batch], strict=True)
        ]
        for title, translated in _translate(
            model, np.stack(squares), targets, source_labels
        ).items():
            translations[title] += [
                framing.unframed(square, original_size)
                for square, framing in zip(translated, framings[batch], strict=True)
            ]
    return translations


def translate_files(
    model: StarGAN,
    inputs: str | os.PathLike | Sequence[str | os.PathLike],
    targets: str | Sequence[str],
    output_dir: str | os.PathLike,
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    overwrite: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
) -> list[pathlib.Path]:
    """Translates picture files into files, and shows them in one grid.

    For `people/000123.jpg` and the target `"Blond_Hair,-Young"`, the output is
    `<output_dir>/Blond_Hair,-Young/000123.png` (in the folder's name, what is
    neither a letter, a digit nor one of ` ,+-.()` is `_`). Of inputs that are given
    as a folder, the folders in it are kept: `<output_dir>/<target>/anna/01.png`. The
    grid, `<output_dir>/grid.png`, has the first 32 inputs, each with all its
    translations. Everything that can be wrong is found before the model runs and
    anything is written.

    Args:
        model: as for `translate_pictures`.
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` for any folders).
        targets: as for `translate_pictures`; empty for every label in turn.
        output_dir: folder of the outputs; made if it is missing.
        fit: as for `translate_pictures`.
        source_labels: as for `translate_pictures`.
        batch_size: how many are translated, and kept in memory, at once.
        original_size: as for `translate_pictures`.
        overwrite: replace outputs that are there already, instead of refusing. An
            input is never replaced.
        skip_unreadable: leave out files that cannot be read, and say how many,
            instead of refusing.
        verbose: 0 for silence; 1 to print what is cut off or padded, and progress.

    Returns:
        The files written: for each input its translations, then the grid.

    Raises:
        ValueError: for an unknown target, label or fit, inputs that are not there or
            cannot be read, two inputs for one output, or outputs that are there
            already.
        OSError: if an output cannot be written.
    """
    _check(model, targets, fit, source_labels, batch_size)
    output_dir = pathlib.Path(output_dir)
    files = find_inputs(inputs, output_dir)
    titles = list(_target_labels(model.labels, targets, _none(model, 1)))
    outputs = output_paths(files, titles, output_dir)
    grid_path = output_dir / _GRID
    every = [path for paths in outputs.values() for path in paths]
    check_outputs([*every, grid_path], files, overwrite)

    say = print if verbose else lambda *_: None
    framings = inspect_files(
        list(files), model.image_size, fit, original_size, skip_unreadable, verbose
    )
    if source_labels is None and needs_own_labels(model.labels, targets):
        say(
            "The inputs' own labels are guessed by the model's discriminator; "
            "source_labels would say them."
        )

    readable = list(framings)
    rows, written = [], []
    say(f"Translating to {', '.join(titles)}")
    progress = keras.utils.Progbar(len(readable), verbose=verbose, unit_name="picture")
    for start in range(0, len(readable), batch_size):
        batch = readable[start : start + batch_size]
        squares = np.stack(
            in_parallel(lambda path: framings[path].square(open_picture(path)), batch)
        )
        translated = _translate(model, squares, targets, source_labels)
        for i, path in enumerate(batch):
            framing = framings[path]
            translations = [translated[title][i] for title in titles]
            for output, square in zip(outputs[path], translations, strict=True):
                save_png(output, np.asarray(framing.unframed(square, original_size)))
                written.append(output)
            if len(rows) < _GRID_ROWS:
                rows.append([framing.on_white(x) for x in (squares[i], *translations)])
        progress.add(len(batch))
    save_png(grid_path, image_grid(rows, ["source", *titles]))
    shown = f" of the first {len(rows)} inputs" if len(rows) < len(readable) else ""
    say(f"{len(written)} translations are in {output_dir}; a grid{shown}: {grid_path}")
    return [*written, grid_path]


# Targets.


def _check(
    model: StarGAN,
    targets: str | Sequence[str],
    fit: str,
    source_labels: Sequence[str] | None,
    batch_size: int,
) -> None:
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}; received {fit!r}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; received {batch_size}.")
    _target_labels(model.labels, targets, _none(model, 1))
    _own_labels(model, source_labels or ())
    if (
        source_labels is None
        and needs_own_labels(model.labels, targets)
        and not model.can_classify
    ):
        raise ValueError(
            "What a target does not name shall stay as it is, but a generator alone "
            "cannot tell how it is. Load the model with its discriminator "
            "(200000-D.ckpt), or say by source_labels which labels the pictures have."
        )


def _none(model: StarGAN, count: int) -> np.ndarray:
    """The labels of images without any."""
    return np.zeros((count, model.labels.num_labels), "float32")


def _own_labels(model: StarGAN, names: Sequence[str]) -> np.ndarray:
    """The labels `(1, num_labels)` of an image that has those of these names."""
    none = _none(model, 1)
    named = [model.labels.named_target([name], none) for name in names]
    return np.max([none, *(label[:, : none.shape[1]] for label in named)], axis=0)


def _target_labels(
    label_space: LabelSpace, targets: str | Sequence[str], own: np.ndarray
) -> dict[str, np.ndarray]:
    """For each target its title and labels `(n, size)`; own: `(n, num_labels)`."""
    if not targets:
        # All labels are known, or guessed; those of the first set pass as its own.
        labels = label_space.with_mask(
            np.pad(own, [(0, 0), (0, label_space.size - own.shape[1])]), 0
        )
        return dict(label_space.chosen_targets(labels, own))
    labels = {}
    for target in [targets] if isinstance(targets, str) else targets:
        names = [name.strip() for name in target.split(",")]
        if target in label_space.names:  # A name may have a comma in it.
            names = [target]
        title = ",".join(names)
        if title in labels:
            raise ValueError(f"The target {title} is given twice.")
        labels[title] = label_space.named_target(names, own)
    return labels


def _translate(
    model: StarGAN,
    squares: np.ndarray,
    targets: str | Sequence[str],
    source_labels: Sequence[str] | None,
) -> dict[str, np.ndarray]:
    """Translates one batch of squares, uint8 `(n, size, size, 3)`, to each target."""
    images = from_uint8(squares)
    if source_labels is not None:
        own = _own_labels(model, source_labels).repeat(len(images), axis=0)
    elif needs_own_labels(model.labels, targets):
        own = model.classify(images, len(images))
    else:
        own = _none(model, len(images))
    return {
        title: to_uint8(model.translate(images, labels, batch_size=len(images)))
        for title, labels in _target_labels(model.labels, targets, own).items()
    }

"""Translation of pictures of any size and shape, in memory or from file to file."""

import collections
import glob
import os
import pathlib
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from PIL import Image

from keras_stargan.data.framing import FITS, Framing, frame
from keras_stargan.data.pictures import SUFFIXES, first_faults, open_picture
from keras_stargan.images import from_uint8, image_grid, save_png, to_uint8
from keras_stargan.labels import LabelSpace
from keras_stargan.models.stargan.stargan import StarGAN
from keras_stargan.models.stargan.stargan_pytorch import load_pytorch

_GRID = "grid.png"
_GRID_ROWS = 32
_SIZES_SAID = 10
_IN_FLIGHT = 64  # files looked at between two steps of the progress bar


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
    path = pathlib.Path(path)
    if path.is_dir():
        files = [*path.glob("checkpoints/step-*.keras"), *path.glob("model.keras")]
        if not files:
            raise ValueError(
                f"The folder {path} has neither model.keras nor checkpoints in it."
            )
        path = max(files, key=lambda file: file.stat().st_mtime_ns)
    if not path.is_file():
        raise ValueError(
            f"There is no {path}. A model is a .keras file, the folder of a run, or "
            "the published code's checkpoint of a generator."
        )
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
        pictures: Pillow's, of mode RGB (`keras_stargan.data.pictures.open_picture`
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
    pictures = [_as_rgb(picture) for picture in pictures]
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
    if isinstance(inputs, str | os.PathLike):
        inputs = [inputs]
    files = _find_inputs(inputs, output_dir)
    titles = list(_target_labels(model.labels, targets, _none(model, 1)))
    outputs = _outputs(files, titles, output_dir)
    grid_path = output_dir / _GRID
    every = [path for paths in outputs.values() for path in paths]
    _check_outputs([*every, grid_path], files, overwrite)

    say = print if verbose else lambda *_: None
    say(f"Looking at {len(files)} pictures")
    framings, faults = _look_at(list(files), model.image_size, fit, verbose)
    if faults:
        said = (
            f"{len(faults)} of {len(files)} pictures cannot be read. "
            f"{first_faults(faults)}"
        )
        if not skip_unreadable:
            raise ValueError(f"{said} (skip_unreadable leaves such files out.)")
        if not framings:
            raise ValueError(said)
        say(f"Left out: {said}")
    for line in _frames_said(framings, original_size):
        say(line)
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
            _parallel(lambda path: framings[path].square(open_picture(path)), batch)
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
        title: to_uint8(model.translate(images, labels, len(images)))
        for title, labels in _target_labels(model.labels, targets, own).items()
    }


# Pictures.


def _frames_said(
    framings: dict[pathlib.Path, Framing], original_size: bool
) -> Iterable[str]:
    """What happens to the pictures, a line for each size."""
    kinds = collections.defaultdict(list)
    for path, framing in framings.items():
        kinds[framing.said(original_size)].append(path)
    kinds = sorted(kinds.items(), key=lambda kind: -len(kind[1]))
    for said, paths in kinds[:_SIZES_SAID]:
        yield f"{paths[0] if len(paths) == 1 else f'{len(paths)} pictures'}, {said}"
    if len(kinds) > _SIZES_SAID:
        yield f"and pictures of {len(kinds) - _SIZES_SAID} other sizes in the same way"


def _as_rgb(picture: Image.Image | np.ndarray) -> Image.Image:
    if isinstance(picture, Image.Image):
        kind = f"a picture of mode {picture.mode}"
    else:
        array = np.asarray(picture)
        kind = f"an array of {array.dtype} of shape {array.shape}"
        if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
            picture = Image.fromarray(array)
    if getattr(picture, "mode", None) != "RGB":
        raise ValueError(
            "pictures must be Pillow's of mode RGB, as open_picture reads them, or "
            f"uint8 arrays of shape (height, width, 3); received {kind}."
        )
    return picture


# Files.


def _find_inputs(
    inputs: Sequence[str | os.PathLike], output_dir: pathlib.Path
) -> dict[pathlib.Path, pathlib.PurePath]:
    """The files in order, each with what its outputs are called, without ending."""
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


def _outputs(
    files: dict[pathlib.Path, pathlib.PurePath],
    titles: Sequence[str],
    output_dir: pathlib.Path,
) -> dict[pathlib.Path, list[pathlib.Path]]:
    """For each input the outputs, in the order of the titles; no two are one."""
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


def _check_outputs(
    outputs: Sequence[pathlib.Path], inputs: Iterable[pathlib.Path], overwrite: bool
) -> None:
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


def _look_at(
    paths: Sequence[pathlib.Path], image_size: int, fit: str, verbose: int
) -> tuple[dict[pathlib.Path, Framing], list[ValueError]]:
    """Reads every file once, for its size, and to know that it can be read."""

    def look(path):
        try:
            return frame(open_picture(path).size, image_size, fit)
        except ValueError as error:
            return error

    framings, faults = {}, []
    progress = keras.utils.Progbar(len(paths), verbose=verbose, unit_name="picture")
    # By portions, or Ctrl-C would wait for all.
    for start in range(0, len(paths), _IN_FLIGHT):
        portion = paths[start : start + _IN_FLIGHT]
        for path, result in zip(portion, _parallel(look, portion), strict=True):
            if isinstance(result, ValueError):
                faults.append(result)
            else:
                framings[path] = result
        progress.add(len(portion))
    return framings, faults


def _parallel(function: Callable, items: Sequence) -> list:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(function, items))
